package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// fill sets every field that can be reached to something that is not zero.
func fill(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), r)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(3), 4))
		for i := range v.Len() {
			fill(v.Index(i), r)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d-ü", v.Type().Name(), r.IntN(1000)))
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64() - r.Int64())
	case reflect.Uint8:
		v.SetUint(uint64(r.IntN(256)))
	case reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(v.Kind())
	}
}

// messages makes one of each kind, filled, in the order of their kinds.
func messages() []Message {
	r := rand.New(rand.NewPCG(1, 2))
	var kinds []Kind
	for k := range fresh {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	var out []Message
	for _, k := range kinds {
		m := fresh[k]()
		fill(reflect.ValueOf(m).Elem(), r)
		out = append(out, m)
	}
	return out
}

func TestEveryFieldTravels(t *testing.T) {
	for _, m := range messages() {
		back := fresh[m.kind()]()
		if err := Decode(back, Encode(m)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, back) {
			t.Errorf("%T came back different:\n%+v\n%+v", m, m, back)
		}
	}
}

// tensorsIn finds the tensors in a message that has been filled.
func tensorsIn(v reflect.Value) (list []*Tensor) {
	if t, ok := v.Addr().Interface().(*Tensor); ok {
		return []*Tensor{t}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			list = append(list, tensorsIn(v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, tensorsIn(v.Index(i))...)
		}
	}
	return list
}

// No tensor is forgotten whose file must be carried or removed.
func TestTensorsOf(t *testing.T) {
	for _, m := range messages() {
		if _, shapes := m.(*OpenStream); shapes {
			continue // its tensors have no elements
		}
		if got, want := TensorsOf(m), tensorsIn(reflect.ValueOf(m).Elem()); !slices.Equal(got, want) {
			t.Errorf("of the %d tensors in a %T, %d are found", len(want), m, len(got))
		}
	}
}

// Messages share slices with what the core keeps, which others read meanwhile;
// the race detector sees a write.
func TestWritingChangesNothing(t *testing.T) {
	for _, m := range messages() {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { Encode(m) })
		}
		all.Wait()
	}
}

// The golden file holds the bytes of every message: a change of it is a change
// of the protocol, and needs a new Proto.
func TestGoldenMessages(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "protocol %d\n", Proto)
	for _, m := range messages() {
		fmt.Fprintf(&b, "%d %T %s\n", m.kind(), m, hex.EncodeToString(Encode(m)))
	}
	path := filepath.Join("testdata", "messages.golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Error("the bytes of a message changed: raise Proto and run the test with -rewrite")
	}
}

func TestTruncatedMessages(t *testing.T) {
	for _, m := range messages() {
		data := Encode(m)
		for n := range data {
			if err := Decode(fresh[m.kind()](), data[:n]); err == nil {
				t.Errorf("the first %d of %d bytes of a %T were taken for the whole", n, len(data), m)
			}
		}
		if err := Decode(fresh[m.kind()](), append(data, 0)); err == nil {
			t.Errorf("a %T with a byte too many was taken", m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		f.Add(uint16(m.kind()), Encode(m))
	}
	f.Fuzz(func(t *testing.T, kind uint16, data []byte) {
		make := fresh[Kind(kind)]
		if make == nil {
			return
		}
		m := make()
		if Decode(m, data) != nil {
			return
		}
		if again := Encode(m); !bytes.Equal(again, data) {
			t.Errorf("%T: %x was read and written as %x", m, data, again)
		}
	})
}
