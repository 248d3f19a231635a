package metric

import (
	"fmt"
	"strconv"
	"strings"
)

// Report tells how well a classifier tells the classes apart, on some data.
type Report struct {
	Confusion Confusion
	Names     []string // of the classes
}

// String prints the report as scikit-learn's classification_report does.
func (r Report) String() string {
	width := len("weighted avg")
	for i := range r.Confusion.Cells {
		width = max(width, len([]rune(r.name(i))))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%*s ", width, "")
	for _, head := range []string{"precision", "recall", "f1-score", "support"} {
		fmt.Fprintf(&b, " %9s", head)
	}
	b.WriteString("\n\n")
	line := func(name string, k Class) {
		fmt.Fprintf(&b, "%*s  %9.2f %9.2f %9.2f %9d\n", width, name, k.Precision, k.Recall, k.F1, k.Support)
	}
	for i, k := range r.Confusion.Classes() {
		line(r.name(i), k)
	}
	macro := r.Confusion.Macro()
	fmt.Fprintf(&b, "\n%*s  %9s %9s %9.2f %9d\n", width, "accuracy", "", "", r.Confusion.Accuracy(), macro.Support)
	line("macro avg", macro)
	line("weighted avg", r.Confusion.Weighted())
	return b.String()
}

func (r Report) name(i int) string {
	if i < len(r.Names) {
		return r.Names[i]
	}
	return strconv.Itoa(i)
}
