package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	fileset "github.com/metalnb/metalnb/metalcore/feed/load"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/train"
)

// feeding measures how data comes: rows of each format read a second, windows
// brought to the device, and how much longer a step of training takes when its
// rows are read meanwhile.
func feeding(ctx context.Context, w io.Writer, o *Options) error {
	dir, err := os.MkdirTemp("", "metalnb-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := writeFiles(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.measure(ctx, w, o.Rounds); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := staging(ctx, w, o); err != nil {
		return err
	}
	return overlap(ctx, w, o, files)
}

// dataFiles are files of one format.
type dataFiles struct {
	name string
	rows int
	spec fileset.Spec
}

func (f dataFiles) measure(ctx context.Context, w io.Writer, rounds int) error {
	var bytes int64
	took, err := timed(rounds, func() error {
		set, err := fileset.Load(ctx, f.name, f.spec, fileset.Room{})
		if err == nil {
			bytes = set.Bytes()
		}
		return err
	})
	if err != nil {
		return err
	}
	rate := func(n float64) float64 { return n / took.median.Seconds() }
	fmt.Fprintf(w, "feed %-26s %10.0f rows/s (%.0f to %.0f), %.3g MB/s in memory\n", f.name, rate(float64(f.rows)),
		float64(f.rows)/took.high.Seconds(), float64(f.rows)/took.low.Seconds(), rate(float64(bytes))/1e6)
	return nil
}

// The places in the list of files.
const (
	numpyFiles = 3
	pngFiles   = 4
)

// The sizes of what is read: tables of 21 columns, images of 28 x 28.
const (
	tableRows, tableColumns = 20_000, 20
	imageRows, imageSide    = 4096, 28
)

func writeFiles(dir string) ([]dataFiles, error) {
	r := rand.New(rand.NewPCG(1, 2))
	path := func(name string) string { return filepath.Join(dir, name) }
	pixels := make([]byte, imageRows*imageSide*imageSide)
	for i := range pixels {
		pixels[i] = byte(r.IntN(256))
	}
	labels := make([]byte, imageRows)
	for i := range labels {
		labels[i] = byte(r.IntN(10))
	}
	idx := func(axes ...int) []byte {
		head := []byte{0, 0, 8, byte(len(axes))}
		for _, n := range axes {
			head = binary.BigEndian.AppendUint32(head, uint32(n))
		}
		return head
	}
	npy := func(descr, shape string) []byte {
		text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
		return append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text))), text...)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(append(idx(imageRows, imageSide, imageSide), pixels...))
	z.Close()
	table, err := tables(r)
	if err != nil {
		return nil, err
	}
	contents := map[string][]byte{
		"x.npy": append(npy("|u1", fmt.Sprintf("(%d, %d, %d, 1)", imageRows, imageSide, imageSide)), pixels...),
		"y.npy": append(npy("|u1", fmt.Sprintf("(%d,)", imageRows)), labels...),
		"x.gz":  zipped.Bytes(), "y.idx": append(idx(imageRows), labels...), "t.csv": table[0], "t.parquet": table[1],
	}
	for name, content := range contents {
		if err := os.WriteFile(path(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	if err := writePNGs(path("images"), pixels, labels); err != nil {
		return nil, err
	}
	return []dataFiles{
		{"CSV, 21 columns", tableRows, fileset.Spec{Format: fileset.CSV, Paths: []string{path("t.csv")}}},
		{"Parquet, 21 columns", tableRows, fileset.Spec{Format: fileset.Parquet, Paths: []string{path("t.parquet")}}},
		{"idx.gz, 28 x 28", imageRows, fileset.Spec{Format: fileset.IDX, Paths: []string{path("x.gz"), path("y.idx")}}},
		{"NumPy, 28 x 28", imageRows, fileset.Spec{Format: fileset.NumPy, Paths: []string{path("x.npy"), path("y.npy")}}},
		{"PNG, 28 x 28", imageRows, fileset.Spec{Format: fileset.Images, Paths: []string{path("images")}, Images: fileset.Pictures{Gray: true}}},
		{"PNG, scaled to 56 x 56", imageRows, fileset.Spec{Format: fileset.Images, Paths: []string{path("images")}, Images: fileset.Pictures{Gray: true, Height: 56, Width: 56}}},
	}, nil
}

// tables are the same numbers as CSV and as Parquet.
func tables(r *rand.Rand) (out [2][]byte, err error) {
	group := parquet.Group{"label": parquet.Leaf(parquet.Int32Type)}
	for k := range tableColumns {
		group[fmt.Sprintf("c%02d", k)] = parquet.Leaf(parquet.DoubleType)
	}
	var text, packed bytes.Buffer
	rows := parquet.NewGenericWriter[any](&packed, parquet.NewSchema("table", group), parquet.Compression(&parquet.Snappy))
	for k := range tableColumns {
		fmt.Fprintf(&text, "c%02d,", k)
	}
	text.WriteString("label\n")
	for range tableRows {
		var row parquet.Row
		for k := range tableColumns {
			x := float64(r.IntN(1e6)) / 1e3
			text.WriteString(strconv.FormatFloat(x, 'g', -1, 64) + ",")
			row = append(row, parquet.DoubleValue(x).Level(0, 0, k))
		}
		label := r.Int32N(10)
		fmt.Fprintf(&text, "%d\n", label)
		if _, err := rows.WriteRows([]parquet.Row{append(row, parquet.Int32Value(label).Level(0, 0, tableColumns))}); err != nil {
			return out, err
		}
	}
	err = rows.Close()
	return [2][]byte{text.Bytes(), packed.Bytes()}, err
}

func writePNGs(dir string, pixels, labels []byte) error {
	for i, label := range labels {
		const size = imageSide * imageSide
		img := &image.Gray{Pix: pixels[i*size : (i+1)*size], Stride: imageSide, Rect: image.Rect(0, 0, imageSide, imageSide)}
		folder := filepath.Join(dir, strconv.Itoa(int(label)))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d.png", i)), b.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// staging measures how fast windows come to the device when nothing has to be
// read for them: rows gathered in memory in random order, and uploaded.
func staging(ctx context.Context, w io.Writer, o *Options) error {
	at := o.spots()[len(o.spots())-1]
	dev, err := at.open()
	if err != nil {
		return err
	}
	defer dev.Close()
	const rows = 1 << 15
	set := &feed.Set{Name: "staging", X: feed.Array{DType: ir.U8, Shape: ir.Shape{rows, 4096}, Data: make([]byte, rows*4096)}, Y: feed.FromI32(make([]int32, rows), rows), Classes: []string{"0"}}
	window := feed.WindowRows(set, 32, 1)
	took, err := timed(o.Rounds, func() error {
		r, err := feed.Windows(dev, set, window)
		if err != nil {
			return err
		}
		defer r.Release()
		order, at := feed.Permutation(rows, 1, 1), 0
		pipe := r.Pipe(0, func() (feed.Window, bool) {
			number := at / window
			part := order[at:min(at+window, rows)]
			at += len(part)
			return feed.Window{Number: number, Rows: part}, len(part) > 0
		})
		defer pipe.Close()
		for {
			if w, err := pipe.Next(ctx); err != nil || len(w.Rows) == 0 {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "feed staging, rows of 4 KB %16.2f GB/s\n", float64(set.Bytes())/took.median.Seconds()/1e9)
	return nil
}

// overlap compares the steps of W3 on data that lies on the device with those on
// data that is read meanwhile. They take turns, because machines are noisy.
func overlap(ctx context.Context, w io.Writer, o *Options, files []dataFiles) error {
	ways := []dataFiles{files[numpyFiles], files[numpyFiles], files[pngFiles]}
	for i := range ways {
		ways[i].spec.Lazy = i > 0
	}
	for _, at := range o.spots() {
		var racers []*racer
		for _, way := range ways {
			r, err := way.steps(ctx, at)
			if err != nil {
				return err
			}
			defer r.close()
			racers = append(racers, r)
		}
		rates, slower := make([][]float64, len(ways)), make([][]float64, len(ways))
		for range o.Rounds {
			for i, r := range racers {
				rate, err := r.round()
				if err != nil {
					return err
				}
				rates[i] = append(rates[i], rate)
				slower[i] = append(slower[i], rates[0][len(rates[0])-1]/rate)
			}
		}
		for i := 1; i < len(ways); i++ {
			times := spreadOf(slower[i])
			fmt.Fprintf(w, "feed overlap W3 %3s, %-16s %7.0f steps/s, %.0f without reading: a step takes %.3f times as long (%.3f to %.3f)\n",
				at.name, ways[i].name, spreadOf(rates[i]).median, spreadOf(rates[0]).median, times.median, times.low, times.high)
		}
	}
	return nil
}

// steps prepares rounds of training W3 on the files, in windows if they are left
// on the disk. A round's rate is that of steps.
func (f dataFiles) steps(ctx context.Context, at spot) (*racer, error) {
	spec, err := inferenceModel().spec()
	if err != nil {
		return nil, err
	}
	if spec.Data, err = fileset.Load(ctx, f.name, f.spec, fileset.Room{}); err != nil {
		return nil, err
	}
	if f.spec.Lazy {
		spec.Window = spec.Data.Len() / 4 / spec.Batch * spec.Batch
	}
	return trained(ctx, at, func(dev backend.Device) (*train.Trainer, error) { return train.New(dev, spec) }, 2*trainingRound)
}
