package main

import (
	"math"
	"strings"
)

// machine is an instruction set. The ops are written in its terms, once for all.
type machine interface {
	word(bits uint32) vec // a constant, the same for all numbers of a vector
	zero() vec

	add(a, b vec) vec
	sub(a, b vec) vec
	mul(a, b vec) vec
	div(a, b vec) vec
	larger(a, b vec) vec // a > b ? a : b: of a NaN and a number it is b
	smaller(a, b vec) vec
	fma(a, b, c vec) vec  // a*b + c
	fnma(a, b, c vec) vec // c - a*b
	sqrt(a vec) vec
	round(a vec, how uint8) vec
	scale(y, n vec) vec // y 2^n for a whole n

	and(a, b vec) vec
	or(a, b vec) vec
	xor(a, b vec) vec
	addi(a, b vec) vec
	subi(a, b vec) vec
	muli(a, b vec) vec
	maxi(a, b vec) vec
	mini(a, b vec) vec
	shiftLeft(a vec, n uint8) vec
	shiftRight(a vec, n uint8) vec // keeps the sign
	toInt(a vec) vec               // of numbers within the range of i32; what is below gives the lowest
	toFloat(a vec) vec

	cmp(how uint8, a, b vec) mask
	equali(a, b vec) mask
	lessi(a, b vec) mask
	blend(m mask, yes, no vec) vec
	truth(m mask) vec // 1 or 0
}

// Roundings, without raising exceptions.
const (
	toEven = 8
	down   = 9
)

// Comparisons of floats; less and lessEqual are false, and unordered is true,
// where one is NaN.
const (
	equal     = 0
	less      = 17
	lessEqual = 18
	unordered = 3
)

// maths are the functions that are made of a machine's instructions.
type maths struct{ machine }

func (e maths) num(x float64) vec { return e.word(math.Float32bits(float32(x))) }

// symbol makes a Go name of an op's name.
func symbol(op, suffix, isa string) string {
	var b strings.Builder
	for i, part := range strings.FieldsFunc(op, func(r rune) bool { return r == '.' || r == '_' }) {
		if i > 0 {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String() + suffix + strings.ToUpper(isa)
}
