package neon

import "fmt"

// instruction is a word that lacks its registers, and its text: the result
// first, as the processor's manual writes it.
type instruction struct {
	bits uint32
	text string
}

// instructions by name. Numbers are f32, four to a register, where the name does
// not say another thing.
var instructions = map[string]instruction{
	"FADD":  {0x4e20d400, "FADD V%d.4S, V%d.4S, V%d.4S"},
	"FSUB":  {0x4ea0d400, "FSUB V%d.4S, V%d.4S, V%d.4S"},
	"FMUL":  {0x6e20dc00, "FMUL V%d.4S, V%d.4S, V%d.4S"},
	"FDIV":  {0x6e20fc00, "FDIV V%d.4S, V%d.4S, V%d.4S"},
	"FMAX":  {0x4e20f400, "FMAX V%d.4S, V%d.4S, V%d.4S"}, // NaN if there is one
	"FADDP": {0x6e20d400, "FADDP V%d.4S, V%d.4S, V%d.4S"},
	"FCMEQ": {0x4e20e400, "FCMEQ V%d.4S, V%d.4S, V%d.4S"},
	"FCMGE": {0x6e20e400, "FCMGE V%d.4S, V%d.4S, V%d.4S"},
	"FCMGT": {0x6ea0e400, "FCMGT V%d.4S, V%d.4S, V%d.4S"},
	"MUL":   {0x4ea09c00, "MUL V%d.4S, V%d.4S, V%d.4S"}, // of integers, like the next three
	"SMAX":  {0x4ea06400, "SMAX V%d.4S, V%d.4S, V%d.4S"},
	"SMIN":  {0x4ea06c00, "SMIN V%d.4S, V%d.4S, V%d.4S"},
	"CMGT":  {0x4ea03400, "CMGT V%d.4S, V%d.4S, V%d.4S"},
	"FADDD": {0x4e60d400, "FADD V%d.2D, V%d.2D, V%d.2D"},
	"FDIVD": {0x6e60fc00, "FDIV V%d.2D, V%d.2D, V%d.2D"},

	"FSQRT":  {0x6ea1f800, "FSQRT V%d.4S, V%d.4S"},
	"FRINTN": {0x4e218800, "FRINTN V%d.4S, V%d.4S"},
	"FRINTM": {0x4e219800, "FRINTM V%d.4S, V%d.4S"},
	"FCVTZS": {0x4ea1b800, "FCVTZS V%d.4S, V%d.4S"},
	"SCVTF":  {0x4e21d800, "SCVTF V%d.4S, V%d.4S"},
	"FCVTL":  {0x0e617800, "FCVTL V%d.2D, V%d.2S"},
	"FCVTL2": {0x4e617800, "FCVTL2 V%d.2D, V%d.4S"},
	"FCVTN":  {0x0e616800, "FCVTN V%d.2S, V%d.2D"},
	"FCVTN2": {0x4e616800, "FCVTN2 V%d.4S, V%d.2D"},
	"FMAXV":  {0x6e30f800, "FMAXV S%d, V%d.4S"}, // over a register
	"SMINV":  {0x4eb1a800, "SMINV S%d, V%d.4S"},
	"FADDPD": {0x7e70d800, "FADDP D%d, V%d.2D"},
}

// Encode is the word of an instruction and its text. The registers are the
// result and the operands; two instructions have a number as their last one:
// SSHR, by how many bits, and FMLAE, a multiply-add by one element of the second
// operand, which one.
func Encode(name string, registers ...int) (code uint32, text string) {
	r := append(registers, 0, 0, 0)
	d, n, m := uint32(r[0]), uint32(r[1]), uint32(r[2])
	switch name {
	case "SSHR":
		return 0x4f000400 | (64-m)<<16 | n<<5 | d, fmt.Sprintf("SSHR V%d.4S, V%d.4S, #%d", d, n, m)
	case "FMLAE":
		lane := uint32(r[3])
		return 0x4f801000 | lane&1<<21 | lane>>1<<11 | m<<16 | n<<5 | d,
			fmt.Sprintf("FMLA V%d.4S, V%d.4S, V%d.S[%d]", d, n, m, lane)
	}
	i, ok := instructions[name]
	if !ok {
		panic("there is no instruction " + name)
	}
	args := make([]any, len(registers))
	for k := range registers {
		args[k] = registers[k]
	}
	return i.bits | m<<16 | n<<5 | d, fmt.Sprintf(i.text, args...)
}
