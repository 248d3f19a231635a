package feed

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Permutation returns the numbers 0 to n-1 in an order that depends on nothing
// but the arguments; a trainer uses the number of the epoch as stream.
func Permutation(n int, seed int64, stream uint64) []int32 {
	p := Ascending(n)
	shuffle(p, rand.NewPCG(uint64(seed), stream))
	return p
}

// shuffle is Fisher and Yates' shuffle over the bare generator, because the
// methods of rand.Rand may change with the version of Go.
func shuffle[T any](xs []T, src *rand.PCG) {
	for i := len(xs) - 1; i > 0; i-- {
		j, _ := bits.Mul64(src.Uint64(), uint64(i+1))
		xs[i], xs[j] = xs[j], xs[i]
	}
}

// Split divides the rows at random into two sets, of which test holds the given
// share, at least one row. Each class is divided in that share. The same seed
// gives the same sets; within them the rows keep their order.
func (s *Set) Split(share float64, seed int64) (train, test *Set, err error) {
	if !(share > 0 && share < 1) {
		return nil, nil, fmt.Errorf("data %q: cannot split off a share of %v: give a number between 0 and 1, such as 0.2", s.Name, share)
	}
	n := s.Len()
	if n < 2 {
		return nil, nil, fmt.Errorf("data %q: cannot split %d row in two", s.Name, n)
	}
	groups := s.groups()
	src := rand.NewPCG(uint64(seed), 0x5b117)
	total := min(max(int(math.Round(share*float64(n))), 1), n-1)
	var trainRows, testRows []int
	for i, take := range quotas(groups, share, total) {
		shuffle(groups[i], src)
		testRows = append(testRows, groups[i][:take]...)
		trainRows = append(trainRows, groups[i][take:]...)
	}
	slices.Sort(trainRows)
	slices.Sort(testRows)
	if train, err = s.Rows(s.Name+"/train", trainRows); err != nil {
		return nil, nil, err
	}
	test, err = s.Rows(s.Name+"/test", testRows)
	return train, test, err
}

// groups returns the rows of each class, or all rows for a regression.
func (s *Set) groups() [][]int {
	if s.Y.DType != ir.I32 || s.Y.Data == nil {
		all := make([]int, s.Len())
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	groups := make([][]int, len(s.Classes))
	for i, label := range s.Y.I32s() {
		groups[label] = append(groups[label], i)
	}
	return groups
}

// quotas says how many rows to take of each group so that they are total in
// all: the share rounded down, and one more where the remainder is largest.
func quotas(groups [][]int, share float64, total int) []int {
	take := make([]int, len(groups))
	rest := make([]float64, len(groups))
	order := make([]int, len(groups))
	for i, g := range groups {
		exact := share * float64(len(g))
		take[i] = int(exact)
		rest[i] = exact - float64(take[i])
		order[i] = i
		total -= take[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return rest[order[a]] > rest[order[b]] })
	for k := 0; total > 0; k++ {
		if i := order[k%len(order)]; take[i] < len(groups[i]) {
			take[i]++
			total--
		}
	}
	return take
}
