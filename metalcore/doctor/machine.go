package doctor

import (
	"fmt"
	"runtime"
	"syscall"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
)

// machine tells what everything runs on.
func machine(version string) [][2]string {
	dev := cpu.New(1)
	defer dev.Close()
	return append(system(),
		[2]string{"memory", bytes(dev.Info().Memory)},
		[2]string{"processors", fmt.Sprintf("%d, of which Go uses %d; %s", runtime.NumCPU(), runtime.GOMAXPROCS(0), dev.Info().Family)},
		[2]string{"program", fmt.Sprintf("metalnb %s, %s, %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)})
}

// peakMemory is the most memory that this process has taken.
func peakMemory() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return int64(usage.Maxrss) * rssUnit
}
