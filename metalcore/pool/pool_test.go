package pool_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
	"github.com/metalnb/metalnb/metalcore/pool"
)

func Example() {
	p := pool.New(cpu.New(1), pool.Options{Limit: 1 << 20})
	dev := p.Device().(backend.Accounts)
	defer dev.Close()
	mine := dev.For(backend.Owner{Kind: "trainer", Session: "a.ipynb", Name: "digits"})
	buf, err := mine.Alloc(800_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = mine.Alloc(800_000)
	fmt.Println(err)
	buf.Free()
	fmt.Println(p.Usage().Live, p.Usage().Cached)
	// Output:
	// 800.0 KB more are needed, and of the 1.0 MB that the core may take 800.0 KB are in use, by trainer "digits" of a.ipynb (800.0 KB)
	// 0 0
}

// A device of a pool passes the suite, also when the buffers that it gives out
// were used before.
func TestConformance(t *testing.T) {
	inner := cpu.New(1)
	p := pool.New(inner, pool.Options{Cache: pool.Caps{Bytes: 1 << 30, Count: 100}})
	conformance.Run(t, p.Device(), conformance.Small)
	u := p.Usage()
	if u.Live != 0 || len(u.Uses) != 0 || u.Lost.Bytes != 0 {
		t.Errorf("something is left: %+v", u)
	}
	if u.Hits == 0 || u.Misses == 0 || u.Cached != inner.LiveBytes() {
		t.Errorf("the cache has %d bytes of %d on the device, with %d hits and %d misses", u.Cached, inner.LiveBytes(), u.Hits, u.Misses)
	}
	p.Device().Close()
	if n := inner.LiveBytes(); n != 0 {
		t.Errorf("%d bytes are left on the device", n)
	}
}

func alloc(t *testing.T, dev backend.Device, bytes int64) backend.Buffer {
	t.Helper()
	b, err := dev.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReuse(t *testing.T) {
	p := pool.New(cpu.New(1), pool.Options{Limit: 1 << 30, Cache: pool.Caps{Bytes: 1 << 20, Count: 10}})
	dev := p.Device()
	defer dev.Close()
	const n = 600_001
	a := alloc(t, dev, n)
	if err := a.Upload(0, bytes.Repeat([]byte{7}, n)); err != nil {
		t.Fatal(err)
	}
	a.Free()
	b := alloc(t, dev, n-1000)
	if u := p.Usage(); u.Hits != 1 || u.Cached != 0 || u.Live != n {
		t.Errorf("%+v: want the buffer out of the cache", u)
	}
	if err := a.Download(0, make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "freed") {
		t.Errorf("reading what was freed: %v", err)
	}
	a.Free() // does no harm to the one who has it now
	if b.Len() != n-1000 || b.Upload(n-1000, []byte{1}) == nil {
		t.Errorf("the buffer has %d bytes, and more than that can be written", b.Len())
	}
	if err := b.Upload(300_000, []byte{1}); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, n-1000)
	if err := b.Download(0, got); err != nil || got[300_000] != 1 {
		t.Errorf("%v", err)
	}
	got[300_000] = 0
	if !bytes.Equal(got, make([]byte, len(got))) {
		t.Error("the buffer holds what was in it before")
	}
	b.Free()
}

// square is a program that has something in its arena: the sum of two numbers.
func square(t *testing.T) *plan.Program {
	t.Helper()
	x := ir.Input("x", ir.F32, 2)
	p, err := plan.New(ir.NewGraph("square", []ir.Output{{Name: "y", Value: op.Mul(x, op.Sum(x, false))}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A buffer that is freed while a run uses it is given to nobody.
func TestFreedInFlight(t *testing.T) {
	p := pool.New(cpu.New(1), pool.Options{Limit: 1 << 30})
	dev := p.Device()
	defer dev.Close()
	exe, err := dev.Compile(square(t))
	if err != nil {
		t.Fatal(err)
	}
	x, y := alloc(t, dev, 8), alloc(t, dev, 8)
	run := exe.Submit(backend.Bindings{Inputs: []backend.Buffer{x}, Outputs: []backend.Buffer{y}}, 1000)
	y.Free()
	if n := p.Usage().Cached; n != 0 {
		t.Errorf("the cache took %d bytes that a run writes to", n)
	}
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	x.Free()
	if n := p.Usage().Cached; n != 8 {
		t.Errorf("the cache has %d bytes, want those of x", n)
	}
	exe.Free()
	if u := p.Usage(); u.Live != 0 {
		t.Errorf("%+v", u)
	}
}

func TestLimit(t *testing.T) {
	owner := func(name string) backend.Owner { return backend.Owner{Kind: "trainer", Session: "s", Name: name} }
	var give []backend.Buffer
	asked := 0
	p := pool.New(cpu.New(1), pool.Options{Limit: 1000, Cache: pool.Caps{Bytes: 900, Count: 9}, Reclaim: func(need int64, by backend.Owner) bool {
		asked++
		if len(give) == 0 {
			return false
		}
		give[0].Free()
		give = give[1:]
		return true
	}})
	dev := p.Device()
	defer dev.Close()
	a := alloc(t, backend.For(dev, owner("a")), 300)
	b := alloc(t, backend.For(dev, owner("b")), 500)
	a.Free()
	c := alloc(t, backend.For(dev, owner("c")), 400) // without the cache there is room
	if u := p.Usage(); asked != 0 || u.Cached != 0 || u.Live != 900 {
		t.Errorf("asked %d times, %+v", asked, u)
	}
	give = append(give, b)
	d := alloc(t, backend.For(dev, owner("d")), 600) // only when b goes
	if u := p.Usage(); asked != 1 || u.Live != 1000 || u.Cached != 0 {
		t.Errorf("asked %d times, %+v", asked, u)
	}
	_, err := backend.For(dev, owner("e")).Alloc(1)
	full, ok := errors.AsType[*pool.LimitError](err)
	if !ok || full.Need != 1 || full.Live != 1000 || len(full.Uses) != 2 || full.Uses[0].Owner != owner("d") || full.Uses[0].Bytes != 600 {
		t.Errorf("%v", err)
	}
	asked = 0
	if _, err := dev.Alloc(1001); err == nil || asked > 0 {
		t.Errorf("%v: what never fits must not cost others anything, and %d were asked", err, asked)
	}
	if _, err := dev.Compile(square(t)); err == nil {
		t.Error("a program was compiled without memory for it")
	}
	c.Free()
	d.Free()
	if u := p.Usage(); u.Live != 0 || len(u.Uses) != 0 || u.Peak != 1000 {
		t.Errorf("%+v", u)
	}
}

// What is dropped without being freed is found, and told with its owner and
// place.
func TestLost(t *testing.T) {
	var mu sync.Mutex
	said := ""
	inner := cpu.New(1)
	p := pool.New(inner, pool.Options{Limit: 1 << 30, Debug: true, Log: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said += fmt.Sprintf(format+"\n", args...)
	}})
	dev := p.Device()
	defer dev.Close()
	func() {
		alloc(t, backend.For(dev, backend.Owner{Kind: "trainer", Session: "s", Name: "careless"}), 1234)
		if _, err := dev.Compile(square(t)); err != nil {
			t.Fatal(err)
		}
	}()
	kept := alloc(t, dev, 10)
	for end := time.Now().Add(30 * time.Second); p.Usage().Lost.Buffers+p.Usage().Lost.Programs < 2; time.Sleep(time.Millisecond) {
		runtime.GC()
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %+v", p.Usage())
		}
	}
	u := p.Usage()
	if u.Live != 10 || inner.LiveBytes() != 10 || u.Lost.Buffers != 1 || u.Lost.Programs != 1 || len(u.Lost.Places) != 2 {
		t.Errorf("%+v, and %d bytes on the device", u, inner.LiveBytes())
	}
	if at := strings.Join(u.Uses[0].Places, ";"); !strings.Contains(at, "10 bytes at pool_test.go:") {
		t.Errorf("what is held was made at %s", at)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{`1234 bytes of trainer "careless" of s`, "pool_test.go:", "a program"} {
		if !strings.Contains(said, want) {
			t.Errorf("the log does not say %q: %s", want, said)
		}
	}
	kept.Free()
}

// Whatever several goroutines do, the accounts add up to what the device has.
func TestAccountsWalk(t *testing.T) {
	inner := cpu.New(1)
	p := pool.New(inner, pool.Options{Limit: 100_000, Cache: pool.Caps{Bytes: 20_000, Count: 20, Rest: 50}})
	dev := p.Device()
	program := square(t)
	check := func() {
		u := p.Usage()
		sum := int64(0)
		for _, x := range u.Uses {
			sum += x.Bytes
		}
		if sum != u.Live || u.Live+u.Cached > u.Limit || u.Live < 0 {
			t.Errorf("the accounts are of %d bytes, %d are live, %d in the cache", sum, u.Live, u.Cached)
		}
	}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			var held []interface{ Free() }
			for range 2000 {
				d := backend.For(dev, backend.Owner{Kind: "trainer", Name: fmt.Sprint(rng.IntN(5))})
				switch rng.IntN(5) {
				case 0, 1:
					if b, err := d.Alloc(int64(rng.IntN(5000))); err == nil {
						held = append(held, b)
					}
				case 2:
					if e, err := d.Compile(program); err == nil {
						held = append(held, e)
					}
				default:
					if len(held) > 0 {
						i := rng.IntN(len(held))
						held[i].Free()
						held = append(held[:i], held[i+1:]...)
					}
				}
				check()
			}
			for _, x := range held {
				x.Free()
			}
		})
	}
	all.Wait()
	u := p.Usage()
	if u.Live != 0 || len(u.Uses) != 0 || u.Cached != inner.LiveBytes() {
		t.Errorf("%+v, and %d bytes are on the device", u, inner.LiveBytes())
	}
	dev.Close()
	if n := inner.LiveBytes(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// All who compute on a pool's device wait in one queue, and its programs say how
// much of the device they take.
func TestOneQueue(t *testing.T) {
	p := pool.New(cpu.New(3), pool.Options{})
	dev := p.Device()
	defer dev.Close()
	mine := backend.For(dev, backend.Owner{Kind: "trainer", Name: "mine"})
	if backend.QueueOf(mine) != backend.QueueOf(dev) {
		t.Error("an owner has a queue of its own")
	}
	exe, err := mine.Compile(square(t))
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Free()
	if n := backend.PlacesOf(exe); n != 3 {
		t.Errorf("a program that has not run takes %d places of 3", n)
	}
}

// The host's arrays are not counted for each of many small buffers, but whenever
// it matters whether there is room.
func TestArraysAreCountedSeldom(t *testing.T) {
	const limit = 1 << 20
	host, counts, o := int64(0), 0, backend.Owner{Kind: "data", Name: "x"}
	p := pool.New(cpu.New(1), pool.Options{Limit: limit, Arrays: func(func(*byte) bool) map[backend.Owner]int64 {
		counts++
		return map[backend.Owner]int64{o: host}
	}})
	defer p.Device().Close()
	for n := range 100 {
		defer alloc(t, p.Device(), int64(1000+n)).Free()
	}
	if counts == 0 || counts > 50 {
		t.Errorf("for 100 buffers they were counted %d times", counts)
	}
	host = limit * 3 / 4
	if err := p.Want(limit/4, o); err == nil {
		t.Error("an array is let in that does not fit beside another")
	}
	host = 0
	if err := p.Want(limit/4, o); err != nil {
		t.Error(err)
	}
	host = limit * 3 / 4 // it has come, and more
	if _, err := p.Device().Alloc(limit / 4); err == nil {
		t.Error("a buffer is made that does not fit beside an array")
	}
	host = 0
	defer alloc(t, p.Device(), limit/4).Free()
	host = limit * 3 / 4
	if _, err := p.Device().Alloc(limit / 3); err == nil {
		t.Error("a large buffer is made by an old count")
	}
}
