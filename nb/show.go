package nb

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb/pipe"
)

// show displays what the core drew: in a notebook as it is, elsewhere as text.
func show(m *wire.Show) error {
	if !pipe.Available() {
		for _, item := range m.Items {
			if item.Type == "text/plain" && len(item.Data) > 0 {
				fmt.Println(strings.TrimRight(string(item.Data), "\n"))
			}
		}
		return nil
	}
	data := make(map[string]any, len(m.Items))
	for _, item := range m.Items {
		if item.Text {
			data[item.Type] = string(item.Data)
		} else {
			data[item.Type] = item.Data
		}
	}
	return pipe.Show(pipe.Data{Data: data, DisplayID: m.ID})
}

// ShowPicture asks the core for a picture and displays it. Package display is
// made of it; programs use that.
func ShowPicture(req *wire.Picture) {
	must(exportTensor(&req.X))
	must(stream(req, func(m wire.Message) (bool, error) {
		switch m := m.(type) {
		case *wire.Show:
			return false, show(m)
		case *wire.OK:
			return true, pipe.Sync()
		}
		return false, fmt.Errorf("%T in answer to a picture: %w", m, wire.ErrFrame)
	}))
}

// exportTensor and importTensor pass large tensors through files.
func exportTensor(t *wire.Tensor) error { return t.Export(wire.DefaultPlace()) }
func importTensor(t *wire.Tensor) error { return t.Import(wire.DefaultPlace()) }
