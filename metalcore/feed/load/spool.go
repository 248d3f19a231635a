package load

import (
	"context"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Room says where rows are kept.
type Room struct {
	Memory int64  // bytes that they may take in memory; any number when 0
	Dir    string // of those that are more; when empty that is an error
	Disk   int64  // bytes that they may take there; nine tenths of what is free when 0
}

// reading is one reading of files.
type reading struct {
	Room
	ctx    context.Context
	spools []*spool
}

// begin finds out how much room there is on the disk.
func begin(ctx context.Context, room Room) *reading {
	if room.Dir != "" && room.Disk == 0 {
		room.Disk = math.MaxInt64 / 1024 // so that what is wrong with it is said when it is needed
		var st unix.Statfs_t
		if unix.Statfs(room.Dir, &st) == nil {
			room.Disk = int64(st.Bavail) * int64(st.Bsize) / 10 * 9
		}
	}
	return &reading{Room: room, ctx: ctx}
}

// inMemory is the reading of what is needed as a whole.
func (in *reading) inMemory() *reading { return &reading{Room: Room{Memory: in.Memory}, ctx: in.ctx} }

// all is how many bytes rows may take, 0 for any number.
func (in *reading) all() int64 {
	if in.Memory == 0 {
		return 0
	}
	return in.Memory + in.Disk
}

// within refuses what is larger than so many times all the room.
func (in *reading) within(what string, size, times int64) error {
	if limit := times * in.all(); limit > 0 && size > limit {
		return &LimitError{what, size, limit, in.Dir}
	}
	return nil
}

// drop gives the room on the disk back.
func (in *reading) drop() {
	for _, s := range in.spools {
		if s.file != nil {
			s.file.Close()
		}
	}
}

// SpoolError says that rows could not be written to the disk.
type SpoolError struct {
	What, Dir string
	Err       error
}

func (e *SpoolError) Error() string {
	return fmt.Sprintf("%s does not fit in memory, and its rows cannot be put in %s: %v", e.What, e.Dir, e.Err)
}

// Unwrap returns what is wrong with the disk.
func (e *SpoolError) Unwrap() error { return e.Err }

// spool keeps rows of one size as they come: in memory while there is room, and
// all of them in a file when there is none. The file has no name, so that its room
// is free when the spool is closed or forgotten, and when the process has died.
type spool struct {
	in   *reading
	what string // how errors call it
	row  int    // bytes
	data []byte // the rows, or those that are not in the file yet
	file *os.File
	size int64 // bytes in the file
}

// spoolBytes is how much is written at once.
const spoolBytes = 1 << 20

func (in *reading) spool(what string, row int) *spool {
	s := &spool{in: in, what: what, row: row}
	in.spools = append(in.spools, s)
	return s
}

// add takes some bytes of rows.
func (s *spool) add(data []byte) error {
	if err := s.in.ctx.Err(); err != nil {
		return err
	}
	s.data = append(s.data, data...)
	room := s.in.Memory
	if s.file != nil {
		room = spoolBytes
	}
	if room == 0 || int64(len(s.data)) <= room {
		return nil
	}
	return s.flush()
}

// flush moves what is in memory to the file.
func (s *spool) flush() error {
	sum := s.size + int64(len(s.data))
	if err := s.in.within(s.what, sum, 1); err != nil {
		return err
	}
	if s.file == nil {
		if err := s.open(); err != nil {
			return &SpoolError{s.what, s.in.Dir, err}
		}
	}
	if _, err := s.file.Write(s.data); err != nil {
		return &SpoolError{s.what, s.in.Dir, err}
	}
	if s.size == 0 {
		s.data = make([]byte, 0, 2*spoolBytes)
	}
	s.size, s.data = sum, s.data[:0]
	return nil
}

func (s *spool) open() (err error) {
	if s.file, err = os.CreateTemp(s.in.Dir, "rows-"); err != nil {
		return err
	}
	return os.Remove(s.file.Name())
}

// end is called when all rows have come.
func (s *spool) end() error {
	if s.file == nil {
		return nil
	}
	err := s.flush()
	s.data = nil
	return err
}

// Read reads row i. The file is closed when nobody has it.
func (s *spool) Read(_ context.Context, i int, x, _ []byte) error {
	if s.file == nil {
		copy(x, s.data[i*s.row:])
		return nil
	}
	_, err := s.file.ReadAt(x[:s.row], int64(i)*int64(s.row))
	return err
}

// OnDisk is the number of bytes that the rows take on the disk.
func (s *spool) OnDisk() int64 { return s.size }
