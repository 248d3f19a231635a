#include "metal.h"

uint64_t (*compileText)(const char*, char*, uint64_t);
uint64_t (*findKernel)(uint64_t, const char*);
void (*runKernel)(uint64_t, void**, uint64_t*, uint64_t*, char*, uint64_t);

EXPORT void fake_compiler(void* compile, void* find, void* run) {
  *(void**)&compileText = compile;
  *(void**)&findKernel = find;
  *(void**)&runKernel = run;
}

static MTLDevice* theDevice() { // with one owner more
  static MTLDevice* d;
  if (!d || !alive(d)) return d = make<MTLDevice>();
  return (MTLDevice*)retain(d);
}

EXPORT MTLDevice* MTLCreateSystemDefaultDevice() { return knob("devices") > 0 ? theDevice() : nullptr; }

EXPORT NSArray* MTLCopyAllDevices() {
  auto* all = make<NSArray>();
  for (long i = knob("devices"); i > 0; i--) {
    MTLDevice* d = theDevice();
    all->items.push_back(d);
    release(d);
  }
  return all;
}

static bool hasFamily(int64_t family) {
  long newest = knob("family"); // of Apple's; 0: none
  if (family > 1000 && family < 2000) return family <= newest;
  return family == 5001 && newest >= 1007;
}

void defineDevice() {
  define<MTLDevice>("FakeMTLDevice")
      .method("-name", [](MTLDevice*, SEL) { return autorelease(newString("Fake GPU")); })
      .method("-maxBufferLength", [](MTLDevice*, SEL) { return (uint64_t)knob("maxBuffer"); })
      .method("-recommendedMaxWorkingSetSize", [](MTLDevice*, SEL) { return (uint64_t)knob("workingSet"); })
      .method("-maxThreadgroupMemoryLength", [](MTLDevice*, SEL) { return (uint64_t)knob("threadgroupMemory"); })
      .method("-hasUnifiedMemory", [](MTLDevice*, SEL) { return true; })
      .method("-supportsFamily:", [](MTLDevice*, SEL, int64_t f) { return hasFamily(f); })
      .method("-newCommandQueue", [](MTLDevice*, SEL) { return fault("queue") ? nullptr : make<MTLCommandQueue>(); });
}
