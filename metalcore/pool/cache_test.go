package pool

import (
	"math/rand/v2"
	"testing"
)

// shelf is a cache of numbers that notes which were freed.
func shelf(caps Caps) (c *Cache[int], freed *[]int) {
	freed = &[]int{}
	return NewCache(caps, 100, func(x int) { *freed = append(*freed, x) }), freed
}

func TestBestFit(t *testing.T) {
	for _, c := range []struct {
		name string
		have []int64
		want int64
		got  int64 // 0 when none fits
	}{
		{"the same size", []int64{50, 70, 60}, 60, 60},
		{"the smallest that is large enough", []int64{90, 70, 60}, 65, 70},
		{"less than twice as large", []int64{20}, 10, 0},
		{"just less than twice as large", []int64{19}, 10, 19},
		{"less than two pages more", []int64{1200}, 1000, 0},
		{"just less than two pages more", []int64{1199}, 1000, 1199},
		{"too small", []int64{59}, 60, 0},
		{"nothing of nothing", []int64{0}, 0, 0},
	} {
		s, _ := shelf(Caps{Bytes: 1e6, Count: 10, Rest: 10})
		for i, n := range c.have {
			s.Put(n, i)
		}
		before := s.Bytes()
		what, have, ok := s.Take(c.want)
		if c.name == "nothing of nothing" {
			if !ok || s.Len() != 0 {
				t.Errorf("%s: %v, %d left", c.name, ok, s.Len())
			}
			continue
		}
		if ok != (c.got > 0) || have != c.got || ok && c.have[what] != c.got || s.Bytes() != before-have {
			t.Errorf("%s: got %d (%d bytes, %v), %d bytes stay; want %d", c.name, what, have, ok, s.Bytes(), c.got)
		}
	}
}

func TestOldestGoFirst(t *testing.T) {
	s, freed := shelf(Caps{Bytes: 100, Count: 3, Rest: 10})
	for i, n := range []int64{10, 30, 20, 25} { // the fourth is one too many
		s.Put(n, i)
	}
	if len(*freed) != 1 || (*freed)[0] != 0 || s.Bytes() != 75 {
		t.Errorf("freed %v, %d bytes stay; want the first to go", *freed, s.Bytes())
	}
	s.Put(60, 4) // 75 bytes and these are too many
	if len(*freed) != 3 || (*freed)[1] != 1 || (*freed)[2] != 2 || s.Bytes() != 85 {
		t.Errorf("freed %v, %d bytes stay; want the next two to go", *freed, s.Bytes())
	}
	s.Put(101, 5)
	if len(*freed) != 4 || (*freed)[3] != 5 || s.Len() != 2 {
		t.Errorf("freed %v; want what is larger than the cache to go, and nothing else", *freed)
	}
	if n := s.Shrink(60); n != 25 || s.Bytes() != 60 {
		t.Errorf("%d bytes went, %d stay", n, s.Bytes())
	}
	if n := s.Shrink(0); n != 60 || s.Len() != 0 || s.Bytes() != 0 {
		t.Errorf("%d bytes went, %d stay", n, s.Bytes())
	}
}

// Sizes that only grow find nothing that fits. What they leave behind does not
// stay until the cache is full of it.
func TestGrowingSizes(t *testing.T) {
	s, _ := shelf(Caps{Bytes: 1e9, Count: 1000, Rest: 20})
	most := 0
	for i := range 5000 {
		size := int64(1000 + 300*i)
		if _, _, ok := s.Take(size); ok {
			t.Fatalf("size %d was found", size)
		}
		s.Put(size, i)
		most = max(most, s.Len())
	}
	if most > 21 {
		t.Errorf("%d buffers lay there at once that nobody could use", most)
	}
	// What is asked for now and then stays.
	s.Put(77, 0)
	for i := range 1000 {
		s.Take(int64(1e7 + 1e4*i))
		if i%15 == 0 {
			what, _, ok := s.Take(77)
			if !ok {
				t.Fatalf("at %d, what was in use went", i)
			}
			s.Put(77, what)
		}
	}
}

// Whatever is done, sums, order and caps hold, and nothing is freed twice or lost.
func TestCacheWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	gone := map[int]bool{}
	sizes := map[int]int64{}
	caps := Caps{Bytes: 5000, Count: 20, Rest: 30}
	s := NewCache(caps, 64, func(x int) {
		if gone[x] {
			t.Fatalf("%d was freed twice", x)
		}
		gone[x] = true
	})
	in := map[int]bool{}
	for i := range 20000 {
		switch size := int64(rng.IntN(1000)); rng.IntN(5) {
		case 0, 1:
			sizes[i], in[i] = size, true
			s.Put(size, i)
		case 2, 3:
			if what, have, ok := s.Take(size); ok {
				if !in[what] || gone[what] || have != sizes[what] || have < size {
					t.Fatalf("took %d, of %d bytes for %d", what, have, size)
				}
				delete(in, what)
			}
		case 4:
			if rng.IntN(50) == 0 {
				s.Shrink(size)
			}
		}
		sum, n := int64(0), 0
		for x := range in {
			if gone[x] {
				delete(in, x)
				continue
			}
			sum, n = sum+sizes[x], n+1
		}
		if sum != s.Bytes() || n != s.Len() || sum > caps.Bytes || n > caps.Count {
			t.Fatalf("step %d: %d buffers of %d bytes, the cache says %d of %d", i, n, sum, s.Len(), s.Bytes())
		}
		for k := 1; k < len(s.sizes); k++ {
			if s.sizes[k-1].size > s.sizes[k].size {
				t.Fatal("sizes are out of order")
			}
		}
	}
}
