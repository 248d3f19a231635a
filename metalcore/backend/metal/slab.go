package metal

import (
	"slices"
	"sync"
)

// Small areas share buffers, of which Metal's take whole pages.
const (
	slabBytes  = 1 << 20
	smallBytes = 64 << 10
)

// slabs are the buffers that small areas share.
type slabs struct {
	driver *Driver
	mu     sync.Mutex
	list   []*slab
	spare  int // how many of them may be empty
}

type slab struct {
	*area
	space space
}

func (s *slabs) area(bytes int64) (*area, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.list {
		if at, ok := b.space.take(bytes); ok {
			return s.part(b, at, bytes), nil
		}
	}
	whole, err := s.driver.ownBuffer(slabBytes)
	if err != nil {
		return nil, err
	}
	b := &slab{area: whole, space: newSpace(slabBytes)}
	s.list = append(s.list, b)
	at, _ := b.space.take(bytes)
	return s.part(b, at, bytes), nil
}

// part is an area of a slab. What was there before is gone.
func (s *slabs) part(b *slab, at, bytes int64) *area {
	a := &area{buffer: b.buffer, offset: at, bytes: b.bytes[at : at+bytes : at+bytes]}
	clear(a.bytes)
	a.init(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		b.space.give(at, bytes)
		s.sweep()
	})
	return a
}

// sweep frees the slabs that are empty and not spared.
func (s *slabs) sweep() {
	spared := 0
	s.list = slices.DeleteFunc(s.list, func(b *slab) bool {
		if !b.space.empty() {
			return false
		}
		if spared++; spared <= s.spare {
			return false
		}
		b.drop()
		return true
	})
}

// close frees what is empty, also what becomes it later.
func (s *slabs) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = 0
	s.sweep()
}
