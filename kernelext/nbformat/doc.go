// Package nbformat reads and writes Jupyter notebooks (.ipynb, nbformat 4) and records what a kernel sends into them.
//
// A notebook is JSON: cells with their source, and the outputs of code cells as bundles of one content in several MIME
// types. Whatever a file holds that this package does not know is kept, and what it writes is byte for byte what Jupyter
// itself would write (sorted keys, indent of one, texts as lists of lines), so that a diff shows only real changes.
package nbformat
