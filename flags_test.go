package main

import "testing"

func TestByteCount(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "8GB": 8e9, "1.5 gb": 15e8, "500MB": 5e8, "2TB": 2e12} {
		if got, err := byteCount(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"8", "much", "-1GB", "0GB", "1MB", "NaNGB", "InfGB", "1e30GB", "GB"} {
		if got, err := byteCount(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func TestPausesAway(t *testing.T) {
	for _, c := range []struct {
		what, listen string
		pauses, bad  bool
	}{{"train", "", false, false}, {"pause", "", true, false}, {"train", ":0", false, false}, {"pause", ":0", false, true}, {"", "", false, true}, {"stop", "", false, true}} {
		if got, err := pausesAway(c.what, c.listen); got != c.pauses || (err != nil) != c.bad {
			t.Errorf("--away %q --listen %q: %v, %v", c.what, c.listen, got, err)
		}
	}
}
