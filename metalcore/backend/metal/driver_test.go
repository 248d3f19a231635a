package metal

import (
	"slices"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

func TestRun(t *testing.T) {
	d := open(t, Options{})
	p := compile(t, d, "copy", "double")
	x, y := alloc(t, d, 4*100), alloc(t, d, 1<<20)
	upload(t, x, 0, ramp(100))
	err := execute(d, func(r gpu.Recording) {
		r.Dispatch(dispatch(p[0], 100, gpu.Span{Memory: x}, gpu.Span{Memory: y, Offset: 400}))
		r.Barrier()
		r.Dispatch(dispatch(p[1], 50, gpu.Span{Memory: y, Offset: 400}))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := ramp(100)
	for i := range 50 {
		want[i] *= 2
	}
	if got := download(t, y, 400, 100); !slices.Equal(got, want) {
		t.Error(got)
	}
}
