package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// leastMemory is what a core can do anything with.
const leastMemory = 1 << 20

// byteCount reads an amount of memory, as 8GB or 500MB; 0 when it is not given.
func byteCount(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	number, unit := strings.ToUpper(strings.TrimSpace(text)), 1.0
	for name, size := range map[string]float64{"MB": 1e6, "GB": 1e9, "TB": 1e12} {
		if rest, ok := strings.CutSuffix(number, name); ok {
			number, unit = strings.TrimSpace(rest), size
		}
	}
	x, err := strconv.ParseFloat(number, 64)
	if bytes := x * unit; err == nil && unit > 1 && bytes >= leastMemory && bytes < 1e18 {
		return int64(bytes), nil
	}
	return 0, fmt.Errorf("a memory of %q: give a number of 2 MB at least with its unit, as 8GB or 500MB", text)
}

// debugged reports whether METALNB_DEBUG names a part of the core.
func debugged(part string) bool {
	return slices.Contains(strings.Split(os.Getenv("METALNB_DEBUG"), ","), part)
}
