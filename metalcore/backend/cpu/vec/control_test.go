package vec

import (
	"runtime"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

func TestFlush(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	x, y, d := []float32{1e-30}, []float32{1e-10}, []float32{42}
	for _, v := range asm.Supported() {
		old := Flush()
		run(Find(v, "mul.f32", 0), d, x, y, y)
		Restore(old)
		if want := runtime.GOARCH != "amd64"; (d[0] != 0) != want {
			t.Errorf("%v: 1e-40 became %v", v, d[0])
		}
		run(Find(v, "mul.f32", 0), d, x, y, y)
		if d[0] == 0 {
			t.Errorf("%v: after Restore 1e-40 is lost", v)
		}
	}
}
