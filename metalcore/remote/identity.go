package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A certificate is valid for lifetime, and renewed when it has less than renewal.
const (
	lifetime = 365 * 24 * time.Hour
	renewal  = 30 * 24 * time.Hour
)

// The blocks of the file of an identity.
const (
	keyBlock   = "PRIVATE KEY"
	tokenBlock = "METALNB TOKEN"
)

// Identity is what a core that listens is known by, and lets others in by.
type Identity struct {
	key   *ecdsa.PrivateKey
	token string
	now   func() time.Time

	mu   sync.Mutex
	cert *tls.Certificate
}

// LoadIdentity reads the identity that a file keeps, or makes one.
func LoadIdentity(path string) (*Identity, error) {
	id, err := readIdentity(path)
	if errors.Is(err, fs.ErrNotExist) {
		if id, err = newIdentity(); err == nil {
			err = id.write(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return id, nil
}

func newIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return &Identity{key: key, token: base64.RawURLEncoding.EncodeToString(secret), now: time.Now}, nil
}

func readIdentity(path string) (*Identity, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s, which holds this core's key, is open to others: remove it, and a new one will be made", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	broken := fmt.Errorf("%s does not hold a key and a token: remove it, and new ones will be made", path)
	first, rest := pem.Decode(data)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil || first.Type != keyBlock || second.Type != tokenBlock || len(second.Bytes) != 32 {
		return nil, broken
	}
	parsed, err := x509.ParsePKCS8PrivateKey(first.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, broken
	}
	return &Identity{key: key, token: base64.RawURLEncoding.EncodeToString(second.Bytes), now: time.Now}, nil
}

// write keeps the identity in a file that is there as a whole or not at all.
func (id *Identity) write(path string) error {
	key, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		return err
	}
	secret, err := base64.RawURLEncoding.DecodeString(id.token)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: keyBlock, Bytes: key})
	pem.Encode(&b, &pem.Block{Type: tokenBlock, Bytes: secret})
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// certificate is a certificate of the key that is valid for a while.
func (id *Identity) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := id.now()
	if id.cert != nil && now.Add(renewal).Before(id.cert.Leaf.NotAfter) {
		return id.cert, nil
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &id.key.PublicKey, id.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	id.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: id.key, Leaf: leaf}
	return id.cert, nil
}

// config is how the core speaks TLS.
func (id *Identity) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: id.certificate}
}

// knows reports whether a token is ours.
func (id *Identity) knows(token string) bool {
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(id.token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Target is the address of this core with all that a client needs.
func (id *Identity) Target(address string) (*Target, error) {
	cert, err := id.certificate(nil)
	if err != nil {
		return nil, err
	}
	return &Target{Address: address, Token: id.token, Pin: pinOf(cert.Leaf)}, nil
}

// pinOf is the SHA-256 of a certificate's public key.
func pinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
