package optim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// grouped makes one step from 1 with the gradient 1 of three parameters, and
// returns what each of them moved by.
func grouped(t *testing.T, settings map[string]float64, groups ...optim.Group) map[string]float64 {
	t.Helper()
	o, err := optim.New("sgd", settings)
	if err == nil {
		o, err = optim.WithGroups(o, groups...)
	}
	if err != nil {
		t.Fatal(err)
	}
	var params, grads []*ir.Value
	names := []string{"conv2d_1/kernel", "conv2d_1/bias", "dense_1/weight"}
	for _, name := range names {
		params = append(params, ir.State(name, ir.F32, ir.Shape{1}, ir.Attrs{ir.AttrTrain: true, ir.AttrDecay: true}))
		grads = append(grads, ir.Const(1, ir.F32, 1))
	}
	dev := cpu.New(1)
	defer dev.Close()
	r := newRunner(t, dev, ir.NewGraph("groups", nil, o.(optim.Updater).Build(params, grads, ir.Input("lr", ir.F32), ir.Const(1, ir.F32))))
	r.put("lr", 0.5)
	for _, name := range names {
		r.put(name, 1)
	}
	r.step()
	moved := map[string]float64{}
	for _, name := range names {
		moved[name] = 1 - float64(r.get(name, ir.Shape{1})[0])
	}
	return moved
}

func TestGroupsHaveTheirOwnRateAndDecay(t *testing.T) {
	cases := []struct {
		groups []optim.Group
		want   string
	}{
		{nil, "map[conv2d_1/bias:0.75 conv2d_1/kernel:0.75 dense_1/weight:0.75]"},
		{[]optim.Group{{Layers: "conv2d_*", LR: 0.5}}, "map[conv2d_1/bias:0.375 conv2d_1/kernel:0.375 dense_1/weight:0.75]"},
		{[]optim.Group{{Layers: "*/bias", NoDecay: true}}, "map[conv2d_1/bias:0.5 conv2d_1/kernel:0.75 dense_1/weight:0.75]"},
		{[]optim.Group{{Layers: "dense_1", Decay: 0.25}}, "map[conv2d_1/bias:0.75 conv2d_1/kernel:0.75 dense_1/weight:0.625]"},
		{[]optim.Group{{Layers: "*/bias", LR: 2}, {Layers: "conv2d_1", LR: 4}}, // the first that matches
			"map[conv2d_1/bias:1.5 conv2d_1/kernel:3 dense_1/weight:0.75]"},
	}
	for _, c := range cases {
		if got := fmt.Sprint(grouped(t, map[string]float64{"weight_decay": 0.5}, c.groups...)); got != c.want {
			t.Errorf("%+v: moved %s, want %s", c.groups, got, c.want)
		}
	}
}

func TestBadGroups(t *testing.T) {
	o, err := optim.New("adam", nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, g := range map[string]optim.Group{
		"is no pattern of layers":        {Layers: "[a"},
		`group "" is no pattern`:         {},
		"a factor or decay of -1":        {Layers: "a", LR: -1},
		"has a weight decay and NoDecay": {Layers: "a", Decay: 1, NoDecay: true},
	} {
		if _, err := optim.WithGroups(o, g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", g, err, want)
		}
	}
}

func ExampleWithGroups() {
	o, err := optim.New("adamw", nil)
	if err != nil {
		panic(err)
	}
	o, err = optim.WithGroups(o, optim.Group{Layers: "conv2d_*", LR: 0.1}, optim.Group{Layers: "*/bias", NoDecay: true})
	fmt.Println(o.Groups()[0].Has("conv2d_2/kernel"), o.Groups()[0].Has("dense_1/weight"), err)
	// Output: true false <nil>
}
