package cpu

// unknownMemory bounds allocations where the system does not tell its memory.
const unknownMemory = 16 << 30
