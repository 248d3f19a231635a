// Runs the threads of a dispatch on one thread of the CPU. Threads that wait for each other get a stack of their own, a
// fiber; the scheduler resumes them in the order that the launch asks for. A thread that faults ends the dispatch.
#include "races.h"
#include "runtime.h"
#include "switch.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace sim {

enum { kThreads = 1024, kLanes = 32, kDynamic = 31, kArrays = kDynamic + 64, kStack = 128 << 10, kPage = 4096, kShared = 64 << 10, kGap = 64 };
enum State { kNew, kReady, kAtBarrier, kInSimd, kDone };

struct Fiber { void *sp; char *stack; };

struct Thread {
    Fiber *fiber;
    State state;
    const void *site; // where it waits
    uint flags;       // what the barrier orders at which it waits
    Place place;
    alignas(16) char offer[64];
};

static Launch *launch;
static const Entry *entry;
static void *scheduler; // its stack pointer while a fiber runs
static Fiber *running;
static Thread *current;
static Thread threads[kThreads];
static Fiber fibers[kThreads];
static Fiber *idle[kThreads];
static uint idle_count, fiber_count;
static uint size; // threads of this threadgroup
static uint order[kThreads];
static uint next, last; // of order: the threads to start
static Exchange exchange[kThreads / kLanes];
static struct Array { uint at, bytes; } arrays[kArrays]; // in threadgroup memory: the host's, then the kernel's own
static char *shared;                                       // threadgroup memory
static uint shared_used, shared_total;                     // with and without gaps
static bool failed;
static Place base; // of the threadgroup
static pid_t runner; // the thread of the CPU that runs a dispatch, 0 if none
static ulong random_state;
static Races races;
static struct { const char *name; uint begin; } *interval; // the dispatches between two barriers
static uint interval_count, interval_room;

static void fail(const char *what, ulong a, ulong b) {
    if (!failed) snprintf(launch->error, sizeof launch->error, what, a, b);
    failed = true;
}

static void place(uint i) {
    Place &p = threads[i].place;
    p = base;
    uint x = base.group_size.x, y = base.group_size.y;
    p.index = i;
    p.in_group = {i % x, i / x % y, i / (x * y)};
    p.in_grid = {p.group.x * p.full_size.x + p.in_group.x, p.group.y * p.full_size.y + p.in_group.y,
                 p.group.z * p.full_size.z + p.in_group.z};
}

// fiber_main runs threads, one after the other, until there are none to start. One that waits keeps the fiber.
static void fiber_main() {
    for (;;) {
        Fiber *f = running;
        while (next < last && !failed) {
            Thread &t = threads[order[next++]];
            t.fiber = f;
            current = &t;
            place(&t - threads);
            entry->body(*launch, t.place);
            t.state = kDone;
        }
        idle[idle_count++] = f;
        sim_switch(&f->sp, scheduler);
    }
}

// reset makes a fiber begin anew. Its stack is shifted a little, or all would compete for the same lines of the cache.
static void reset(Fiber *f) {
    uintptr_t *top = (uintptr_t *)(f->stack + kStack - ((f - fibers) * 448 & 0x3fc0));
    top -= kSaved + 1;
    memset(top, 0, (kSaved + 1) * sizeof *top);
    top[kReturn] = (uintptr_t)&fiber_main;
    f->sp = top;
}

static Fiber *take_fiber() {
    if (idle_count) return idle[--idle_count];
    Fiber *f = &fibers[fiber_count++];
    f->stack = (char *)mmap(0, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(f->stack, kPage, PROT_NONE);
    reset(f);
    return f;
}

static void resume(Fiber *f) {
    running = f;
    sim_switch(&scheduler, f->sp);
    running = nullptr;
}

static void wait(State state, uint flags, const void *site) {
    current->state = state;
    current->flags = flags;
    current->site = site;
    sim_switch(&running->sp, scheduler);
}

static ulong draw(ulong below) {
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (random_state >> 33) % below;
}

// arrange puts n numbers from first on into the order of the launch.
static void arrange(uint *a, uint n, uint first) {
    for (uint i = 0; i < n; i++) a[i] = launch->order == 1 ? first + n - 1 - i : first + i;
    if (launch->order < 2) return;
    for (uint i = n; i > 1; i--) {
        uint j = draw(i), x = a[i - 1];
        a[i - 1] = a[j];
        a[j] = x;
    }
}

// release lets the threads of a SIMD group go on that have come to the same SIMD function. Of several it is the one that
// comes first in the code, so that its threads catch up with the others.
static bool release(uint simd, uint lo, uint hi) {
    const void *site = nullptr;
    for (uint i = lo; i < hi; i++)
        if (threads[i].state == kInSimd && (!site || threads[i].site < site)) site = threads[i].site;
    if (!site) return false;
    Exchange &x = exchange[simd];
    memset(&x, 0xff, sizeof x); // what a thread takes from one that is not there is NaN
    x.mask = 0;
    for (uint i = lo; i < hi; i++) {
        Thread &t = threads[i];
        if (t.state != kInSimd || t.site != site) continue;
        if (!x.mask) races.simd_barrier(simd, t.flags);
        x.mask |= 1u << (i - lo);
        memcpy(x.value[i - lo], t.offer, sizeof t.offer);
        t.state = kReady;
    }
    if (launch->whole) sim_whole(&x);
    return true;
}

// run_simd runs a SIMD group until all its threads are done or at a barrier.
static void run_simd(uint simd) {
    uint lo = simd * kLanes, hi = lo + kLanes < size ? lo + kLanes : size;
    if (threads[lo].state == kNew) {
        arrange(order, hi - lo, lo);
        next = 0, last = hi - lo;
        while (next < last && !failed) resume(take_fiber());
    }
    do {
        arrange(order, hi - lo, lo);
        next = last = 0;
        for (uint k = 0; k < hi - lo && !failed; k++) {
            Thread &t = threads[order[k]];
            if (t.state != kReady) continue;
            current = &t;
            resume(t.fiber);
        }
    } while (!failed && release(simd, lo, hi));
}

// at_barrier checks that all threads have come to the same barrier, and lets them go on. It returns false when all are done.
static bool at_barrier() {
    uint waiting = 0, done = 0;
    const void *site = nullptr;
    for (uint i = 0; i < size; i++) {
        Thread &t = threads[i];
        if (t.state == kDone) {
            done++;
            continue;
        }
        if (site && t.site != site) fail("threads wait at different barriers: %lu of %lu have come to the first one", waiting, size);
        site = t.site;
        if (!waiting++) races.barrier(t.flags);
        t.state = kReady;
    }
    if (waiting && done) fail("a barrier is not reached by all threads: %lu wait, %lu have ended", waiting, done);
    return waiting;
}

static void run_waiting_group() {
    uint simds = (size + kLanes - 1) / kLanes, turn[kThreads / kLanes];
    for (uint i = 0; i < size; i++) threads[i].state = kNew;
    do {
        arrange(turn, simds, 0);
        for (uint i = 0; i < simds && !failed; i++) run_simd(turn[i]);
    } while (!failed && at_barrier());
}

static void run_plain_group() {
    arrange(order, size, 0);
    next = 0, last = size;
    resume(take_fiber());
}

// array returns an array of the threadgroup. It begins as NaN, and behind it is a gap that nobody may write to.
static void *array(uint i, uint bytes) {
    Array &a = arrays[i];
    if (!a.bytes && bytes) {
        shared_total += bytes;
        if (shared_total > launch->limit || shared_used + bytes + kGap + 15 > kShared) {
            fail("it takes %lu bytes of threadgroup memory, and there are %lu", shared_total, launch->limit);
            return shared;
        }
        a = {shared_used, bytes};
        uint all = (bytes + kGap + 15) & ~15u;
        memset(shared + a.at, 0xff, all);
        shared_used += all;
    }
    return shared + a.at;
}

static void check_gaps() {
    for (const Array &a : arrays) {
        if (!a.bytes) continue;
        for (uint i = a.at + a.bytes; i < a.at + a.bytes + kGap; i++)
            if (shared[i] != (char)0xff) return fail("it writes behind an array of %lu bytes in threadgroup memory, at byte %lu", a.bytes, i - a.at);
    }
}

// The group of a number, and how many threads it has: those at the edge of the grid may have less.
static void begin_group(uint number) {
    Place &p = base;
    p.group = {number % p.groups.x, number / p.groups.x % p.groups.y, number / (p.groups.x * p.groups.y)};
    auto rest = [](uint grid, uint group, uint full) { return grid - group * full < full ? grid - group * full : full; };
    p.group_size = {rest(p.grid.x, p.group.x, p.full_size.x), rest(p.grid.y, p.group.y, p.full_size.y),
                    rest(p.grid.z, p.group.z, p.full_size.z)};
    size = p.group_size.x * p.group_size.y * p.group_size.z;
    races.begin_group();
    memset(arrays, 0, sizeof arrays);
    shared_used = shared_total = 0;
    for (uint i = 0; i < kDynamic; i++)
        if (launch->dynamic[i]) array(i, launch->dynamic[i]);
}

static void run_groups() {
    auto count = [](uint grid, uint full) { return (grid + full - 1) / full; };
    const U3 &grid = launch->grid, &full = launch->threads;
    base = {};
    base.grid = grid, base.full_size = full;
    base.groups = {count(grid.x, full.x), count(grid.y, full.y), count(grid.z, full.z)};
    uint n = base.groups.x * base.groups.y * base.groups.z;
    uint *turn = (uint *)malloc(n * sizeof(uint));
    arrange(turn, n, 0);
    for (uint i = 0; i < n && !failed; i++) {
        begin_group(turn[i]);
        entry->waits ? run_waiting_group() : run_plain_group();
        if (!failed) check_gaps();
    }
    free(turn);
}

// begin_dispatch notes a dispatch, among those that no barrier is between.
static void begin_dispatch() {
    races.begin_dispatch(launch->joined);
    if (!launch->joined) interval_count = 0;
    if (interval_count == interval_room) {
        interval_room = 2 * interval_room + 16;
        interval = (decltype(interval))realloc((void *)interval, interval_room * sizeof *interval);
    }
    interval[interval_count++] = {entry->name, races.dispatch};
}

// nearest returns the buffer whose start is nearest to an address, -1 if there is none, and how far that is.
static int nearest(const void *at, long *distance) {
    int buffer = -1;
    for (int i = 0; i < kDynamic; i++) {
        long d = (const char *)at - (const char *)launch->buffers[i];
        if (launch->buffers[i] && (buffer < 0 || labs(d) < labs(*distance))) *distance = d, buffer = i;
    }
    return buffer;
}

// below returns the buffer that begins at an address or nearest below it.
static int below(const void *at, long *distance) {
    int buffer = -1;
    for (int i = 0; i < kDynamic; i++) {
        long d = (const char *)at - (const char *)launch->buffers[i];
        if (launch->buffers[i] && d >= 0 && (buffer < 0 || d < *distance)) *distance = d, buffer = i;
    }
    return buffer;
}

static void report_race(const void *p, const Access &old, bool in_shared) {
    if (failed) return;
    failed = true;
    uint mine = current->place.index, other = old.thread & kThreadMask;
    char *out = launch->error;
    if (in_shared) {
        uint i = 0;
        while (i + 1 < kArrays && (const char *)p >= shared + arrays[i].at + arrays[i].bytes) i++;
        snprintf(out, sizeof launch->error, "a race: threads %u and %u use byte %ld of a threadgroup's array of %u bytes, with no barrier between them",
                 other, mine, (long)((const char *)p - shared - arrays[i].at), arrays[i].bytes);
        return;
    }
    long byte = 0;
    int buffer = below(p, &byte);
    char who[120];
    if (old.epoch >= races.group && !(old.thread & kGroups)) {
        snprintf(who, sizeof who, "threads %u and %u of a threadgroup", other, mine);
    } else if (old.epoch >= races.dispatch) {
        snprintf(who, sizeof who, "two threadgroups");
    } else {
        uint i = interval_count - 1;
        while (i > 0 && interval[i].begin > old.epoch) i--;
        snprintf(who, sizeof who, "this kernel and %.80s, dispatched before,", interval[i].name);
    }
    snprintf(out, sizeof launch->error, "a race: %s use byte %ld of buffer %d, with no barrier between them", who, byte, buffer);
}

static struct sigaction before[NSIG];

// explain says what a fault was about.
static void explain(int sig, const siginfo_t *info) {
    const char *at = (const char *)info->si_addr;
    ulong x = current->place.in_grid.x, y = current->place.in_grid.y;
    if (sig == SIGFPE) return fail("an integer is divided by zero, by thread %lu, %lu of the grid", x, y);
    if (sig == SIGILL) return fail("it comes where the compiler saw no way, in thread %lu, %lu of the grid", x, y);
    if (info->si_code == SI_KERNEL || sig == SIGBUS) return fail("a misaligned access, or one by a wild pointer, by thread %lu, %lu of the grid", x, y);
    if (at >= running->stack && at < running->stack + kPage) return fail("a stack of more than %lu KiB in a thread", kStack >> 10, 0);
    long distance = 0;
    int buffer = nearest(at, &distance);
    if (buffer < 0 || labs(distance) > 1l << 40) return fail("an access at address %#lx, where no buffer is, by thread %lu of the grid", (ulong)at, x);
    if (failed) return;
    snprintf(launch->error, sizeof launch->error, "an access out of bounds, %ld bytes from the start of buffer %d, by thread %lu, %lu of the grid", distance, buffer, x, y);
    failed = true;
}

// on_fault ends the dispatch if it is the kernel that has faulted: it goes on where the scheduler waits for the fiber.
static void on_fault(int sig, siginfo_t *info, void *context) {
    if (!running || syscall(SYS_gettid) != runner) {
        const struct sigaction &old = before[sig];
        if (old.sa_flags & SA_SIGINFO) return old.sa_sigaction(sig, info, context);
        sigaction(sig, &old, nullptr);
        return;
    }
    explain(sig, info);
    auto &m = ((ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
    m.gregs[REG_RSI] = (greg_t)scheduler;
    m.gregs[REG_RIP] = (greg_t)&sim_resume;
#else
    m.regs[1] = (ulong)scheduler;
    m.pc = (ulong)&sim_resume;
#endif
}

static void begin() {
    shared = (char *)mmap(0, kShared + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(shared + kShared, kPage, PROT_NONE);
    struct sigaction a = {};
    a.sa_sigaction = on_fault;
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigfillset(&a.sa_mask);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (int sig : faults) sigaction(sig, &a, &before[sig]);
}

#define EXPORT __attribute__((visibility("default")))
extern "C" {

// sim_run runs a dispatch. One is run at a time.
EXPORT void sim_run(const Entry *e, Launch *l) {
    if (!shared) begin();
    launch = l, entry = e, failed = false, random_state = l->order;
    launch->error[0] = 0;
    begin_dispatch();
    runner = syscall(SYS_gettid);
    run_groups();
    runner = 0;
    if (!failed) return;
    idle_count = 0; // fibers that still wait, and the one that faulted, begin anew
    for (uint i = 0; i < fiber_count; i++) reset(idle[idle_count++] = &fibers[i]);
}

EXPORT void sim_barrier(uint flags, const void *site) { wait(kAtBarrier, flags, site); }
EXPORT void sim_simd_barrier(uint flags, const void *site) { wait(kInSimd, flags, site); }

EXPORT const Exchange *sim_exchange(const void *value, uint size, const void *site) {
    memcpy(current->offer, value, size);
    wait(kInSimd, 0, site);
    return &exchange[current->place.index / kLanes];
}

// What is on the thread's own stack, or of what SIMD functions exchange, is of no other thread.
EXPORT void sim_access(const void *p, uint size, bool writes) {
    const char *at = (const char *)p;
    if (at >= running->stack && at < running->stack + kStack) return;
    bool in_shared = at >= shared && at < shared + kShared;
    for (uint i = 0; i < size; i++)
        if (const Access *old = races.use(at + i, current->place.index, writes, in_shared)) return report_race(at + i, *old, in_shared);
}

EXPORT uint sim_lane() { return current->place.index % kLanes; }
EXPORT void *sim_shared(uint slot, uint size) { return array(kDynamic + slot, size); }
EXPORT void *sim_dynamic(uint index) {
    if (!launch->dynamic[index]) fail("threadgroup(%lu) has no length", index, 0);
    return array(index, launch->dynamic[index]);
}

EXPORT void sim_whole(const Exchange *x) {
    if (x->mask != ~0u) fail("a SIMD function is called by %lu threads of a SIMD group, not by all %lu", __builtin_popcount(x->mask), kLanes);
}

} // extern "C"

} // namespace sim
