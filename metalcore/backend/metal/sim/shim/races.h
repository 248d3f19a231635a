// Finds races: two threads that use the same byte, one of them writing, with no barrier between them. Kernels that are
// compiled to be watched tell of each access; a cell for each byte remembers the last write and the last reads.
//
// Time is a clock that ticks when a dispatch, a threadgroup, or what is behind a barrier begins. What came before the
// interval of the dispatch is done. In the interval, threadgroups and dispatches are in no order, whatever they do; in a
// threadgroup, a barrier orders the memory that its flags name.
#pragma once
#include "runtime.h"
#include <stdint.h>
#include <sys/mman.h>

namespace sim {

enum { kOrdersDevice = 1, kOrdersShared = 2 };                      // mem_flags
enum { kSeveral = 1 << 12, kSimds = 1 << 13, kGroups = 1 << 14 };   // reads were of several threads, SIMD groups, threadgroups
enum { kThreadMask = kSeveral - 1, kAddressBits = 36 };

struct Access {
    uint epoch;    // the clock when what is behind the last barrier began; 0 is never
    ushort thread; // in its threadgroup, and flags
    ushort turn;   // barriers of its SIMD group in this epoch
};
struct Cell { Access write, read; };

// Moments are those by which accesses to a kind of memory are ordered.
struct Moments { uint epoch; ushort turn[32]; };

struct Races {
    Cell *cells; // of each byte, by the low bits of its address; only pages that are used take memory
    uint clock, interval, dispatch, group;
    Moments device, shared;

    void begin_dispatch(bool joined) {
        dispatch = ++clock;
        if (!joined) interval = dispatch;
    }
    void begin_group() {
        group = ++clock;
        device = shared = {group, {}};
    }
    void barrier(uint flags) {
        clock++;
        if (flags & kOrdersDevice) device = {clock, {}};
        if (flags & kOrdersShared) shared = {clock, {}};
    }
    void simd_barrier(uint simd, uint flags) {
        if (flags & kOrdersDevice) device.turn[simd]++;
        if (flags & kOrdersShared) shared.turn[simd]++;
    }

    // gone reports whether an access has ended before all that is running: memory of a threadgroup is its own.
    bool gone(const Access &old, bool in_shared) const { return old.epoch < (in_shared ? group : interval); }

    // in_order reports whether an access of this threadgroup is before that of a thread now.
    static bool in_order(const Access &old, const Access &now) {
        uint a = old.thread & kThreadMask, b = now.thread;
        if (old.epoch < now.epoch) return true;
        if (old.thread & kSimds || a / 32 != b / 32) return false;
        return old.turn < now.turn || (a == b && !(old.thread & kSeveral));
    }

    // conflict returns an access before, which may be that of another group, that is in no order with one now.
    bool conflict(const Access &old, const Access &now, bool in_shared) const {
        if (gone(old, in_shared)) return false;
        return old.thread & kGroups || old.epoch < group || !in_order(old, now);
    }

    // read_too returns what to remember of reads when there is one more.
    Access read_too(const Access &old, Access now, bool in_shared) const {
        if (gone(old, in_shared)) return now;
        uint a = old.thread & kThreadMask, b = now.thread;
        if (old.epoch < group) {
            now.thread |= kGroups;
            return now;
        }
        now.thread |= old.thread & kGroups;
        if (old.epoch < now.epoch) return now;
        now.thread |= old.thread & kSimds;
        if (a / 32 != b / 32) now.thread |= kSimds;
        else if (old.turn == now.turn) now.thread |= (old.thread & kSeveral) | (a != b ? kSeveral : 0);
        return now;
    }

    // use notes an access to a byte, and returns the one that it races with, if there is one.
    const Access *use(const char *p, uint thread, bool writes, bool in_shared) {
        if (!cells) {
            size_t bytes = sizeof(Cell) << kAddressBits;
            cells = (Cell *)mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        }
        Cell &c = cells[(uintptr_t)p & ((1ul << kAddressBits) - 1)];
        const Moments &m = in_shared ? shared : device;
        Access now = {m.epoch, (ushort)thread, m.turn[thread / 32]};
        if (conflict(c.write, now, in_shared)) return &c.write;
        if (writes && conflict(c.read, now, in_shared)) return &c.read;
        if (writes) c.write = now;
        else c.read = read_too(c.read, now, in_shared);
        return nullptr;
    }
};

} // namespace sim
