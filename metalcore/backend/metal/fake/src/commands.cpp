#include "metal.h"
#include <chrono>
#include <deque>
#include <thread>

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool MTLCommandBuffer::recording(const char* what) {
  if (status < 2) return true;
  wouldAbort("%s after the command buffer was committed", what);
  return false;
}

MTLCommandBuffer::~MTLCommandBuffer() {
  if (status >= 2 && status < 4) report("a command buffer was deallocated before it completed");
}

MTLCommandBuffer* newCommandBuffer(MTLCommandQueue* q, bool retained) {
  auto* c = make<MTLCommandBuffer>();
  c->queue = q;
  c->retained = retained;
  return c;
}

void addHandler(MTLCommandBuffer* c, Block* b) {
  if (c->recording("addCompletedHandler:")) c->handlers.push_back(b);
}

// fail ends a command buffer with an error, as the driver reports it.
static void fail(MTLCommandBuffer* c, int64_t code, const std::string& text, MTLCommandBufferEncoderInfo* at) {
  NSError* e = newError("MTLCommandBufferErrorDomain", code, text);
  if (c->options & 1) { // MTLCommandBufferErrorOptionEncoderExecutionStatus
    auto* list = make<NSArray>();
    for (auto& pass : c->passes) {
      auto* info = make<MTLCommandBufferEncoderInfo>();
      info->label = pass->label;
      info->signposts = pass->signposts;
      info->state = pass.get() == at ? 4 : pass->state; // faulted
      list->items.push_back(info);
      release(info);
    }
    NSString* key = newString("MTLCommandBufferEncoderInfoErrorKey");
    e->info = make<NSMutableDictionary>();
    release(e->info);
    e->info->items.push_back({key, list});
    release(key);
    release(list);
  }
  c->error = e;
  release(e);
}

static void execute(MTLCommandBuffer* c) {
  MTLCommandBufferEncoderInfo* last = nullptr;
  if (fault("lost")) setKnob("lost", 1); // and so it stays
  if (knob("lost")) return fail(c, 11, "Device removed", nullptr);
  std::string error;
  for (auto& op : c->operations) {
    if (last && op.pass.get() != last) last->state = 1; // completed
    last = op.pass.get();
    if (!op.signpost.empty()) {
      last->signposts.push_back(op.signpost);
      continue;
    }
    error = op.run();
    if (!error.empty()) return fail(c, 9, error, last);
  }
  if (fault("commit")) return fail(c, 2, "Caused GPU Timeout Error", last);
  if (last) last->state = 1;
}

// The GPU is a thread that takes command buffers as they come. What it waits for
// is never destroyed: it waits for it also when the process ends.
static auto& committed = *new std::deque<MTLCommandBuffer*>;
static auto& gate = *new std::mutex;
static auto& arrived = *new std::condition_variable;
static auto& idle = *new std::condition_variable;
static long unfinished;

void waitForGPU() {
  std::unique_lock<std::mutex> l(gate);
  idle.wait(l, [] { return unfinished == 0; });
}

// complete runs a command buffer and tells of its end.
static void complete(MTLCommandBuffer* c) {
  Pool pool;
  c->begin = now();
  execute(c);
  c->operations.clear();
  c->references.clear();
  {
    std::lock_guard<std::mutex> l(c->m);
    c->end = now();
    c->status = c->error ? 5 : 4;
  }
  for (Block* b : c->handlers) b->invoke(b, c);
  {
    std::lock_guard<std::mutex> l(c->m);
    c->ended.notify_all();
  }
  release(c);
}

static void gpu() {
  for (;;) {
    MTLCommandBuffer* c;
    {
      std::unique_lock<std::mutex> l(gate);
      arrived.wait(l, [] { return !committed.empty(); });
      c = committed.front();
      committed.pop_front();
    }
    complete(c);
    std::lock_guard<std::mutex> l(gate);
    if (--unfinished == 0) idle.notify_all();
  }
}

void MTLCommandBuffer::commit() {
  if (open) wouldAbort("commit command buffer with uncommitted encoder");
  if (!recording("commit")) return;
  status = 2;
  retain(this);
  static bool started;
  std::lock_guard<std::mutex> l(gate);
  if (!started) std::thread(gpu).detach();
  started = true;
  committed.push_back(this);
  unfinished++;
  arrived.notify_one();
}

void MTLCommandBuffer::wait() {
  if (status < 2) return wouldAbort("waitUntilCompleted before commit: it would never return");
  std::unique_lock<std::mutex> l(m);
  ended.wait(l, [this] { return status >= 4; });
}

static MTLCommandBuffer* vend(MTLCommandQueue* q, bool retained, uint64_t options) {
  if (fault("commandBuffer")) return nullptr;
  auto* c = newCommandBuffer(q, retained);
  c->options = options;
  return autorelease(c);
}

extern "C" {
__attribute__((visibility("default"))) NSString* MTLCommandBufferEncoderInfoErrorKey; // it is not counted
}

static void defineErrors() {
  MTLCommandBufferEncoderInfoErrorKey = new NSString;
  MTLCommandBufferEncoderInfoErrorKey->isa = classOf<NSString>();
  MTLCommandBufferEncoderInfoErrorKey->text = "MTLCommandBufferEncoderInfoErrorKey";
  define<MTLCommandBufferEncoderInfo>("FakeMTLCommandBufferEncoderInfo")
      .method("-label", [](MTLCommandBufferEncoderInfo* i, SEL) { return autorelease(newString(i->label)); })
      .method("-errorState", [](MTLCommandBufferEncoderInfo* i, SEL) { return i->state; })
      .method("-debugSignposts", [](MTLCommandBufferEncoderInfo* i, SEL) {
        std::vector<Object*> all;
        for (auto& s : i->signposts) all.push_back(newString(s));
        NSArray* a = newArray(all);
        for (Object* s : all) release(s);
        return autorelease(a);
      });
}

void defineCommands() {
  define<MTLCommandBufferDescriptor>("MTLCommandBufferDescriptor")
      .method("-setRetainedReferences:", [](MTLCommandBufferDescriptor* d, SEL, bool on) { d->retained = on; })
      .method("-setErrorOptions:", [](MTLCommandBufferDescriptor* d, SEL, uint64_t o) { d->options = o; });
  define<MTLCommandQueue>("FakeMTLCommandQueue")
      .method("-commandBuffer", [](MTLCommandQueue* q, SEL) { return vend(q, true, 0); })
      .method("-commandBufferWithUnretainedReferences", [](MTLCommandQueue* q, SEL) { return vend(q, false, 0); })
      .method("-commandBufferWithDescriptor:",
              [](MTLCommandQueue* q, SEL, MTLCommandBufferDescriptor* d) { return vend(q, d->retained, d->options); })
      .method("-addResidencySet:", [](MTLCommandQueue* q, SEL, MTLResidencySet* s) { q->residency.push_back(s); }, 15);
  define<MTLCommandBuffer>("FakeMTLCommandBuffer")
      .method("-addCompletedHandler:", [](MTLCommandBuffer* c, SEL, Block* b) { addHandler(c, b); })
      .method("-commit", [](MTLCommandBuffer* c, SEL) { c->commit(); })
      .method("-waitUntilCompleted", [](MTLCommandBuffer* c, SEL) { c->wait(); })
      .method("-status", [](MTLCommandBuffer* c, SEL) { return c->status; })
      .method("-error", [](MTLCommandBuffer* c, SEL) { return c->error.p; })
      .method("-retainedReferences", [](MTLCommandBuffer* c, SEL) { return c->retained; })
      .method("-setLabel:", [](MTLCommandBuffer* c, SEL, NSString* s) { c->label = s; })
      .method("-kernelStartTime", [](MTLCommandBuffer* c, SEL) { return c->begin; })
      .method("-kernelEndTime", [](MTLCommandBuffer* c, SEL) { return c->end; })
      .method("-GPUStartTime", [](MTLCommandBuffer* c, SEL) { return c->begin; })
      .method("-GPUEndTime", [](MTLCommandBuffer* c, SEL) { return c->end; });
  defineErrors();
}
