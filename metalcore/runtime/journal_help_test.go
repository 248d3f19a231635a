package runtime

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// logged is what a journal says in the log.
type logged struct {
	mu   sync.Mutex
	text string
}

func (l *logged) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += fmt.Sprintf(format, args...) + "\n"
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

// mine is the user's data that some declarations of the tests name.
var mine = Ref{Source: "mine", User: true, Part: "train", Share: 0.25, Seed: 2}

// declaration makes the declarations of the tests of their text: "lr data", with
// "early" behind it for an early stop, or "keep" for checkpoints.
func declaration(name, text string, find func(Ref) (*feed.Set, *Upload, error)) (d Declaration, err error) {
	var lr float64
	var source string
	if _, err := fmt.Sscan(text, &lr, &source); err != nil {
		return d, err
	}
	ref := Ref{Source: "iris", Part: "train", Share: 0.2, Seed: 1}
	if source == mine.Source {
		ref = mine
	}
	d.Text = text
	o, err := optim.New("adam", map[string]float64{"lr": lr})
	if err != nil {
		return d, err
	}
	d.Spec = train.Spec{Name: name, Model: dense(4, 8, 3), Loss: "cross_entropy", Optimizer: o, Batch: 16, Seed: 1}
	if strings.HasSuffix(text, " early") {
		d.EarlyStop = &train.EarlyStop{Patience: 3, MinDelta: 0.1}
	}
	if strings.HasSuffix(text, " keep") {
		d.Keep = Keep{Last: 2, Best: 1}
	}
	var u *Upload
	if d.Spec.Data, u, err = find(ref); u != nil {
		d.Data = append(d.Data, u)
	}
	return d, err
}

// journaled makes a core that writes trainers down in a directory. stop ends it
// as it should end; who does not call it has killed it, as far as its files go.
func journaled(t *testing.T, dir string, every time.Duration) (s *Session, log *logged, stop func()) {
	t.Helper()
	c, log := New(cpu.New(1)), &logged{}
	c.Keep(JournalOptions{Dir: dir, Every: every, Declaration: declaration, Log: log.Printf})
	s, _ = c.Join("notebook")
	stop = sync.OnceFunc(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, log, stop
}

// kept declares a trainer by its text.
func keptTrainer(t *testing.T, s *Session, text, want string) *Trainer {
	t.Helper()
	d, err := declaration("a", text, s.Find)
	if err != nil {
		t.Fatal(err)
	}
	outcome, tr, err := s.Declare(d, false)
	if err != nil || outcome != want {
		t.Fatalf("%q, %v; want %q", outcome, err, want)
	}
	return tr
}

// upload gives a session the data "mine".
func upload(t *testing.T, s *Session) {
	t.Helper()
	set, err := feed.Builtin("iris")
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float32, set.Len())
	for i := range w {
		w[i] = float32(1 + i%2)
	}
	if err := s.PutWeighted("mine", "hash", set.X, set.Y, feed.FromF32(w, len(w)), set.Classes); err != nil {
		t.Fatal(err)
	}
}

// numbers are the weights of a trainer.
func numbersOf(t *testing.T, tr *Trainer) string {
	t.Helper()
	list, err := tr.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, p := range list {
		all = append(all, p.Value.Data...)
	}
	return string(all)
}

func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q: %s", what, w, text)
		}
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
