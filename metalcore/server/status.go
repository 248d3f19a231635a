package server

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// status tells what the core is doing.
func (s *Server) status() *wire.Status {
	out := &wire.Status{Welcome: s.greeting(), Resident: resident(), Log: s.Place.Log(), Journal: s.core.Journal()}
	if dev, ok := s.core.Device().(interface{ LiveBytes() int64 }); ok {
		out.DeviceBytes = dev.LiveBytes()
	}
	for _, session := range s.core.Sessions() {
		info := wire.SessionInfo{Name: session.Name(), Clients: session.Clients(), Tensors: session.Tensors()}
		for _, t := range session.Trainers() {
			info.Trainers = append(info.Trainers, infoOf(t))
		}
		for _, i := range session.Written() {
			asleep := wire.TrainerInfo{Name: i.Name, State: string(i.State), Note: i.Note, Epoch: i.Epoch, Step: i.Step, EpochStep: i.EpochStep, LR: i.LR}
			if i.Last.N > 0 {
				asleep.Last = epochOf(i.Last)
			}
			info.Trainers = append(info.Trainers, asleep)
		}
		for _, name := range session.DataNames() {
			ref := wire.DataRef{Source: name, User: true}
			if set, err := session.Data(refOf(ref)); err == nil {
				info.Data = append(info.Data, dataOf(ref, set))
			}
		}
		out.Sessions = append(out.Sessions, info)
	}
	return out
}

// shutdown ends the core if that loses nothing, or by force.
func (s *Server) shutdown(req *wire.Shutdown) (wire.Message, error) {
	if !req.Force {
		s.core.WriteDown() // what cannot be written is a loss
	}
	if !req.Force && len(s.core.Losses()) > 0 {
		return nil, &runtime.Error{Code: runtime.Busy, Message: "the core holds " + s.holdings() + ", which ending it would lose or stop",
			Remedy: "`metalnb stop --force` ends it all the same"}
	}
	s.end(errors.New("asked to stop"))
	return &wire.OK{}, nil
}

// resident is the memory of this process in bytes: now where /proc tells it,
// else its peak.
func resident() int64 {
	if data, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(data)); len(fields) > 1 {
			pages, _ := strconv.ParseInt(fields[1], 10, 64)
			return pages * int64(os.Getpagesize())
		}
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return int64(usage.Maxrss)
}
