package pool

import (
	"cmp"
	"container/list"
	"slices"
)

// Caps bound a cache.
type Caps struct {
	Bytes int64 // of all buffers together
	Count int   // of buffers
	Rest  int   // a buffer that lies there while so many others are asked for goes with the next one that is not found
}

// Cache keeps buffers that are of no use at the moment, for the next who wants
// one of about that size. It knows nothing of devices: a T is a buffer, and free
// gives it back. One call is made at a time.
//
// Sizes that only grow leave buffers behind that nobody can use. So a cache lets
// go what was not asked for in a long time, whenever somebody asked in vain.
type Cache[T any] struct {
	caps   Caps
	free   func(T)
	page   int64
	sizes  []*entry[T] // the smallest first
	ages   *list.List  // of *entry[T], the oldest first
	bytes  int64
	number int64 // of calls of Take
}

type entry[T any] struct {
	size  int64
	since int64 // the number of the Take before it was put there
	what  T
	age   *list.Element
}

// NewCache returns an empty cache of a device whose pages have that size.
func NewCache[T any](caps Caps, page int64, free func(T)) *Cache[T] {
	return &Cache[T]{caps: caps, free: free, page: page, ages: list.New()}
}

// Bytes is the size of all buffers in the cache.
func (c *Cache[T]) Bytes() int64 { return c.bytes }

// Len is the number of buffers in the cache.
func (c *Cache[T]) Len() int { return len(c.sizes) }

// fits reports whether a buffer is worth giving to who wants size bytes.
func (c *Cache[T]) fits(have, size int64) bool {
	return have == size || have > size && have < min(2*size, size+2*c.page)
}

// at is the place of the first buffer of that size or more.
func (c *Cache[T]) at(size int64) int {
	i, _ := slices.BinarySearchFunc(c.sizes, size, func(e *entry[T], size int64) int { return cmp.Compare(e.size, size) })
	return i
}

// Take takes out the smallest buffer that fits: with size bytes, or a little more.
func (c *Cache[T]) Take(size int64) (what T, have int64, ok bool) {
	c.number++
	if i := c.at(size); i < len(c.sizes) && c.fits(c.sizes[i].size, size) {
		e := c.sizes[i]
		c.remove(i)
		return e.what, e.size, true
	}
	for front := c.ages.Front(); front != nil && c.number-front.Value.(*entry[T]).since > int64(c.caps.Rest); front = c.ages.Front() {
		c.evict()
	}
	return what, 0, false
}

// Put gives the cache a buffer. Where there is no room, the oldest go.
func (c *Cache[T]) Put(size int64, what T) {
	if size > c.caps.Bytes || c.caps.Count < 1 {
		c.free(what)
		return
	}
	for c.bytes+size > c.caps.Bytes || len(c.sizes) >= c.caps.Count {
		c.evict()
	}
	e := &entry[T]{size: size, since: c.number, what: what}
	e.age = c.ages.PushBack(e)
	c.sizes = slices.Insert(c.sizes, c.at(size), e)
	c.bytes += size
}

// Shrink frees the oldest buffers until the cache has so many bytes at most. It
// returns how many went.
func (c *Cache[T]) Shrink(bytes int64) (freed int64) {
	before := c.bytes
	for c.bytes > bytes {
		c.evict()
	}
	if bytes == 0 {
		for len(c.sizes) > 0 {
			c.evict() // empty ones
		}
	}
	return before - c.bytes
}

// evict frees the oldest buffer.
func (c *Cache[T]) evict() {
	e := c.ages.Front().Value.(*entry[T])
	i := c.at(e.size)
	for c.sizes[i] != e {
		i++
	}
	c.remove(i)
	c.free(e.what)
}

func (c *Cache[T]) remove(i int) {
	e := c.sizes[i]
	c.sizes = slices.Delete(c.sizes, i, i+1)
	c.ages.Remove(e.age)
	c.bytes -= e.size
}
