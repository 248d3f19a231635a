// Package kernelext connects metalnb with Jupyter.
//
// Cells run in gonb, the Go kernel for Jupyter. This package builds a pinned gonb and the goimports that it needs (Tools),
// runs a notebook without Jupyter or Python (Run), writes an executed notebook as one web page (WriteHTML), and makes the
// kernel known to Jupyter (Install, Kernel). How the wire works is in package jupyter, what a notebook file holds in
// package nbformat; the nested module in folder gonb pins gonb, so that this module does not require it: gonb calls go get
// in each cell, which would read gonb's large module graph every time.
package kernelext
