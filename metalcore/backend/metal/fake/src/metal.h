// The objects of Metal, as the stand-in has them. The classes behind Metal's
// protocols have the protocol's name after Fake.
#pragma once
#include "foundation.h"
#include <condition_variable>
#include <cstring>

const int maxBindings = 31;

struct MTLDevice : Object {};

struct Mapping { // memory with a page behind it that nobody may touch
  char* base = nullptr;
  size_t size = 0;
  char* place(size_t bytes); // so that it ends at that page
  ~Mapping();
};

struct MTLHeapDescriptor : Object {
  uint64_t size = 0, storage = 2, hazards = 0;
  int64_t type = 0;
};
struct MTLHeap : Object {
  Mapping memory;
  char* bytes = nullptr;
  uint64_t size = 0, used = 0, options = 0;
  int64_t type = 0;
};

struct MTLBuffer : Object {
  Mapping memory;
  Ref<MTLHeap> heap;
  char* bytes = nullptr;
  uint64_t length = 0, options = 0;
  bool inPrivateStorage() { return (options >> 4 & 15) == 2; }
  bool untracked() { return (options >> 8 & 3) == 1; }
};

struct MTLCompileOptions : Object {
  uint64_t version = 0;
  int64_t math = 2, functions = 0; // fast, as Metal has it
  bool fast = true;
  bool safe() { return !fast || math == 0; }
};
struct MTLLibrary : Object {
  uint64_t id = 0;
  std::string text;
};
struct MTLFunction : Object {
  Ref<MTLLibrary> library;
  std::string name;
  uint64_t kernel = 0;
};
struct MTLBinaryArchiveDescriptor : Object {
  Ref<NSURL> url;
};
struct MTLBinaryArchive : Object {
  std::vector<std::string> entries;
};
struct MTLComputePipelineDescriptor : Object {
  Ref<MTLFunction> function;
  Ref<NSArray> archives;
  Ref<NSString> label;
};
struct MTLComputePipelineState : Object {
  Ref<MTLFunction> function;
  uint64_t threads = 0;
};

struct MTLEvent : Object {
  std::mutex m;
  std::condition_variable changed;
  uint64_t value = 0;
};
struct MTLResidencySetDescriptor : Object {};
struct MTLResidencySet : Object {
  std::vector<Ref<Object>> added, committed;
};

struct MTLCommandQueue : Object {
  std::vector<Ref<MTLResidencySet>> residency;
};
struct MTLCommandBufferDescriptor : Object {
  bool retained = true;
  uint64_t options = 0;
};

struct MTLCommandBufferEncoderInfo : Object {
  std::string label;
  std::vector<std::string> signposts;
  int64_t state = 3; // pending
};

struct MTLCommandEncoder;
struct Operation {
  std::shared_ptr<MTLCommandBufferEncoderInfo> pass; // what it belongs to
  std::string signpost;                              // only that, if not empty
  std::function<std::string()> run;                  // on the GPU; what it returns is an error
};

struct MTLCommandBuffer : Object {
  Ref<MTLCommandQueue> queue;
  bool retained = true;
  uint64_t options = 0;
  std::vector<Operation> operations;
  std::vector<std::shared_ptr<MTLCommandBufferEncoderInfo>> passes;
  std::vector<Ref<Object>> references;
  std::vector<Block*> handlers;
  MTLCommandEncoder* open = nullptr;
  Ref<NSString> label;
  Ref<NSError> error;
  std::mutex m;
  std::condition_variable ended;
  uint64_t status = 0;
  double begin = 0, end = 0;
  bool recording(const char* what); // false, and a report, once committed
  void use(Object* o) { if (retained) references.push_back(o); }
  void commit();
  void wait();
  ~MTLCommandBuffer();
};
MTLCommandBuffer* newCommandBuffer(MTLCommandQueue* q, bool retained); // with one owner
void addHandler(MTLCommandBuffer* c, Block* b);

struct MTLCommandEncoder : Object {
  MTLCommandBuffer* buffer = nullptr;
  std::shared_ptr<MTLCommandBufferEncoderInfo> pass;
  bool ended = false;
  bool usable(const char* what);
  void begin(MTLCommandBuffer* c);
  virtual void flush() {}
  ~MTLCommandEncoder();
};

struct MPSCommandBuffer : Object {
  Ref<MTLCommandBuffer> first, root;
  void commitAndContinue();
};

// checkBuffer says what is wrong with a buffer that an operation uses now.
std::string checkBuffer(MTLBuffer* b);

// What runs kernels: the program under test brings a compiler.
extern uint64_t (*compileText)(const char* text, char* error, uint64_t size);
extern uint64_t (*findKernel)(uint64_t library, const char* name);
extern void (*runKernel)(uint64_t kernel, void** buffers, uint64_t* lengths, uint64_t* sizes, char* error, uint64_t size);
