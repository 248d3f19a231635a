package nb

import "github.com/metalnb/metalnb/metalcore/wire"

// Schedule says how the learning rate changes from step to step. All schedules
// scale with the optimizer's rate r, and with what SetLR has set it to since.
// Lengths T are given in Epochs or in Steps, and t is the time since the
// warm-up. At whole epochs the rates are those of PyTorch's lr_scheduler.
type Schedule interface{ schedule() wire.Schedule }

// StepDecay is r · Factor^floor(t/T).
type StepDecay struct {
	Factor        float64 // 0.1
	Epochs, Steps float64 // T, between two changes
}

// Exponential is r · Factor^(t/T).
type Exponential struct {
	Factor        float64 // 0.95
	Epochs, Steps float64 // T; one epoch
}

// Cosine is Min + (r - Min)(1 + cos(π t/T))/2, and Min after T (Loshchilov and
// Hutter 2017).
type Cosine struct {
	Epochs, Steps float64 // T
	Min           float64 // 0
	Restart       bool    // begin anew after T
	Grow          float64 // how much longer each period is than the one before; 1
}

// OneCycle goes along a cosine from r/Div up to r in the share Rise of T, and
// down to r/(Div FinalDiv) in the rest (Smith and Topin 2018).
type OneCycle struct {
	Epochs, Steps float64 // T
	Rise          float64 // 0.3
	Div           float64 // 25
	FinalDiv      float64 // 10000
}

// Polynomial is Min + (r - Min)(1 - t/T)^Power; a straight line with Power 1.
type Polynomial struct {
	Epochs, Steps float64 // T
	Power         float64 // 1
	Min           float64 // 0
}

// Plateau multiplies the rate by Factor when a number that is measured at the
// end of each epoch, of the validation data if there are some, has not become
// better for more than Patience epochs.
type Plateau struct {
	Metric    string  // "loss"
	Factor    float64 // 0.1
	Patience  float64 // 10
	Threshold float64 // the share by which a number must be better to count; 1e-4
	Cooldown  float64 // epochs after a change that do not count; 0
	Min       float64 // of the rate; 0
}

// Warmup lets the rate rise in a straight line, from Start times the rate, and
// goes on with another schedule, or with the full rate.
type Warmup struct {
	Epochs, Steps float64
	Start         float64 // one step's share
	Then          Schedule
}

func (s StepDecay) schedule() wire.Schedule {
	return scheduleOf("step", "factor", s.Factor, "epochs", s.Epochs, "steps", s.Steps)
}

func (s Exponential) schedule() wire.Schedule {
	return scheduleOf("exponential", "factor", s.Factor, "epochs", s.Epochs, "steps", s.Steps)
}

func (s Cosine) schedule() wire.Schedule {
	return scheduleOf("cosine", "epochs", s.Epochs, "steps", s.Steps, "min", s.Min, "restart", flag(s.Restart), "grow", s.Grow)
}

func (s OneCycle) schedule() wire.Schedule {
	return scheduleOf("one_cycle", "epochs", s.Epochs, "steps", s.Steps, "rise", s.Rise, "div", s.Div, "final_div", s.FinalDiv)
}

func (s Polynomial) schedule() wire.Schedule {
	return scheduleOf("polynomial", "epochs", s.Epochs, "steps", s.Steps, "power", s.Power, "min", s.Min)
}

func (s Plateau) schedule() wire.Schedule {
	out := scheduleOf("plateau", "factor", s.Factor, "patience", s.Patience, "threshold", s.Threshold, "cooldown", s.Cooldown, "min", s.Min)
	out.Watch = s.Metric
	return out
}

func (s Warmup) schedule() wire.Schedule {
	if s.Epochs == 0 && s.Steps == 0 {
		argument("like nb.Warmup{Steps: 100, Then: nb.Cosine{Epochs: 20}}", "a warm-up without a length")
	}
	out := wire.Schedule{Name: "constant"}
	switch then := s.Then.(type) {
	case nil:
	case Warmup, *Warmup:
		argument("one warm-up is enough", "a warm-up after a warm-up")
	default:
		out = then.schedule()
	}
	out.Settings = append(out.Settings, settings("warmup", "warmup_epochs", s.Epochs, "warmup_steps", s.Steps, "warmup_start", s.Start)...)
	return out
}

func scheduleOf(name string, pairs ...any) wire.Schedule {
	return wire.Schedule{Name: name, Settings: settings(name, pairs...)}
}
