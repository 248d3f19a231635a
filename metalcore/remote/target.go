package remote

import (
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Target is what a client knows of a core on another machine.
type Target struct {
	Address string // host:port
	Pin     string // of the core's key
	Token   string
}

// String is what $METALNB_CORE is set to.
func (t *Target) String() string {
	return fmt.Sprintf("tls://%s?pin=%s&token=%s", t.Address, t.Pin, t.Token)
}

// ParseTarget reads what String wrote. The error does not repeat the token.
func ParseTarget(text string) (*Target, error) {
	wrong := func(what string) error {
		return fmt.Errorf("%s %s: set it to what `metalnb core --listen` printed, in quotes: tls://host:port?pin=PIN&token=TOKEN", wire.EnvCore, what)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "" || u.Path != "" || u.User != nil {
		return nil, wrong("is no address")
	}
	q := u.Query()
	t := &Target{Address: u.Host, Pin: q.Get("pin"), Token: q.Get("token")}
	for name, value := range map[string]string{"pin": t.Pin, "token": t.Token} {
		if b, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(b) != 32 {
			return nil, wrong("has no whole " + name)
		}
	}
	return t, nil
}

// errGone says that nobody listens where the core was.
var errGone = errors.New("no core is there")

// dial makes a connection to the core with the right key.
func (t *Target) dial(timeout time.Duration) (*tls.Conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: t.verify} // the pin is what is verified
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: timeout}, "tcp", t.Address, config)
	if err == nil {
		return conn, nil
	}
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return nil, p
	}
	p := &wire.Problem{Code: wire.CodeCore, Message: fmt.Sprintf("the core at %s cannot be reached: %v", t.Address, err),
		Remedy: "look there whether `metalnb core --listen` still runs, and whether a firewall lets you through"}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		p.Message = fmt.Sprintf("what listens at %s is no metalnb core: it does not speak TLS (%v)", t.Address, err)
		p.Remedy = "compare the port with that in " + wire.EnvCore
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.Message = fmt.Sprintf("the core at %s does not answer", t.Address)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errors.Join(p, errGone)
	}
	return nil, p
}

// verify holds the core's key against the pin, and its certificate against the
// clock.
func (t *Target) verify(state tls.ConnectionState) error {
	cert := state.PeerCertificates[0]
	if subtle.ConstantTimeCompare([]byte(pinOf(cert)), []byte(t.Pin)) != 1 {
		return &wire.Problem{Code: wire.CodeStranger, Message: fmt.Sprintf("the core at %s is not the one that %s names: it has another key", t.Address, wire.EnvCore),
			Remedy: "if it has been set up anew, set " + wire.EnvCore + " to what it printed; if not, somebody else answers in its place"}
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return &wire.Problem{Code: wire.CodeStranger,
			Message: fmt.Sprintf("the certificate of the core at %s is valid from %s to %s, and here it is %s", t.Address,
				cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly), now.Format(time.DateOnly)),
			Remedy: "compare the clocks of the two machines; a core renews its certificate by itself"}
	}
	return nil
}
