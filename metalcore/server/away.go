package server

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/metalcore/train"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// awayTick is how often the core looks whether kernels are still there; a variable
// so that tests are quick.
var awayTick = time.Second

// kernels are the processes of this machine that run the cells of each session. A
// kernel that Jupyter restarts is another one.
type kernels struct {
	mu   sync.Mutex
	pids map[string]map[int]bool
}

// met takes down which kernel a session's cell has come from.
func (k *kernels) met(session, kernel string) {
	pid := wire.KernelPID(kernel)
	if pid == 0 || !lives(pid) {
		return // no kernel, or one of another machine
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pids == nil {
		k.pids = map[string]map[int]bool{}
	}
	if k.pids[session] == nil {
		k.pids[session] = map[int]bool{}
	}
	k.pids[session][pid] = true
}

// left forgets the kernels that have ended, and returns the sessions that have
// none any more.
func (k *kernels) left() (sessions []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, pids := range k.pids {
		for pid := range pids {
			if !lives(pid) {
				delete(pids, pid)
			}
		}
		if len(pids) == 0 {
			delete(k.pids, name)
			sessions = append(sessions, name)
		}
	}
	return sessions
}

// lives reports whether there is a process of that number.
func lives(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// watchKernels pauses the trainings of sessions whose kernels have ended, until ctx
// ends.
func (s *Server) watchKernels(ctx context.Context) {
	every(ctx, awayTick, func() {
		for _, name := range s.kernels.left() {
			s.pauseAll(ctx, name)
		}
	})
}

func (s *Server) pauseAll(ctx context.Context, session string) {
	for _, t := range s.core.Trainers() {
		if t.Session().Name() != session || !t.Running() || t.Info().State == train.Paused {
			continue
		}
		if err := t.PauseAway(ctx); err == nil { // else it has just ended
			s.Log.Printf("trainer %q of %s is paused: the notebook's kernel has ended", t.Name(), session)
		}
	}
}
