package runtime

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/schedule"
	"github.com/metalnb/metalnb/metalcore/train"
)

// saved is a trainer as it lies in a file: what it was declared as, the user's
// data that it needs, by the names of their files, and the snapshot. States are
// arrays of the file, so that other programs find the weights by their names;
// the history is arrays, too, and the rest is text.
type saved struct {
	session, name string
	text          string            // see Declaration
	data          map[string]string // of a name
	as            string            // the checkpoint's name, of one
	was           *train.Snapshot
	mark          *mark // of a checkpoint that a training made by itself
}

// mark is what such a checkpoint says of its epoch.
type mark struct {
	Metric string // empty of one within an epoch
	Value  number
}

// format is what a file says it holds, with the version of that.
const format = "trainer 1"

// The names of the arrays of the history.
const (
	nameEpochs = "history/epochs/"
	nameCourse = "history/course"
)

// number is a number that JSON may be told when it is no finite one, too.
type number float64

// MarshalText is part of encoding.TextMarshaler, like UnmarshalText.
func (n number) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(n), 'g', -1, 64), nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *number) UnmarshalText(b []byte) error {
	x, err := strconv.ParseFloat(string(b), 64)
	*n = number(x)
	return err
}

// convert makes numbers of another type.
func convert[To, From ~float64](list []From) []To {
	out := make([]To, len(list))
	for i, x := range list {
		out[i] = To(x)
	}
	return out
}

// position is what a snapshot has beside states and history.
type position struct {
	Time         time.Time
	Epoch        int
	Step         int64
	EpochStep    int
	EpochTime    number
	Goal         int
	Until        int64
	Paused       bool
	LR           number
	Lowered      lowered
	Watched      watched
	Note         string
	Loss, Weight number
	Stride       int64
	Columns      []columns // of the tables of epochs
	Last         []number  // row of the last of them, for who reads the head alone
}

// lowered is a schedule.State.
type lowered struct {
	Times       int
	Scale, Best number
	Seen        bool
	Bad, Rest   int
}

// watched is a train.Watched.
type watched struct {
	Best        number
	Epoch, Wait int
}

// columns names the metrics of a table of epochs. Where they change, another
// table begins.
type columns struct{ Train, Valid []string }

// fixed are the columns in front of the metrics: number, steps, seconds, rate.
const fixed = 4

// file is the saved trainer as a file.
func (s *saved) file() (*checkpoint.File, error) {
	w := s.was
	p := position{
		Time: w.Time, Epoch: w.Epoch, Step: w.Step, EpochStep: w.EpochStep, EpochTime: number(w.EpochTime), Goal: w.Goal, Until: w.Until, Paused: w.Paused, LR: number(w.LR),
		Lowered: lowered{w.Lowered.Lowered, number(w.Lowered.Scale), number(w.Lowered.Best), w.Lowered.Seen, w.Lowered.Bad, w.Lowered.Rest},
		Watched: watched{number(w.Watched.Best), w.Watched.Epoch, w.Watched.Wait}, Note: w.Note,
		Loss: number(w.Loss), Weight: number(w.Weight), Stride: w.Stride,
	}
	f := &checkpoint.File{}
	for _, x := range w.States {
		f.Arrays = append(f.Arrays, checkpoint.Array{Name: x.Name, Type: checkpoint.Type(x.Value.DType), Shape: x.Value.Shape, Data: x.Value.Data})
	}
	var course []float64
	for _, c := range w.Course {
		course = append(course, float64(c.Step), float64(c.Steps), c.Sum, c.Rows)
	}
	f.Arrays = append(f.Arrays, table(nameCourse, 4, course))
	for rest := w.Epochs; len(rest) > 0; {
		c := columnsOf(rest[0])
		var cells []float64
		for len(rest) > 0 && c.fit(&rest[0]) {
			cells, rest = appendEpoch(cells, rest[0]), rest[1:]
		}
		f.Arrays = append(f.Arrays, table(nameEpochs+strconv.Itoa(len(p.Columns)), c.width(), cells))
		p.Columns, p.Last = append(p.Columns, c), convert[number](cells[len(cells)-c.width():])
	}
	where, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(s.data)
	if err != nil {
		return nil, err
	}
	f.Meta = map[string]string{"metalnb": format, "session": strings.ToValidUTF8(s.session, "?"), "trainer": s.name, "declaration": s.text,
		"data": string(data), "checkpoint": s.as, "position": string(where)}
	if s.mark != nil {
		text, err := json.Marshal(s.mark)
		if err != nil {
			return nil, err
		}
		f.Meta["kept"] = string(text)
	}
	return f, nil
}

// epoch is that of a row.
func (c *columns) epoch(row []float64) train.Epoch {
	return train.Epoch{N: int(row[0]), Steps: int(row[1]), Seconds: row[2], LR: row[3],
		Train: metricsOf(c.Train, row[fixed:]), Valid: metricsOf(c.Valid, row[fixed+len(c.Train):])}
}

func (c *columns) width() int { return fixed + len(c.Train) + len(c.Valid) }

func columnsOf(e train.Epoch) (c columns) {
	for _, m := range e.Train {
		c.Train = append(c.Train, m.Name)
	}
	for _, m := range e.Valid {
		c.Valid = append(c.Valid, m.Name)
	}
	return c
}

// fit reports whether the epoch belongs in the table.
func (c *columns) fit(e *train.Epoch) bool {
	named := func(name string, m train.Metric) bool { return name == m.Name }
	return slices.EqualFunc(c.Train, e.Train, named) && slices.EqualFunc(c.Valid, e.Valid, named)
}

func appendEpoch(cells []float64, e train.Epoch) []float64 {
	cells = append(cells, float64(e.N), float64(e.Steps), e.Seconds, e.LR)
	for _, m := range slices.Concat(e.Train, e.Valid) {
		cells = append(cells, m.Value)
	}
	return cells
}

func table(name string, width int, cells []float64) checkpoint.Array {
	a := checkpoint.Array{Name: name, Type: "F64", Shape: []int{len(cells) / width, width}, Data: make([]byte, 0, 8*len(cells))}
	for _, x := range cells {
		a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(x))
	}
	return a
}

// rows are those of a table.
func rows(a *checkpoint.Array, width int) ([][]float64, error) {
	if a == nil || a.Type != "F64" || len(a.Shape) != 2 || a.Shape[1] != width {
		return nil, fmt.Errorf("its history is no table of %d columns", width)
	}
	out := make([][]float64, a.Shape[0])
	for i := range out {
		out[i] = make([]float64, width)
		for k := range out[i] {
			out[i][k] = math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*(i*width+k):]))
		}
	}
	return out, nil
}

// positionOf reads the position out of a file's texts.
func positionOf(meta map[string]string) (p position, err error) {
	if meta["metalnb"] != format {
		return p, fmt.Errorf("it holds %q and not %q", meta["metalnb"], format)
	}
	return p, json.Unmarshal([]byte(meta["position"]), &p)
}

// savedOf is the trainer that a file holds.
func savedOf(f *checkpoint.File) (*saved, error) {
	p, err := positionOf(f.Meta)
	if err != nil {
		return nil, err
	}
	s := &saved{session: f.Meta["session"], name: f.Meta["trainer"], text: f.Meta["declaration"], as: f.Meta["checkpoint"]}
	if err := json.Unmarshal([]byte(f.Meta["data"]), &s.data); err != nil {
		return nil, err
	}
	s.was = &train.Snapshot{
		Time: p.Time, Epoch: p.Epoch, Step: p.Step, EpochStep: p.EpochStep, EpochTime: float64(p.EpochTime), Goal: p.Goal, Until: p.Until, Paused: p.Paused, LR: float64(p.LR),
		Lowered: schedule.State{Lowered: p.Lowered.Times, Scale: float64(p.Lowered.Scale), Best: float64(p.Lowered.Best),
			Seen: p.Lowered.Seen, Bad: p.Lowered.Bad, Rest: p.Lowered.Rest},
		Watched: train.Watched{Best: float64(p.Watched.Best), Epoch: p.Watched.Epoch, Wait: p.Watched.Wait}, Note: p.Note,
		Loss: float64(p.Loss), Weight: float64(p.Weight), Stride: p.Stride,
	}
	tables := map[string]*checkpoint.Array{}
	for i := range f.Arrays {
		a := &f.Arrays[i]
		if a.Type == "F64" {
			tables[a.Name] = a
			continue
		}
		dtype, err := a.DType()
		if err != nil {
			return nil, err
		}
		s.was.States = append(s.was.States, train.Parameter{Name: a.Name, Value: feed.Array{DType: dtype, Shape: a.Shape, Data: a.Data}})
	}
	return s, s.history(tables, p.Columns)
}

// history reads the tables of epochs and losses.
func (s *saved) history(tables map[string]*checkpoint.Array, list []columns) error {
	course, err := rows(tables[nameCourse], 4)
	if err != nil {
		return err
	}
	for _, r := range course {
		s.was.Course = append(s.was.Course, train.Stretch{Step: int64(r[0]), Steps: int64(r[1]), Sum: r[2], Rows: r[3]})
	}
	for i, c := range list {
		epochs, err := rows(tables[nameEpochs+strconv.Itoa(i)], c.width())
		if err != nil {
			return err
		}
		for _, r := range epochs {
			s.was.Epochs = append(s.was.Epochs, c.epoch(r))
		}
	}
	return nil
}

func metricsOf(names []string, values []float64) (list []train.Metric) {
	for i, name := range names {
		list = append(list, train.Metric{Name: name, Value: values[i]})
	}
	return list
}
