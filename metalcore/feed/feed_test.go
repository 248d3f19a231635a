package feed_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func builtin(t *testing.T, name string) *feed.Set {
	t.Helper()
	s, err := feed.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDigits(t *testing.T) {
	s := builtin(t, "digits")
	if s.Len() != 1797 || !s.XShape().Equal(ir.Shape{8, 8, 1}) || !s.YShape().Equal(ir.Shape{}) || len(s.Classes) != 10 {
		t.Errorf("digits is x %v, y %v, classes %v", s.X, s.Y, s.Classes)
	}
	xs := s.X.F32s()
	if lo, hi := slices.Min(xs), slices.Max(xs); lo != 0 || hi != 1 {
		t.Errorf("grey values from %v to %v, want 0 to 1", lo, hi)
	}
	// The first picture is a zero; its third grey value is 5 of 16.
	if s.Y.I32s()[0] != 0 || s.X.Row(0).F32s()[2] != 5.0/16 {
		t.Errorf("first row is %v, label %d", s.X.Row(0).F32s(), s.Y.I32s()[0])
	}
	if !strings.Contains(s.About, "CC BY 4.0") {
		t.Errorf("About is %q and does not tell the licence", s.About)
	}
	if again := builtin(t, "digits"); again != s {
		t.Error("a second call loaded the set again")
	}
}

func TestIris(t *testing.T) {
	s := builtin(t, "iris")
	if s.Len() != 150 || !s.XShape().Equal(ir.Shape{4}) || !slices.Equal(s.Classes, []string{"setosa", "versicolor", "virginica"}) {
		t.Errorf("iris is x %v, y %v, classes %v", s.X, s.Y, s.Classes)
	}
	if got := s.X.Row(0).F32s(); !slices.Equal(got, []float32{5.1, 3.5, 1.4, 0.2}) {
		t.Errorf("first row is %v", got)
	}
}

func TestUnknownBuiltin(t *testing.T) {
	_, err := feed.Builtin("digit")
	if err == nil || !strings.Contains(err.Error(), `digits, iris; did you mean "digits"?`) {
		t.Errorf("got %v", err)
	}
}

func TestBadData(t *testing.T) {
	nan := float32(math.NaN())
	x := feed.FromF32([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	y := feed.FromI32([]int32{0, 1, 1}, 3)
	cases := []struct {
		name    string
		x, y    feed.Array
		classes []string
		want    string
	}{
		{"rows differ", x, feed.FromI32([]int32{0, 1}, 2), nil, "x is f32[3,2], y is i32[2]: give one row of y for each row of x"},
		{"no rows", feed.FromF32(nil, 0, 2), feed.FromI32(nil, 0), nil, "at least one row"},
		{"NaN in a table", feed.FromF32([]float32{1, 2, 3, nan, 5, 6}, 3, 2), y, nil, "x holds NaN in row 1, column 1"},
		{"infinite target", x, feed.FromF32([]float32{1, 2, float32(math.Inf(1))}, 3), nil, "y holds +Inf in row 2"},
		{"NaN in a picture", feed.FromF32([]float32{1, 2, 3, 4, nan, 6, 7, 8}, 2, 2, 2), feed.FromI32([]int32{0, 1}, 2), nil, "x holds NaN in row 1, at [0 0] of it"},
		{"label too large", x, y, []string{"only"}, "label 1 in row 1: the 1 classes are numbered 0 to 0"},
		{"negative label", x, feed.FromI32([]int32{0, 1, -1}, 3), nil, "label -1 in row 2"},
		{"not labels", x, feed.FromI32([]int32{0, 1, 20051231}, 3), nil, "for a regression give the targets as f32"},
		{"wide labels", x, feed.FromI32([]int32{0, 1, 1, 0, 1, 0}, 3, 2), nil, "class labels are i32 [3]"},
		{"classes of a regression", x, feed.FromF32([]float32{1, 2, 3}, 3), []string{"a"}, "give class labels as i32 [3]"},
		{"missing numbers", feed.Array{DType: ir.F32, Shape: ir.Shape{3, 2}, Data: make([]byte, 20)}, y, nil, "needs 6 numbers, got 20 bytes"},
		{"no type", feed.Array{Shape: ir.Shape{3}}, y, nil, "unknown type"},
		{"open batch", feed.Array{DType: ir.F32, Shape: ir.Shape{ir.Batch, 2}}, y, nil, "a number for every axis"},
		{"overflow", feed.Array{DType: ir.F32, Shape: ir.Shape{1 << 30, 1 << 30}}, y, nil, "too many elements"},
	}
	for _, c := range cases {
		_, err := feed.NewSet("mine", c.x, c.y, c.classes)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"mine"`) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestNewSetNamesClasses(t *testing.T) {
	x := feed.FromF32([]float32{1, 2, 3}, 3)
	s, err := feed.NewSet("mine", x, feed.FromI32([]int32{0, 2, 1}, 3, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Classes, []string{"0", "1", "2"}) || !s.Y.Shape.Equal(ir.Shape{3}) {
		t.Errorf("classes %v, y %v", s.Classes, s.Y)
	}
}

func TestSplitIsStratifiedAndRepeatable(t *testing.T) {
	s := builtin(t, "digits")
	train, test, err := s.Split(0.2, 7)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len()+test.Len() != s.Len() || test.Len() != 359 {
		t.Errorf("%d + %d rows of %d", train.Len(), test.Len(), s.Len())
	}
	whole, part := count(s), count(test)
	for class := range whole {
		if d := float64(part[class]) - 0.2*float64(whole[class]); math.Abs(d) >= 1 {
			t.Errorf("class %d: %d of %d rows are in the test set", class, part[class], whole[class])
		}
	}
	if !slices.Equal(together(train, test), together(s, nil)) {
		t.Error("the two parts do not hold the rows of the whole")
	}
	_, again, _ := s.Split(0.2, 7)
	_, other, _ := s.Split(0.2, 8)
	if string(again.X.Data) != string(test.X.Data) || string(other.X.Data) == string(test.X.Data) {
		t.Error("the split must depend on the seed and on nothing else")
	}
}

func count(s *feed.Set) []int {
	n := make([]int, len(s.Classes))
	for _, label := range s.Y.I32s() {
		n[label]++
	}
	return n
}

// together returns all rows with their labels, sorted.
func together(sets ...*feed.Set) []string {
	var rows []string
	for _, s := range sets {
		if s == nil {
			continue
		}
		for i := range s.Len() {
			rows = append(rows, string(s.X.Row(i).Data)+string(s.Y.Row(i).Data))
		}
	}
	slices.Sort(rows)
	return rows
}

func TestSplitLeavesNoPartEmpty(t *testing.T) {
	x, y := feed.FromF32([]float32{1, 2, 3}, 3), feed.FromF32([]float32{1, 2, 3}, 3)
	s, err := feed.NewSet("three", x, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0.001, 0.5, 0.999} {
		train, test, err := s.Split(share, 1)
		if err != nil || train.Len() == 0 || test.Len() == 0 {
			t.Errorf("share %v: %v", share, err)
		}
	}
	for _, share := range []float64{0, 1, -1, 2, math.NaN()} {
		if _, _, err := s.Split(share, 1); err == nil || !strings.Contains(err.Error(), "between 0 and 1") {
			t.Errorf("share %v: got %v", share, err)
		}
	}
	one, err := s.Rows("one", []int{2})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := one.Split(0.5, 1); err == nil || !strings.Contains(err.Error(), "cannot split 1 row") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Rows("bad", []int{3}); err == nil || !strings.Contains(err.Error(), "the rows are 0 to 2") {
		t.Errorf("got %v", err)
	}
}

// The orders of rows must not change with a version of Go or of this code:
// training would not repeat.
func TestPermutationStays(t *testing.T) {
	if got := fmt.Sprint(feed.Permutation(10, 42, 3)); got != "[9 3 2 1 6 5 4 0 8 7]" {
		t.Errorf("got %s", got)
	}
	p := feed.Permutation(1000, 1, 0)
	if slices.Equal(p, feed.Permutation(1000, 1, 1)) || slices.Equal(p, feed.Permutation(1000, 2, 0)) {
		t.Error("another epoch or seed must give another order")
	}
	slices.Sort(p)
	for i, x := range p {
		if int(x) != i {
			t.Fatalf("row %d is missing", i)
		}
	}
}

func ExampleSet_Split() {
	digits, err := feed.Builtin("digits")
	if err != nil {
		panic(err)
	}
	train, test, err := digits.Split(0.2, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(train.Name, train.X, test.Name, test.X)
	// Output: digits/train f32[1438,8,8,1] digits/test f32[359,8,8,1]
}
