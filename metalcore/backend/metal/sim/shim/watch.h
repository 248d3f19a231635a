// What clang calls before each access when it is told to watch threads: the names are of its own runtime. Atomics are
// volatile accesses, and race with nothing.
#pragma once
#include "runtime.h"

#define SIM_HOOK(name) extern "C" __attribute__((visibility("hidden"), no_sanitize("thread"))) void __tsan_##name
#define SIM_HOOKS(kind, n, writes) \
    SIM_HOOK(kind##n)(void *p) { sim::sim_access(p, n, writes); } \
    SIM_HOOK(unaligned_##kind##n)(void *p) { sim::sim_access(p, n, writes); } \
    SIM_HOOK(volatile_##kind##n)(void *) {} \
    SIM_HOOK(unaligned_volatile_##kind##n)(void *) {}
SIM_HOOKS(read, 1, 0) SIM_HOOKS(read, 2, 0) SIM_HOOKS(read, 4, 0) SIM_HOOKS(read, 8, 0) SIM_HOOKS(read, 16, 0)
SIM_HOOKS(write, 1, 1) SIM_HOOKS(write, 2, 1) SIM_HOOKS(write, 4, 1) SIM_HOOKS(write, 8, 1) SIM_HOOKS(write, 16, 1)
SIM_HOOK(init)() {}
#undef SIM_HOOKS
#undef SIM_HOOK
