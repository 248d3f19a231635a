package datasets_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

func TestMain(m *testing.M) { servertest.Main(m) }

func ExampleDigits() {
	digits := datasets.Digits()
	fmt.Println(digits.Train.Len(), "to learn from,", digits.Test.Len(), "to test on")
	fmt.Println(digits.Train.Info().XShape, digits.Train.Info().Classes)
	// Output:
	// 1438 to learn from, 359 to test on
	// [8 8 1] [0 1 2 3 4 5 6 7 8 9]
}

func ExampleIris() {
	iris := datasets.Iris(datasets.TestShare(0.5), datasets.Seed(7))
	fmt.Println(iris.Train.Len(), iris.Test.Len(), iris.All.Info().Classes)
	fmt.Println(iris.All.X(0, 149))
	// Output:
	// 75 75 [setosa versicolor virginica]
	// [[5.1 3.5 1.4 0.2]
	//  [5.9 3.  5.1 1.8]]
}

func TestSplits(t *testing.T) {
	a, b, c := datasets.Iris(), datasets.Iris(), datasets.Iris(datasets.Seed(2))
	if a.Test.X().String() != b.Test.X().String() {
		t.Error("the same split twice is different")
	}
	if a.Test.X().String() == c.Test.X().String() {
		t.Error("another seed draws the same parts")
	}
	if a.Train.Len()+a.Test.Len() != a.All.Len() {
		t.Error("rows are missing")
	}
}

func TestShareError(t *testing.T) {
	err := nb.Try(func() { datasets.Digits(datasets.TestShare(2)) })
	if err == nil || !strings.Contains(err.Error(), "example_test.go") || !strings.Contains(err.Error(), "0.2") {
		t.Errorf("got %v", err)
	}
}
