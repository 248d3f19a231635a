package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// ProtocolVersion is the version of the messages that this package writes.
const ProtocolVersion = "5.4"

const (
	delimiter = "<IDS|MSG>"
	// A message has at most this many frames: identities in front, buffers behind. More is an attack or a fault.
	maxFrames = 1024
)

// Header says who sent a message, what it is, and when.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message of the protocol, on any channel.
type Message struct {
	Identities [][]byte       // routing frames in front of the delimiter
	Header     Header         // of this message
	Parent     Header         // of the request that caused it; zero for a request
	Metadata   map[string]any // seldom used
	Content    map[string]any // depends on Header.Type; numbers are json.Number
	Buffers    [][]byte       // raw frames behind the content
}

// Text returns the string at a content key, "" when it is absent or of another type.
func (m *Message) Text(key string) string {
	s, _ := m.Content[key].(string)
	return s
}

// Object returns the object at a content key, nil when it is absent or of another type.
func (m *Message) Object(key string) map[string]any {
	o, _ := m.Content[key].(map[string]any)
	return o
}

// DisplayID returns the id under which a display can be updated later, "" for none.
func (m *Message) DisplayID() string {
	id, _ := m.Object("transient")["display_id"].(string)
	return id
}

// Key signs messages. An empty key means that messages are not signed, as Jupyter has it.
type Key string

// FrameError says why a list of frames is no message. Such frames are dropped: they did not come from our peer.
type FrameError struct{ Why string }

func (e *FrameError) Error() string {
	return "jupyter: frames dropped: " + e.Why
}

// NewRequest makes a message with a fresh id, ready to encode.
func NewRequest(session, kind string, content map[string]any) *Message {
	return &Message{
		Header: Header{
			ID: NewID(), Session: session, Username: "metalnb", Type: kind, Version: ProtocolVersion,
			Date: time.Now().UTC().Format(time.RFC3339Nano),
		},
		Content: content,
	}
}

// NewID returns 32 random hex digits, for sessions, messages and keys.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Encode returns the frames of m, signed.
func (k Key) Encode(m *Message) ([][]byte, error) {
	var parts [4][]byte
	objects := [4]any{m.Header, parentObject(m.Parent), orEmpty(m.Metadata), orEmpty(m.Content)}
	for i, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("jupyter: cannot encode %s: %w", m.Header.Type, err)
		}
		parts[i] = b
	}
	frames := append([][]byte{}, m.Identities...)
	frames = append(frames, []byte(delimiter), []byte(k.sign(parts[:])))
	frames = append(frames, parts[:]...)
	return append(frames, m.Buffers...), nil
}

// Decode checks the signature of frames and parses them. Every failure is a *FrameError; it never panics.
func (k Key) Decode(frames [][]byte) (*Message, error) {
	if len(frames) > maxFrames {
		return nil, &FrameError{fmt.Sprintf("%d frames, more than %d", len(frames), maxFrames)}
	}
	at := -1
	for i, f := range frames {
		if string(f) == delimiter {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, &FrameError{"no delimiter " + delimiter}
	}
	if len(frames) < at+6 {
		return nil, &FrameError{fmt.Sprintf("%d frames behind the delimiter, a message has at least 5", len(frames)-at-1)}
	}
	parts := frames[at+2 : at+6]
	if k != "" && !hmac.Equal([]byte(k.sign(parts)), bytes.ToLower(frames[at+1])) {
		return nil, &FrameError{"the signature does not match the connection file's key"}
	}
	m := &Message{Identities: frames[:at:at], Buffers: frames[at+6:]}
	targets := [4]any{&m.Header, &m.Parent, &m.Metadata, &m.Content}
	names := [4]string{"header", "parent header", "metadata", "content"}
	for i, t := range targets {
		d := json.NewDecoder(bytes.NewReader(parts[i]))
		d.UseNumber()
		if err := d.Decode(t); err != nil {
			return nil, &FrameError{fmt.Sprintf("the %s is not what the protocol wants: %v", names[i], err)}
		}
	}
	if m.Header.ID == "" || m.Header.Type == "" {
		return nil, &FrameError{"the header has no msg_id or no msg_type"}
	}
	return m, nil
}

func (k Key) sign(parts [][]byte) string {
	if k == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(k))
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// A request has an empty object as its parent, not a header of empty strings.
func parentObject(h Header) any {
	if h == (Header{}) {
		return struct{}{}
	}
	return h
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
