#include "metal.h"
#include <sys/mman.h>
#include <unistd.h>

char* Mapping::place(size_t bytes) {
  size_t page = sysconf(_SC_PAGESIZE), aligned = (bytes + 31) & ~size_t(31);
  size = (aligned + page - 1) / page * page + page;
  base = (char*)mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(base + size - page, page, PROT_NONE);
  return base + size - page - aligned;
}

Mapping::~Mapping() {
  if (base) munmap(base, size);
}

std::string checkBuffer(MTLBuffer* b) {
  if (alive(b)) return "";
  report("a buffer was deallocated before the GPU used it");
  return "invalid resource";
}

static MTLBuffer* newBuffer(uint64_t length, uint64_t options) {
  if (length == 0 || length > (uint64_t)knob("maxBuffer")) {
    wouldAbort("a buffer of %lu bytes", length);
    return nullptr;
  }
  if (fault("alloc")) return nullptr;
  auto* b = make<MTLBuffer>();
  b->length = length;
  b->options = options;
  return b;
}

static MTLBuffer* newFromHeap(MTLHeap* h, uint64_t length, uint64_t options, uint64_t offset) {
  if (offset + length > h->size) return nullptr;
  auto* b = newBuffer(length, options);
  if (!b) return nullptr;
  b->heap = h;
  b->bytes = h->bytes + offset;
  return b;
}

static void defineHeaps() {
  define<MTLHeapDescriptor>("MTLHeapDescriptor")
      .method("-setSize:", [](MTLHeapDescriptor* d, SEL, uint64_t n) { d->size = n; })
      .method("-setType:", [](MTLHeapDescriptor* d, SEL, int64_t t) { d->type = t; })
      .method("-setStorageMode:", [](MTLHeapDescriptor* d, SEL, uint64_t m) { d->storage = m; })
      .method("-setHazardTrackingMode:", [](MTLHeapDescriptor* d, SEL, uint64_t m) { d->hazards = m; });
  define<MTLHeap>("FakeMTLHeap")
      .method("-newBufferWithLength:options:",
              [](MTLHeap* h, SEL, uint64_t n, uint64_t options) -> MTLBuffer* {
                if (h->type != 0) {
                  wouldAbort("a buffer without an offset from a placement heap");
                  return nullptr;
                }
                auto* b = newFromHeap(h, n, options, h->used);
                if (b) h->used += (n + 255) & ~255ul;
                return b;
              })
      .method("-newBufferWithLength:options:offset:", [](MTLHeap* h, SEL, uint64_t n, uint64_t options, uint64_t offset) -> MTLBuffer* {
        if (h->type != 1 || offset % 256) {
          wouldAbort("a buffer at offset %lu of a heap of type %ld", offset, h->type);
          return nullptr;
        }
        return newFromHeap(h, n, options, offset);
      });
  Definer{classOf<MTLDevice>()}.method("-newHeapWithDescriptor:", [](MTLDevice*, SEL, MTLHeapDescriptor* d) -> MTLHeap* {
    if (d->size == 0) {
      wouldAbort("a heap of no size");
      return nullptr;
    }
    if (fault("alloc")) return nullptr;
    auto* h = make<MTLHeap>();
    h->size = d->size;
    h->type = d->type;
    h->options = d->storage << 4 | d->hazards << 8;
    h->bytes = h->memory.place(d->size);
    return h;
  });
}

void defineBuffers() {
  define<MTLBuffer>("FakeMTLBuffer")
      .method("-contents", [](MTLBuffer* b, SEL) -> void* { return b->inPrivateStorage() ? nullptr : b->bytes; })
      .method("-length", [](MTLBuffer* b, SEL) { return b->length; });
  Definer{classOf<MTLDevice>()}
      .method("-newBufferWithLength:options:",
              [](MTLDevice*, SEL, uint64_t n, uint64_t options) {
                auto* b = newBuffer(n, options);
                if (b) b->bytes = b->memory.place(n);
                return b;
              })
      .method("-newBufferWithBytesNoCopy:length:options:deallocator:",
              [](MTLDevice*, SEL, void* p, uint64_t n, uint64_t options, Block* free) -> MTLBuffer* {
                uint64_t page = sysconf(_SC_PAGESIZE);
                if (!p || (uint64_t)p % page || n % page || n == 0) {
                  wouldAbort("memory at %p of %lu bytes is not whole pages", p, n);
                  return nullptr;
                }
                auto* b = newBuffer(n, options);
                if (b) b->bytes = (char*)p;
                return b;
              });
  defineHeaps();
}
