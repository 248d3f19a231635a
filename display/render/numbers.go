package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number writes a measured number with four decimals where that says something,
// else with four significant digits.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.ToLower(strconv.FormatFloat(x, 'g', -1, 64))
	case a != 0 && a < 0.001 || a >= 1e7:
		return strconv.FormatFloat(x, 'e', 3, 64)
	case a >= 1000:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 4, 64)
}

// short writes a number such as a learning rate with the digits it has.
func short(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// count writes an integer with a comma at each thousand.
func count[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// size writes a number of bytes.
func size(n int64) string {
	x, unit := float64(n), 0
	for x >= 1000 && unit < 4 {
		x, unit = x/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %cB", x, "kMGT"[unit-1])
}

// plural writes a count and its noun.
func plural[T int | int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// shape writes a shape as the layers do: 8×8×1.
func shape(dims []int) string {
	if len(dims) == 0 {
		return "scalar"
	}
	s := make([]string, len(dims))
	for i, d := range dims {
		s[i] = strconv.Itoa(d)
	}
	return strings.Join(s, "×")
}
