package doctor

import "syscall"

// rssUnit is what the system counts a process's memory in.
const rssUnit = 1

// system tells what it runs on.
func system() [][2]string {
	return [][2]string{
		{"system", "macOS " + sysctl("kern.osproductversion") + ", build " + sysctl("kern.osversion") + ", Darwin " + sysctl("kern.osrelease")},
		{"model", sysctl("hw.model")},
		{"processor", sysctl("machdep.cpu.brand_string")},
	}
}

func sysctl(name string) string {
	value, err := syscall.Sysctl(name)
	if err != nil {
		return "unknown"
	}
	return value
}
