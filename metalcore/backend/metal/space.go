package metal

import "slices"

// alignment of areas in a slab, as Metal wants it of constants and textures.
const alignment = 256

// space knows which parts of a slab are free, in order of their places.
type space struct {
	size int64
	free []extent
}

type extent struct{ at, bytes int64 }

func newSpace(size int64) space { return space{size: size, free: []extent{{0, size}}} }

func aligned(bytes int64) int64 { return (bytes + alignment - 1) &^ (alignment - 1) }

// take finds the first place that is large enough.
func (s *space) take(bytes int64) (at int64, ok bool) {
	bytes = aligned(bytes)
	for i := range s.free {
		f := &s.free[i]
		if f.bytes < bytes {
			continue
		}
		at = f.at
		f.at, f.bytes = f.at+bytes, f.bytes-bytes
		if f.bytes == 0 {
			s.free = slices.Delete(s.free, i, i+1)
		}
		return at, true
	}
	return 0, false
}

// give frees what take has given, and joins it with its neighbours.
func (s *space) give(at, bytes int64) {
	i, _ := slices.BinarySearchFunc(s.free, at, func(f extent, at int64) int { return int(f.at - at) })
	s.free = slices.Insert(s.free, i, extent{at, aligned(bytes)})
	join := func(i int) {
		if i >= 0 && i+1 < len(s.free) && s.free[i].at+s.free[i].bytes == s.free[i+1].at {
			s.free[i].bytes += s.free[i+1].bytes
			s.free = slices.Delete(s.free, i+1, i+2)
		}
	}
	join(i)
	join(i - 1)
}

func (s *space) empty() bool { return len(s.free) == 1 && s.free[0].bytes == s.size }
