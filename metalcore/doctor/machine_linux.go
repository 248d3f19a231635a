package doctor

import (
	"os"
	"strings"
)

// rssUnit is what the system counts a process's memory in.
const rssUnit = 1 << 10

// system tells what it runs on.
func system() [][2]string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return [][2]string{
		{"system", field("/etc/os-release", "PRETTY_NAME", "=") + ", Linux " + strings.TrimSpace(string(release))},
		{"processor", field("/proc/cpuinfo", "model name", ":")},
	}
}

// field is the first value of that name in a file of names and values.
func field(path, name, between string) string {
	data, _ := os.ReadFile(path)
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, between); ok && strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return "unknown"
}
