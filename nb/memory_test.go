package nb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

func ExampleMemory() {
	model := nb.Input(4).Dense(8).ReLU().Dense(3)
	t := nb.NewTrainer("small", model, nb.Config{Data: datasets.Iris().Train})
	defer t.Drop()
	t.Attach()
	for _, h := range nb.Memory().Holders {
		if h.Name == "small" {
			fmt.Println(h.Kind, h.Name, h.Bytes > 0)
		}
	}
	// Output:
	// trainer small true
}

func TestMemory(t *testing.T) {
	model := nb.Input(4).Dense(8).ReLU().Dense(3)
	h := nb.NewTrainer("counted", model, nb.Config{Data: datasets.Iris().Train})
	defer h.Drop()
	h.Fit(1)
	_ = nb.Ones(3).Exp().String()
	m := nb.Memory()
	sum, kinds := int64(0), map[string]bool{}
	for _, x := range m.Holders {
		sum += x.Bytes
		kinds[x.Kind] = true
	}
	if sum != m.Live || m.Live > m.Peak || m.Peak > m.Limit || !m.Unified || m.Host == 0 || !kinds["trainer"] || !kinds["data"] || !kinds["computations"] {
		t.Errorf("%+v", m)
	}
	for _, x := range m.Sums() {
		sum -= x.Bytes
	}
	if sum != 0 {
		t.Errorf("the sums of notebooks miss %d bytes: %+v", sum, m.Sums())
	}
	for _, want := range []string{"in use", "all of ", "all that notebooks share", "trainer counted of ", "data iris", "arenas of", "computations"} {
		if !strings.Contains(m.String(), want) {
			t.Errorf("it does not say %q:\n%v", want, m)
		}
	}
}
