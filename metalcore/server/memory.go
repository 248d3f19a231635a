package server

import (
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// memory tells who holds how much.
func (s *Server) memory() *wire.Memory {
	m := s.core.Memory()
	out := &wire.Memory{Limit: m.Limit, Live: m.Live, Peak: m.Peak, Host: m.Host, Unified: m.Unified, Disk: m.Disk, Cached: m.Cached, Buffers: m.Usage.Buffers, Hits: m.Hits, Misses: m.Misses,
		Lost: holderOf(runtime.Holding{Use: m.Lost})}
	for _, h := range m.Holdings {
		out.Holders = append(out.Holders, holderOf(h))
	}
	for _, session := range s.core.Sessions() {
		for _, name := range session.Asleep() {
			out.Asleep = append(out.Asleep, wire.Holder{Kind: "trainer", Session: session.Name(), Name: name})
		}
	}
	return out
}

func holderOf(h runtime.Holding) wire.Holder {
	return wire.Holder{Kind: h.Owner.Kind, Session: h.Owner.Session, Name: h.Owner.Name, Bytes: h.Bytes, Host: h.Host, Disk: h.Disk, Buffers: h.Buffers,
		Programs: h.Programs, Arenas: h.Arenas, Gone: h.Gone, Places: h.Places}
}
