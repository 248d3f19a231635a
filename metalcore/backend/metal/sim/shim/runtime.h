// What kernels and the runtime that runs them know of each other.
#pragma once
typedef unsigned int uint;
typedef unsigned short ushort;
typedef unsigned char uchar;
typedef unsigned long ulong;

namespace sim {

struct U3 { uint x, y, z; };

// Launch is one dispatch. The Go side has the same struct.
struct Launch {
    void *const *buffers;   // 31 of them
    const uint *dynamic;    // bytes of threadgroup memory that the host gives, 31 of them
    U3 grid, threads;       // threads in all, and of a threadgroup
    uint limit;             // bytes of threadgroup memory
    uint whole;             // SIMD functions must be called by all threads of a SIMD group
    uint joined;            // no barrier is between it and the dispatch before
    uint unused;
    ulong order;            // 0 forward, 1 backward, else the seed of a shuffle
    char error[256];        // out
};

// Place is where a thread stands.
struct Place {
    U3 in_grid, in_group, group, group_size, grid, groups, full_size;
    uint index;
};

// Entry is a kernel: its body for one thread, and whether threads wait for each other in it.
struct Entry {
    void (*body)(const Launch &, const Place &);
    const char *name;
    uint waits;
};

// Exchange is what the threads of a SIMD group have offered to each other.
struct Exchange {
    uint mask; // of the threads that take part
    alignas(16) char value[32][64];
};

// The compiler may not copy a call that threads come to together: there would be two for them to come to.
#define SIM_TOGETHER __attribute__((convergent, nomerge))

extern "C" {
SIM_TOGETHER void sim_barrier(uint flags, const void *site);
SIM_TOGETHER void sim_simd_barrier(uint flags, const void *site);
// sim_exchange offers up to 64 bytes, and returns what all have offered once they have come here.
SIM_TOGETHER const Exchange *sim_exchange(const void *value, uint size, const void *site);
uint sim_lane();
void *sim_shared(uint slot, uint size); // an array in threadgroup memory
void *sim_dynamic(uint index);          // threadgroup memory that the host gives
void sim_whole(const Exchange *x);      // complains if not all 32 threads take part
void sim_access(const void *p, uint size, bool writes); // tells of an access, by what is watched
}

} // namespace sim
