package nb

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// DeviceInfo describes a device that the core can compute on, or says in Missing
// why it is not there.
type DeviceInfo = wire.Device

// DeviceList is a list of devices, the best first. It prints as a table.
type DeviceList []DeviceInfo

// Devices lists what the core can compute on, and what is not there and why.
//
//	fmt.Println(nb.Devices())
func Devices() DeviceList { return mustCall[wire.Devices](&wire.AskDevices{}).List }

// Device has the core compute on a device of the given kind, "metal", "cuda" or
// "cpu", or on the best one that there is, "auto". Data and tensors that the
// core keeps are used from there on; trainers are bound to the device they were
// made on, so the device is changed before the first one is declared. All
// notebooks share the core, and it keeps the device until it ends; the
// environment variable METALNB_DEVICE says which one it begins with.
//
//	var device = nb.Device("cpu")
func Device(kind string) DeviceInfo { return *mustCall[wire.Device](&wire.UseDevice{Kind: kind}) }

// String is a table of the devices; the one in use has a star.
func (l DeviceList) String() string {
	rows := [][]string{{"kind", "name", "family", "memory", "largest buffer", "limits"}}
	for _, d := range l {
		kind := d.Kind
		if d.Used {
			kind += " *"
		}
		row := []string{kind, d.Name, d.Family, gigabytes(d.Memory), gigabytes(d.MaxBuffer), d.Limits}
		if d.Missing != "" {
			row = []string{kind, d.Missing} // the last cell may be longer than its column
		}
		rows = append(rows, row)
	}
	return strings.TrimSuffix(aligned(rows), "\n")
}

// aligned is a table as text. The last cell of a row may be longer than its column.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func gigabytes(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
