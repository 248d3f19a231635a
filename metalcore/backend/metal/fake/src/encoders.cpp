#include "metal.h"
#include <algorithm>

void MTLCommandEncoder::begin(MTLCommandBuffer* c) {
  buffer = c;
  pass = std::make_shared<MTLCommandBufferEncoderInfo>();
  if (!c->recording("an encoder")) return;
  if (c->open) wouldAbort("a second encoder while one is open");
  c->open = this;
  c->passes.push_back(pass);
}

bool MTLCommandEncoder::usable(const char* what) {
  if (!ended) return true;
  wouldAbort("%s after endEncoding", what);
  return false;
}

MTLCommandEncoder::~MTLCommandEncoder() {
  if (!ended) wouldAbort("an encoder was deallocated without endEncoding");
}

struct Bindings {
  MTLComputePipelineState* pipeline = nullptr;
  MTLBuffer* buffers[maxBindings] = {};
  uint64_t offsets[maxBindings] = {};
  std::string bytes[maxBindings];
};

struct MTLComputeCommandEncoder : MTLCommandEncoder {
  bool concurrent = false;
  Bindings now;
  std::vector<Operation> batch; // what may run in any order
  void flush() override {
    uint32_t order = knob("order"), r = order * 2654435761u + 12345;
    for (size_t i = batch.size(); i > 1 && order; i--) {
      r = r * 1664525u + 1013904223u;
      std::swap(batch[i - 1], batch[(r >> 8) % i]);
    }
    for (auto& op : batch) buffer->operations.push_back(op);
    batch.clear();
  }
  void dispatch(MTLSize groups, MTLSize threads);
};

// checkResident finds a buffer that a residency set of the queue was to have.
static void checkResident(MTLCommandQueue* q, MTLBuffer* b) {
  if (q->residency.empty()) return;
  for (auto& set : q->residency)
    for (auto& o : set->committed)
      if (o.p == b) return;
  report("a buffer is used that no residency set has, or whose set was not committed");
}

// launch runs a kernel with what was bound when it was dispatched.
static std::string launch(MTLCommandQueue* q, Bindings& b, MTLSize groups, MTLSize threads) {
  if (!alive(b.pipeline)) {
    report("a pipeline was deallocated before the GPU used it");
    return "invalid resource";
  }
  void* buffers[maxBindings] = {};
  uint64_t lengths[maxBindings] = {};
  for (int i = 0; i < maxBindings; i++) {
    if (MTLBuffer* m = b.buffers[i]) {
      std::string bad = checkBuffer(m);
      if (!bad.empty()) return bad;
      checkResident(q, m);
      buffers[i] = m->bytes + b.offsets[i];
      lengths[i] = m->length - b.offsets[i];
    } else if (!b.bytes[i].empty()) {
      buffers[i] = &b.bytes[i][0];
      lengths[i] = b.bytes[i].size();
    }
  }
  uint64_t sizes[6] = {groups.width, groups.height, groups.depth, threads.width, threads.height, threads.depth};
  char error[1000] = "";
  runKernel(b.pipeline->function->kernel, buffers, lengths, sizes, error, sizeof error);
  if (error[0]) report("kernel %s: %s", b.pipeline->function->name.c_str(), error);
  return error;
}

void MTLComputeCommandEncoder::dispatch(MTLSize groups, MTLSize threads) {
  if (!usable("a dispatch")) return;
  if (!now.pipeline) return wouldAbort("a dispatch without a pipeline");
  uint64_t n = threads.width * threads.height * threads.depth;
  if (n == 0 || n > now.pipeline->threads) return wouldAbort("threadgroups of %lu threads, of %lu allowed", n, now.pipeline->threads);
  if (groups.width * groups.height * groups.depth == 0) return wouldAbort("a dispatch of no threadgroups");
  buffer->use(now.pipeline);
  for (auto* b : now.buffers) buffer->use(b);
  auto bound = std::make_shared<Bindings>(now);
  MTLCommandQueue* q = buffer->queue;
  batch.push_back({pass, "", [=] { return launch(q, *bound, groups, threads); }});
  if (!concurrent) flush();
}

static MTLComputeCommandEncoder* newEncoder(MTLCommandBuffer* c, bool concurrent) {
  if (fault("encoder")) return nullptr;
  auto* e = make<MTLComputeCommandEncoder>();
  e->begin(c);
  e->concurrent = concurrent;
  return autorelease(e);
}

typedef MTLComputeCommandEncoder Compute;

static void setBuffer(Compute* e, SEL, MTLBuffer* b, uint64_t offset, uint64_t i) {
  if (!e->usable("setBuffer:")) return;
  if (i >= maxBindings) return wouldAbort("buffer index %lu", i);
  if (b && !alive(b)) return report("a deallocated buffer is bound");
  if (b && offset >= b->length) return wouldAbort("offset %lu of a buffer of %lu bytes", offset, b->length);
  e->now.buffers[i] = b;
  e->now.offsets[i] = offset;
  e->now.bytes[i].clear();
}

static void setBytes(Compute* e, SEL, const void* p, uint64_t n, uint64_t i) {
  if (!e->usable("setBytes:")) return;
  if (n == 0 || n > 4096 || i >= maxBindings) return wouldAbort("setBytes: of %lu bytes at index %lu", n, i);
  e->now.buffers[i] = nullptr;
  e->now.bytes[i].assign((const char*)p, n);
}

static void endEncoding(MTLCommandEncoder* e, SEL) {
  if (!e->usable("endEncoding")) return;
  e->flush();
  e->ended = true;
  e->buffer->open = nullptr;
}

static void barrier(Compute* e) {
  if (e->usable("a barrier")) e->flush();
}

static void signpost(MTLCommandEncoder* e, NSString* s) {
  // It is met in the order of the encoding, so what was dispatched before keeps its place.
  e->flush();
  e->buffer->operations.push_back({e->pass, s->text, nullptr});
}

static void defineCompute() {
  define<Compute>("FakeMTLComputeCommandEncoder", "FakeMTLCommandEncoder")
      .method("-setComputePipelineState:", [](Compute* e, SEL, MTLComputePipelineState* p) { e->now.pipeline = p; })
      .method("-setBuffer:offset:atIndex:", setBuffer)
      .method("-setBytes:length:atIndex:", setBytes)
      .method("-dispatchThreadgroups:threadsPerThreadgroup:", [](Compute* e, SEL, MTLSize g, MTLSize t) { e->dispatch(g, t); })
      .method("-memoryBarrierWithScope:",
              [](Compute* e, SEL, uint64_t scope) {
                if (scope == 0) wouldAbort("a barrier without a scope");
                barrier(e);
              })
      .method("-memoryBarrierWithResources:count:", [](Compute* e, SEL, Object**, uint64_t) { barrier(e); });
  Definer{classOf<MTLCommandBuffer>()}.method("-computeCommandEncoderWithDispatchType:",
                                              [](MTLCommandBuffer* c, SEL, uint64_t type) { return newEncoder(c, type == 1); });
}

struct MTLBlitCommandEncoder : MTLCommandEncoder {};
typedef MTLBlitCommandEncoder Blit;

static bool inside(MTLBuffer* b, uint64_t offset, uint64_t n) {
  if (offset <= b->length && n <= b->length - offset && n > 0) return true;
  wouldAbort("a blit of %lu bytes at %lu of a buffer of %lu", n, offset, b->length);
  return false;
}

static void copy(Blit* e, SEL, MTLBuffer* from, uint64_t at, MTLBuffer* to, uint64_t toAt, uint64_t n) {
  if (!e->usable("a copy") || !inside(from, at, n) || !inside(to, toAt, n)) return;
  e->buffer->use(from);
  e->buffer->use(to);
  e->buffer->operations.push_back({e->pass, "", [=] {
                                     std::string bad = checkBuffer(from) + checkBuffer(to);
                                     if (bad.empty()) memcpy(to->bytes + toAt, from->bytes + at, n);
                                     return bad;
                                   }});
}

static void fill(Blit* e, SEL, MTLBuffer* b, NSRange r, uint8_t value) {
  if (!e->usable("a fill") || !inside(b, r.location, r.length)) return;
  e->buffer->use(b);
  e->buffer->operations.push_back({e->pass, "", [=] {
                                     std::string bad = checkBuffer(b);
                                     if (bad.empty()) memset(b->bytes + r.location, value, r.length);
                                     return bad;
                                   }});
}

void defineEncoders() {
  define<MTLCommandEncoder>("FakeMTLCommandEncoder")
      .method("-endEncoding", endEncoding)
      .method("-setLabel:", [](MTLCommandEncoder* e, SEL, NSString* s) { e->pass->label = s->text; })
      .method("-insertDebugSignpost:", [](MTLCommandEncoder* e, SEL, NSString* s) { signpost(e, s); });
  defineCompute();
  define<Blit>("FakeMTLBlitCommandEncoder", "FakeMTLCommandEncoder")
      .method("-copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", copy)
      .method("-fillBuffer:range:value:", fill);
  Definer{classOf<MTLCommandBuffer>()}.method("-blitCommandEncoder", [](MTLCommandBuffer* c, SEL) -> Blit* {
    if (fault("blit")) return nullptr;
    auto* e = make<Blit>();
    e->begin(c);
    return autorelease(e);
  });
}
