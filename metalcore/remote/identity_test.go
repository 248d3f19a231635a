package remote

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// An identity is made once, and kept where nobody else can read it.
func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "below", "remote.pem")
	first, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the key is open to others: %v", info.Mode())
	}
	second, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := first.Target("box:1")
	b, err := second.Target("box:1")
	if err != nil || *a != *b {
		t.Errorf("%v became %v, %v", a, b, err)
	}
	if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBrokenIdentities(t *testing.T) {
	path := filepath.Join(t.TempDir(), "remote.pem")
	if _, err := LoadIdentity(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data string
		mode os.FileMode
		word string
	}{
		"open":     {string(whole), 0o640, "open to others"},
		"empty":    {"", 0o600, "remove it"},
		"cut":      {string(whole[:len(whole)-30]), 0o600, "remove it"},
		"no key":   {strings.Replace(string(whole), "PRIVATE KEY", "PUBLIC KEY", 2), 0o600, "remove it"},
		"no token": {string(whole[:strings.Index(string(whole), "-----BEGIN METALNB")]), 0o600, "remove it"},
		"rubbish":  {strings.Repeat("rubbish ", 100), 0o600, "remove it"},
	} {
		os.Remove(path)
		if err := os.WriteFile(path, []byte(c.data), c.mode); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, c.mode)
		if _, err := LoadIdentity(path); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate is renewed before it expires, and keeps the key.
func TestRenewal(t *testing.T) {
	id, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	cert := func(after time.Duration) *x509.Certificate {
		id.now = func() time.Time { return time.Now().Add(after) }
		c, err := id.certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf
	}
	first, same, next := cert(0), cert(lifetime-2*renewal), cert(lifetime-renewal/2)
	if first != same || first == next || pinOf(first) != pinOf(next) || !next.NotAfter.After(first.NotAfter) {
		t.Errorf("valid to %v, then %v, then %v", first.NotAfter, same.NotAfter, next.NotAfter)
	}
}

func TestTargets(t *testing.T) {
	id, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"box:7070", "127.0.0.1:1", "[::1]:7070"} {
		want, err := id.Target(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseTarget(want.String())
		if err != nil || *got != *want {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
	whole, _ := id.Target("box:7070")
	for _, text := range []string{
		"", "box:7070", "tls://", "tls://box", "http" + whole.String()[3:], whole.String()[:60], "tls://box:7070?token=" + id.token, "tls://box:7070/x?" + whole.String()[15:],
		strings.Split(whole.String(), "&")[0], whole.String() + "A", "\x00", "tls://%zz:1",
	} {
		if got, err := ParseTarget(text); err == nil || !strings.Contains(err.Error(), wire.EnvCore) || strings.Contains(err.Error(), id.token) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
