package bench

import "time"

// racer is something that is prepared and can be measured in rounds.
type racer struct {
	round func() (float64, error) // calls a second
	close func()
}

// repeated makes rounds of a function that runs n times, which last about so
// long.
func repeated(run func(n int) error, about time.Duration) func() (float64, error) {
	n := 1
	return func() (float64, error) {
		for {
			start := time.Now()
			if err := run(n); err != nil {
				return 0, err
			}
			took := time.Since(start)
			if took >= about/2 {
				rate := float64(n) / took.Seconds()
				n = max(1, int(rate*about.Seconds()))
				return rate, nil
			}
			n *= 2
		}
	}
}
