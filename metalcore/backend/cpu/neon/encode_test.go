package neon

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

// TestEncodings decodes every word by another's tables, with registers that
// differ in every bit.
func TestEncodings(t *testing.T) {
	check := func(name string, registers ...int) {
		t.Helper()
		code, text := Encode(name, registers...)
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], code)
		i, err := arm64asm.Decode(b[:])
		if err != nil || i.String() != text {
			t.Errorf("%s %v is %08x: %v, %v; want %s", name, registers, code, i, err, text)
		}
	}
	for name, i := range instructions {
		operands := strings.Count(i.text, "%d")
		for _, r := range [][]int{{0, 31, 16}, {31, 0, 10}, {21, 10, 31}, {8, 5, 0}} {
			check(name, r[:operands]...)
		}
	}
	for n := 1; n <= 32; n++ {
		check("SSHR", n-1, 32-n, n)
	}
	for lane := range 4 {
		check("FMLAE", 31, 0, 21, lane)
		check("FMLAE", 0, 31, 10, lane)
	}
}

func TestUnknown(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an instruction that is not there is written")
		}
	}()
	Encode("FMAXIMUM")
}
