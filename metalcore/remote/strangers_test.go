package remote

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Whoever cannot be let in, or should not go in, is told why.
func TestRefusals(t *testing.T) {
	f := listen(t, nil)
	other := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	wrongPin, wrongToken, nobody := *f.target, *f.target, *f.target
	wrongPin.Pin, wrongToken.Token = other, other
	nobody.Address = "127.0.0.1:1"
	for name, c := range map[string]struct {
		target Target
		code   string
		words  []string
	}{
		"wrong pin":   {wrongPin, wire.CodeStranger, []string{"another key", wire.EnvCore}},
		"wrong token": {wrongToken, wire.CodeStranger, []string{"does not know this token", wire.EnvCore}},
		"nobody":      {nobody, wire.CodeCore, []string{"cannot be reached", "firewall"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := wire.Dial(f.relay(t, c.target), hello())
			isProblem(t, err, c.code, c.words...)
		})
	}
	place := f.relayed(t)
	h := hello()
	h.Version = "9.9.9"
	_, _, err := wire.Dial(place, h)
	isProblem(t, err, wire.CodeVersion, "9.9.9", wire.Version, "same version on both")
	client(t, place)
}

// A certificate that is not valid now is refused, and one that will soon not be
// is made anew, of the same key.
func TestExpired(t *testing.T) {
	f := listen(t, func(f *Front) { f.Identity.now = func() time.Time { return time.Now().Add(-2 * lifetime) } })
	place := f.relayed(t)
	_, _, err := wire.Dial(place, hello())
	isProblem(t, err, wire.CodeStranger, "valid from", "clocks")
	f.front.Identity.mu.Lock()
	f.front.Identity.now = time.Now
	f.front.Identity.mu.Unlock()
	client(t, place) // the pin still holds
}

// What answers at the address may be no core at all.
func TestNotACore(t *testing.T) {
	for name, says := range map[string]string{"another service": "220 mail.example.com ESMTP\r\n", "silence": "", "a web server": "HTTP/1.1 400 Bad Request\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			f := listen(t, nil)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					conn.Write([]byte(says))
					conn.Read(make([]byte, 10))
					conn.Close()
				}
			}()
			target := *f.target
			target.Address = listener.Addr().String()
			_, _, err = wire.Dial(f.relay(t, target), hello())
			isProblem(t, err, wire.CodeCore, target.Address)
		})
	}
}

// frames are messages as bytes.
func frames(list ...wire.Message) []byte {
	var b bytes.Buffer
	conn := wire.NewConn(struct {
		io.ReadWriter
		io.Closer
	}{&b, io.NopCloser(nil)}, 0)
	for _, m := range list {
		conn.Send(m)
	}
	return b.Bytes()
}

// Whatever strangers send, the connection ends soon, nothing of the core is told,
// and those that are known go on.
func TestStrangersAtTheDoor(t *testing.T) {
	f := listen(t, nil)
	conn := client(t, f.relayed(t))
	secure := func(t *testing.T) net.Conn {
		c, err := tls.Dial("tcp", f.target.Address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain := func(t *testing.T) net.Conn {
		c, err := net.Dial("tcp", f.target.Address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]struct {
		dial  func(*testing.T) net.Conn
		sends []byte
		says  string
	}{
		"a scanner":          {plain, nil, ""},
		"a browser":          {plain, []byte("GET / HTTP/1.1\r\nHost: box\r\n\r\n"), "this port wants TLS"},
		"ssh":                {plain, []byte("SSH-2.0-OpenSSH_9.9\r\n"), "this port wants TLS"},
		"a cell":             {plain, frames(hello()), ""},
		"zeros":              {plain, make([]byte, 1000), ""},
		"silence in TLS":     {secure, nil, ""},
		"rubbish in TLS":     {secure, bytes.Repeat([]byte{0xff}, 100), ""},
		"no token":           {secure, frames(hello(), &wire.StatusRequest{}), "does not know this token"},
		"an empty token":     {secure, frames(&wire.Enter{}, hello()), "does not know this token"},
		"part of the token":  {secure, frames(&wire.Enter{Token: f.target.Token[:42]}, hello()), "does not know this token"},
		"a long token":       {secure, frames(&wire.Enter{Token: f.target.Token + strings.Repeat("A", 20_000)}, hello()), ""},
		"the token only":     {secure, frames(&wire.Enter{Token: f.target.Token}), ""},
		"no hello":           {secure, frames(&wire.Enter{Token: f.target.Token}, &wire.StatusRequest{}), "does not know this token"},
		"half of the token":  {secure, frames(&wire.Enter{Token: f.target.Token}, hello())[:30], ""},
		"a request and more": {secure, frames(&wire.Shutdown{Force: true}, &wire.Shutdown{Force: true}), "does not know this token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, says := c, ""
			stranger := c.dial(t)
			defer stranger.Close()
			stranger.SetDeadline(time.Now().Add(30 * time.Second))
			stranger.Write(c.sends)
			heard, err := io.ReadAll(stranger)
			if says = string(heard); !strings.Contains(says, c.says) || c.says == "" && len(says) > 100 {
				t.Errorf("it was told %q", says)
			}
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("the connection stays open")
			}
			for _, secret := range []string{wire.Version, string(f.core.Place), f.target.Token, "notebook"} {
				if strings.Contains(strings.ReplaceAll(says, "HTTP/1.0", ""), secret) {
					t.Errorf("it was told of %s: %q", secret, says)
				}
			}
		})
	}
	t.Cleanup(func() { call[wire.Status](t, conn, &wire.StatusRequest{}) })
}

// TLS of old is not spoken.
func TestOldTLS(t *testing.T) {
	f := listen(t, nil)
	if c, err := tls.Dial("tcp", f.target.Address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 is spoken")
	}
}

// A flood of strangers is turned away, and does not keep those out that come
// after it.
func TestFloodOfStrangers(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	for range 3 * mostUnknown {
		c, err := net.Dial("tcp", f.target.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	eventually(t, "the strangers to be thrown out", func() bool {
		conn, _, err := wire.Dial(place, hello())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// entered is a connection over TLS of a client that was let in.
func entered(t *testing.T, f *far) *wire.Conn {
	t.Helper()
	conn, err := f.target.dial(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := wire.NewConn(conn, wire.MaxFrame)
	if err := c.Send(&wire.Enter{Token: f.target.Token}); err != nil {
		t.Fatal(err)
	}
	call[wire.Welcome](t, c, hello())
	return c
}

// Pieces go to files of tensors only, and to none that is there.
func TestHostilePieces(t *testing.T) {
	f := listen(t, nil)
	there := numbers(t, f.core.Place, 70_000)
	defer there.Discard(f.core.Place)
	for name, file := range map[string]string{"up": "../core.log", "absolute": "/tmp/tensor-x", "another name": "core.log", "none": "", "there": there.File} {
		t.Run(name, func(t *testing.T) {
			c := entered(t, f)
			for _, data := range []string{"ours", "now"} {
				if err := c.Send(&wire.Chunk{File: file, Data: []byte(data)}); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.Call(&wire.StatusRequest{})
			isProblem(t, err, wire.CodeResource)
			call[wire.Status](t, c, &wire.StatusRequest{})
		})
	}
	size := filepath.Join(f.core.Place.Exchange(), there.File)
	if n := fileSize(t, size); n != 280_000 {
		t.Errorf("a file that was there has %d bytes", n)
	}
}

// Files that are sent for nothing do not fill the disk.
func TestFilesForNothing(t *testing.T) {
	f := listen(t, nil)
	c := entered(t, f)
	for i := range 2 * mostReceived {
		if err := c.Send(&wire.Chunk{File: fmt.Sprint("tensor-", i), Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	call[wire.Status](t, c, &wire.StatusRequest{})
	if n := exchanged(t, f.core.Place); n > mostReceived {
		t.Errorf("there are %d files", n)
	}
}
