package gpu

import (
	"errors"
	"fmt"
	"sync"
)

// stub is a driver without a GPU: it keeps memory and counts what it is asked
// for. Its kernels compute nothing.
type stub struct {
	limits Limits

	mu         sync.Mutex
	memories   int
	pipelines  int
	begun      int
	inFlight   int
	mostAtOnce int
	log        []string   // of the recordings, in the order of commits
	hold       chan error // if set, a recording ends when it has received from it
	failAlloc  bool
	failText   bool
	failBegin  int // the recording that cannot begin, from 1
}

func newStub() *stub {
	return &stub{limits: Limits{Device: "Stub", Kind: "stub", Threads: 1024, Shared: 32 << 10, Bindings: 31, MaxBuffer: 1 << 30, Memory: 1 << 31}}
}

func (s *stub) Limits() Limits { return s.limits }
func (s *stub) Close() error   { return nil }

func (s *stub) count(n *int, by int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n += by
	return *n
}

func (s *stub) Alloc(bytes int64) (Memory, error) {
	if s.failAlloc {
		return nil, errors.New("stub: no memory")
	}
	s.count(&s.memories, 1)
	return &stubMemory{driver: s, data: make([]byte, bytes)}, nil
}

type stubMemory struct {
	driver *stub
	data   []byte
}

func (m *stubMemory) Len() int64 { return int64(len(m.data)) }
func (m *stubMemory) Upload(offset int64, src []byte) error {
	copy(m.data[offset:], src)
	return nil
}
func (m *stubMemory) Download(offset int64, dst []byte) error {
	copy(dst, m.data[offset:])
	return nil
}
func (m *stubMemory) Free() {
	m.driver.count(&m.driver.memories, -1)
	m.data = nil
}

func (s *stub) Compile(text string, names []string) ([]Pipeline, error) {
	if s.failText {
		return nil, &CompileError{Kernel: names[0], Log: "no"}
	}
	var list []Pipeline
	for _, name := range names {
		s.count(&s.pipelines, 1)
		list = append(list, &stubPipeline{driver: s, name: name})
	}
	return list, nil
}

type stubPipeline struct {
	driver *stub
	name   string
}

func (p *stubPipeline) Threads() int { return 1024 }
func (p *stubPipeline) Free()        { p.driver.count(&p.driver.pipelines, -1) }

func (s *stub) Begin() (Recording, error) {
	if s.count(&s.begun, 1) == s.failBegin {
		return nil, errors.New("stub: no recording")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	s.mostAtOnce = max(s.mostAtOnce, s.inFlight)
	return &stubRecording{driver: s}, nil
}

type stubRecording struct {
	driver *stub
	log    []string
}

func (r *stubRecording) Dispatch(d *Dispatch) {
	r.log = append(r.log, fmt.Sprintf("%s %v", d.Pipeline.(*stubPipeline).name[:4], d.Groups))
}
func (r *stubRecording) Run(Product, []Span, Span) { r.log = append(r.log, "product") }
func (r *stubRecording) Barrier()                  { r.log = append(r.log, "barrier") }

func (r *stubRecording) Commit(done func(error)) {
	s := r.driver
	s.mu.Lock()
	s.log = append(s.log, r.log...)
	s.mu.Unlock()
	go func() {
		var err error
		if s.hold != nil {
			err = <-s.hold
		}
		s.count(&s.inFlight, -1)
		done(err)
	}()
}
