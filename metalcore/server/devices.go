package server

import (
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// devices lists what the core could compute on.
func (s *Server) devices() *wire.Devices {
	out := &wire.Devices{}
	for _, e := range s.Devices.List(s.core.Device()) {
		d := deviceOf(e.Info)
		d.Kind, d.Used = e.Kind, e.Used
		if e.Err != nil {
			d.Missing = e.Err.Error()
		}
		out.List = append(out.List, d)
	}
	return out
}

// useDevice makes the core compute on the device of a kind.
func (s *Server) useDevice(kind string) (*wire.Device, error) {
	before := s.core.Device()
	if err := s.core.SetDevice(kind, func() (backend.Device, error) { return s.Devices.Open(kind) }); err != nil {
		return nil, err
	}
	d := deviceOf(s.core.Device().Info())
	d.Used = true
	if before != s.core.Device() {
		s.Log.Printf("on %s from now on", d.Name)
	}
	return &d, nil
}

func deviceOf(i backend.Info) wire.Device {
	return wire.Device{Name: i.Name, Kind: i.Kind, Family: i.Family, Memory: i.Memory, MaxBuffer: i.MaxBuffer, Limits: i.Limits}
}
