package bench

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
)

// Many clients are answered, and nothing is left of them. How fast that is only
// `metalnb bench --only load` tells.
func TestLoad(t *testing.T) {
	c, err := servertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.End(); err != nil {
			t.Error(err)
		}
		c.Remove()
	})
	count := func() (files, routines int) {
		list, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list), runtime.NumGoroutine()
	}
	files, routines := count()
	const length = time.Second
	for range 2 {
		l, err := LoadFor(c.Place, length)
		if err != nil {
			t.Fatal(err)
		}
		if want := int(length.Seconds() * LoadRate); l.Calls < want-LoadClients || l.P50 > l.P99 || l.P99 > l.Max {
			t.Errorf("%d calls were due: %+v", want, l)
		}
		t.Logf("%+v", l)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		f, r := count()
		if f <= files && r <= routines && len(c.Runtime().Sessions()) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d files and %d goroutines, and before %d and %d; the sessions are %v", f, r, files, routines, c.Runtime().Sessions())
		}
	}
}
