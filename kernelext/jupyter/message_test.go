package jupyter

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const testKey Key = "a0436f6c-1916-498b-8eb9-e81ab9368e84"

// The frames of a request with a fixed header. The signature was computed with another implementation:
// hmac.new(key, header + parent + metadata + content, hashlib.sha256) in Python.
var golden = []string{
	"<IDS|MSG>",
	"71eb9ce65b9ac413610273e598f7c5008bd3cee482be55189cae45d594c827ed",
	`{"msg_id":"1","session":"s","username":"u","date":"2026-01-02T03:04:05Z","msg_type":"execute_request","version":"5.4"}`,
	`{}`, `{}`, `{"code":"1+1","n":12345678901234567890}`,
}

func frames(parts ...string) [][]byte {
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = []byte(p)
	}
	return out
}

func goldenMessage() *Message {
	return &Message{
		Header: Header{
			ID: "1", Session: "s", Username: "u", Date: "2026-01-02T03:04:05Z", Type: "execute_request", Version: "5.4",
		},
		Content: map[string]any{"code": "1+1", "n": json.Number("12345678901234567890")},
	}
}

func TestEncodeMatchesGolden(t *testing.T) {
	got, err := testKey.Encode(goldenMessage())
	if err != nil {
		t.Fatal(err)
	}
	if want := frames(golden...); !reflect.DeepEqual(got, want) {
		t.Errorf("frames\n%q, want\n%q", got, want)
	}
}

func TestDecodeReadsWhatEncodeWrites(t *testing.T) {
	m := goldenMessage()
	m.Identities = frames("router", "client")
	m.Parent = Header{ID: "0", Type: "x"}
	m.Metadata = map[string]any{"k": true}
	m.Buffers = frames("raw\x00", "")
	sent, err := testKey.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := testKey.Decode(sent)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("decoded\n%+v, want\n%+v", got, m)
	}
}

func TestDecodeDropsHostileFrames(t *testing.T) {
	good := func() [][]byte { return frames(golden...) }
	with := func(i int, s string) [][]byte {
		f := good()
		f[i] = []byte(s)
		return f
	}
	unsigned := func(i int, s string) [][]byte {
		f := with(i, s)
		f[1] = []byte(testKey.sign(f[2:6]))
		return f
	}
	cases := []struct {
		name   string
		frames [][]byte
		why    string
	}{
		{"nothing", nil, "no delimiter"},
		{"no delimiter", good()[1:], "no delimiter"},
		{"too short", good()[:5], "4 frames behind the delimiter"},
		{"only a delimiter", good()[:1], "0 frames behind the delimiter"},
		{"changed content", with(5, `{"code":"rm -rf"}`), "signature"},
		{"changed header", with(2, `{}`), "signature"},
		{"no signature", with(1, ""), "signature"},
		{"half a signature", with(1, golden[1][:10]), "signature"},
		{"content is a list", unsigned(5, "[]"), "content"},
		{"header is cut off", unsigned(2, `{"msg_id":`), "header"},
		{"header without an id", unsigned(2, `{"msg_type":"x"}`), "no msg_id"},
		{"parent is a number", unsigned(3, "7"), "parent header"},
		{"very many frames", make([][]byte, maxFrames+1), "frames, more than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := testKey.Decode(c.frames)
			var fe *FrameError
			if m != nil || !errors.As(err, &fe) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("got %v, %v; want a FrameError about %q", m, err, c.why)
			}
		})
	}
}

func TestEmptyKeyDoesNotSign(t *testing.T) {
	sent, err := Key("").Encode(goldenMessage())
	if err != nil {
		t.Fatal(err)
	}
	if len(sent[1]) != 0 {
		t.Errorf("signature %q, want none", sent[1])
	}
	if _, err := Key("").Decode(sent); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(strings.Join(golden, "\n")), false)
	f.Add([]byte("id\n<IDS|MSG>\n\n{\"msg_id\":\"1\",\"msg_type\":\"x\"}\n{}\n{}\n{}\nbuffer"), true)
	f.Add([]byte("<IDS|MSG>"), true)
	f.Fuzz(func(t *testing.T, b []byte, open bool) {
		key := testKey
		if open {
			key = ""
		}
		m, err := key.Decode(bytes.Split(b, []byte("\n")))
		if (m == nil) == (err == nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
		if m == nil {
			return
		}
		// What was understood can be sent on.
		again, err := key.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := key.Decode(again); err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
	})
}
