package load

import (
	"archive/zip"
	"bytes"
	"image"
	"os"
	"testing"
)

// fuzzLimit is small, so that a reader that takes more than it may is noticed.
const fuzzLimit = 1 << 20

func fuzzed(t *testing.T) *reading { return begin(t.Context(), Room{Memory: fuzzLimit}) }

// checkTable reads all rows of a table's set, if it makes one.
func checkTable(t *testing.T, b *table, s *Spec) {
	set, err := b.set("t", s)
	if err != nil || set.Bytes() > 64*fuzzLimit {
		return
	}
	if set, err = set.Load(t.Context()); err != nil || set.Check() != nil {
		t.Errorf("the set is faulty: %v", err)
	}
}

// seeds adds what the readers are tested with.
func seeds(f *testing.F, names ...string) {
	for _, name := range names {
		content, err := os.ReadFile(data(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(content[:len(content)/2])
	}
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n3,4\n", "a;b;c\n\"x\ny\";2;\n", "\ufeffa\tb\n?\tNaN\n", "a,b\n1e99,0x1p4\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, table := range []Table{{}, {Missing: MissingMean, NoHeader: true}, {Missing: MissingSkip, OneHot: []string{"a"}}} {
			s := &Spec{Format: CSV, Paths: []string{"t.csv"}, Table: table, Skip: table.NoHeader}
			b, err := tableOfText(fuzzed(t), bytes.NewReader(content), "t.csv", s)
			if err != nil {
				continue
			}
			checkTable(t, b, s)
		}
	})
}

func FuzzNPY(f *testing.F) {
	seeds(f, "x.npy", "y.npy", "objects.npy")
	f.Fuzz(func(t *testing.T, content []byte) {
		if a, err := arrayNPY(fuzzed(t), bytes.NewReader(content)); err == nil && (a.Check() != nil || len(a.Data) > fuzzLimit) {
			t.Errorf("the array is faulty: %v", a.Check())
		}
	})
}

func FuzzNPZ(f *testing.F) {
	seeds(f, "arrays.npz")
	f.Fuzz(func(t *testing.T, content []byte) {
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		if a, err := entryNPZ(fuzzed(t), z, "f4_big_F"); err == nil && a.Check() != nil {
			t.Errorf("the array is faulty: %v", a.Check())
		}
	})
}

func FuzzIDX(f *testing.F) {
	seeds(f, "labels.idx")
	f.Add([]byte("\x00\x00\x0e\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if a, err := arrayIDX(fuzzed(t), bytes.NewReader(content)); err == nil && (a.Check() != nil || len(a.Data) > fuzzLimit) {
			t.Errorf("the array is faulty: %v", a.Check())
		}
	})
}

func FuzzImage(f *testing.F) {
	seeds(f, "picture_12x16.png", "grey.png")
	f.Add(hugePNG(9000, 9000))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\xff\xda"))
	f.Fuzz(func(t *testing.T, content []byte) {
		lie := orientation(bytes.NewReader(content))
		r := bytes.NewReader(content)
		if c, err := checkImage(r); err != nil || c.Width*c.Height > fuzzLimit {
			return // such may take more, as they should
		}
		img, _, err := image.Decode(r)
		if err != nil {
			return
		}
		x := make([]byte, 5*7*3)
		if err := (&folder{Pictures: Pictures{Height: 5, Width: 7}}).put(upright(img, lie), x, "x.png"); err != nil {
			t.Error(err)
		}
	})
}

func FuzzParquet(f *testing.F) {
	seeds(f, "table_none.parquet", "table_snappy.parquet", "table_zstd.parquet", "table_lz4.parquet", "nested.parquet")
	whole, err := os.ReadFile(data("table_none.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(whole[:len(whole)-8:len(whole)-8], "\xe7\x04\x00\xd9PAR1"...)) // a description of gigabytes
	f.Fuzz(func(t *testing.T, content []byte) {
		s := &Spec{Format: Parquet, Paths: []string{"t.parquet"}, Table: Table{Missing: MissingMean}}
		b, err := tableOfParquet(fuzzed(t), bytes.NewReader(content), int64(len(content)), s)
		if err != nil {
			return
		}
		checkTable(t, b, s)
	})
}
