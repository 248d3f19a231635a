package nb_test

import (
	"math"
	"slices"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

const many = 200_000

// moments are mean, variance, skewness and kurtosis.
func moments(xs []float64) (mean, variance, skew, kurt float64) {
	n := float64(len(xs))
	for _, x := range xs {
		mean += x / n
	}
	for _, x := range xs {
		d := x - mean
		variance += d * d / n
		skew += d * d * d / n
		kurt += d * d * d * d / n
	}
	return mean, variance, skew / math.Pow(variance, 1.5), kurt / (variance * variance)
}

// farthest is the largest distance of the numbers' distribution from cdf, times
// the root of how many there are (Kolmogorov and Smirnov); it is above 1.63 once
// in a hundred times.
func farthest(xs []float64, cdf func(float64) float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	d, n := 0.0, float64(len(xs))
	for i, x := range xs {
		p := cdf(x)
		d = max(d, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return d * math.Sqrt(n)
}

func TestUniform(t *testing.T) {
	xs := nb.Uniform(7, many).Values()
	if d := farthest(xs, func(x float64) float64 { return x }); d > 1.63 {
		t.Errorf("distance %v", d)
	}
	if slices.Min(xs) < 0 || slices.Max(xs) >= 1 {
		t.Errorf("from %v to %v", slices.Min(xs), slices.Max(xs))
	}
	if !slices.Equal(xs, nb.Uniform(7, many).Values()) || slices.Equal(xs, nb.Uniform(8, many).Values()) {
		t.Error("the numbers are not those of the seed")
	}
}

func TestNormal(t *testing.T) {
	xs := nb.Normal(3, many/10, 10).Values()
	if d := farthest(xs, func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }); d > 1.63 {
		t.Errorf("distance %v", d)
	}
	mean, variance, skew, kurt := moments(xs)
	if math.Abs(mean) > 0.01 || math.Abs(variance-1) > 0.02 || math.Abs(skew) > 0.03 || math.Abs(kurt-3) > 0.06 {
		t.Errorf("moments %v %v %v %v", mean, variance, skew, kurt)
	}
}

func TestIntegers(t *testing.T) {
	counts := map[float64]int{}
	for _, x := range nb.Integers(5, -2, 5, many).Values() {
		counts[x]++
	}
	for i := -2.0; i < 5; i++ {
		if n := float64(counts[i]) / (many / 7.0); n < 0.97 || n > 1.03 {
			t.Errorf("%v comes %v times as often as it should", i, n)
		}
	}
	if len(counts) != 7 {
		t.Errorf("there are %v", counts)
	}
}

func TestPermutation(t *testing.T) {
	p := nb.Permutation(9, 1000)
	if !slices.Equal(p.Sort(0).Values(), nb.Arange(1000).Values()) {
		t.Error("not every number is there once")
	}
	if slices.Equal(p.Values(), nb.Arange(1000).Values()) || slices.Equal(p.Values(), nb.Permutation(10, 1000).Values()) {
		t.Error("the order is not the seed's")
	}
	if n := len(nb.Permutation(1, 0).Values()); n != 0 {
		t.Errorf("%d numbers of none", n)
	}
	first := map[float64]int{}
	for seed := range 600 {
		first[nb.Permutation(seed, 3).Values()[0]]++
	}
	for i := 0.0; i < 3; i++ {
		if n := first[i]; n < 150 || n > 250 {
			t.Errorf("%v comes first %d times of 600", i, n)
		}
	}
}
