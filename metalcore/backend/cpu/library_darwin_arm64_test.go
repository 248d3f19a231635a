package cpu

import "testing"

// TestAccelerate holds products by Accelerate against our own.
func TestAccelerate(t *testing.T) {
	lib := systemBLAS()
	if lib == nil {
		t.Fatal("Accelerate, or its sgemm, was not found")
	}
	checkLibrary(t, lib)
}
