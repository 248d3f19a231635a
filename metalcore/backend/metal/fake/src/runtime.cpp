#include "runtime.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <set>
#include <unordered_set>

namespace {
std::recursive_mutex lock;
std::set<std::string> selectors;
std::map<std::string, Class*> classes;
std::map<std::string, long> live;
std::unordered_set<const void*> living;
std::unordered_map<const void*, std::string> buried; // names of the classes of what was freed last
std::deque<void*> graveyard;
std::vector<std::string> reports;
std::map<std::string, long> knobs;
struct Fault {
  long skip, count;
};
std::map<std::string, Fault> faults;
std::atomic<uint64_t> messages;

typedef std::lock_guard<std::recursive_mutex> Guard;

void note(const char* prefix, const char* format, va_list args) {
  char text[2000];
  vsnprintf(text, sizeof text, format, args);
  Guard g(lock);
  reports.push_back(std::string(prefix) + text);
}
} // namespace

void report(const char* format, ...) {
  va_list args;
  va_start(args, format);
  note("", format, args);
  va_end(args);
}

void wouldAbort(const char* format, ...) {
  va_list args;
  va_start(args, format);
  note("Metal would abort here: ", format, args);
  va_end(args);
}

bool fault(const char* kind) {
  Guard g(lock);
  auto i = faults.find(kind);
  if (i == faults.end()) return false;
  Fault& f = i->second;
  if (f.skip > 0) {
    f.skip--;
    return false;
  }
  if (f.count == 0) return false;
  if (f.count > 0) f.count--;
  return true;
}

long knob(const char* name) {
  Guard g(lock);
  return knobs[name];
}

void setKnob(const char* name, long value) {
  Guard g(lock);
  knobs[name] = value;
}

// --- classes and messages

SEL selector(const char* name) {
  Guard g(lock);
  return selectors.insert(name).first->c_str();
}

Class* findClass(const std::string& name) {
  Guard g(lock);
  auto i = classes.find(name);
  return i == classes.end() ? nullptr : i->second;
}

Class* defineClass(const char* name, const char* super) {
  Class *c = new Class, *meta = new Class;
  c->name = name;
  meta->name = std::string(name) + " class";
  c->isa = meta;
  if (super && *super) {
    c->super = findClass(super);
    meta->super = c->super->isa;
  }
  classes[name] = c;
  living.insert(c);
  living.insert(meta);
  return c;
}

static Method* find(Class* c, SEL s) {
  for (; c; c = c->super) {
    auto i = c->methods.find(s);
    if (i != c->methods.end()) return i->second.since <= knobs["macos"] ? &i->second : nullptr;
  }
  return nullptr;
}

bool responds(Class* c, SEL s) {
  Guard g(lock);
  return find(c, s) != nullptr;
}

static uint64_t nothing() { return 0; }

extern "C" IMP fake_lookup(Object* o, SEL s) {
  messages++;
  Guard g(lock);
  if (!living.count(o)) {
    auto i = buried.find(o);
    report("use after release: %s was sent to a deallocated %s", s, i == buried.end() ? "object" : i->second.c_str());
    return (IMP)nothing;
  }
  if (Method* m = find(o->isa, s)) return m->imp;
  wouldAbort("-[%s %s]: unrecognized selector", o->isa->name.c_str(), s);
  return (IMP)nothing;
}

// A message is a jump to the method, with all arguments where they were.
#if defined(__x86_64__)
asm(R"(
.text
.globl objc_msgSend
.type objc_msgSend,@function
objc_msgSend:
  test %rdi, %rdi
  jz 1f
  push %rdi; push %rsi; push %rdx; push %rcx; push %r8; push %r9
  sub $136, %rsp
  movups %xmm0, (%rsp);   movups %xmm1, 16(%rsp); movups %xmm2, 32(%rsp); movups %xmm3, 48(%rsp)
  movups %xmm4, 64(%rsp); movups %xmm5, 80(%rsp); movups %xmm6, 96(%rsp); movups %xmm7, 112(%rsp)
  call fake_lookup
  movups (%rsp), %xmm0;   movups 16(%rsp), %xmm1; movups 32(%rsp), %xmm2; movups 48(%rsp), %xmm3
  movups 64(%rsp), %xmm4; movups 80(%rsp), %xmm5; movups 96(%rsp), %xmm6; movups 112(%rsp), %xmm7
  add $136, %rsp
  pop %r9; pop %r8; pop %rcx; pop %rdx; pop %rsi; pop %rdi
  jmp *%rax
1:
  xor %eax, %eax; xor %edx, %edx; xorps %xmm0, %xmm0
  ret
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl objc_msgSend
.type objc_msgSend,%function
objc_msgSend:
  cbz x0, 1f
  stp x29, x30, [sp, #-224]!
  stp x0, x1, [sp, #16]; stp x2, x3, [sp, #32]; stp x4, x5, [sp, #48]; stp x6, x7, [sp, #64]
  str x8, [sp, #80]
  stp q0, q1, [sp, #96]; stp q2, q3, [sp, #128]; stp q4, q5, [sp, #160]; stp q6, q7, [sp, #192]
  bl fake_lookup
  mov x16, x0
  ldp x0, x1, [sp, #16]; ldp x2, x3, [sp, #32]; ldp x4, x5, [sp, #48]; ldp x6, x7, [sp, #64]
  ldr x8, [sp, #80]
  ldp q0, q1, [sp, #96]; ldp q2, q3, [sp, #128]; ldp q4, q5, [sp, #160]; ldp q6, q7, [sp, #192]
  ldp x29, x30, [sp], #224
  br x16
1:
  mov x1, #0
  movi v0.2d, #0
  ret
)");
#endif

// --- counts

bool alive(const void* o) {
  Guard g(lock);
  return living.count(o) > 0;
}

void adopt(Object* o, Class* isa) {
  Guard g(lock);
  o->isa = isa;
  live[isa->name]++;
  living.insert(o);
  buried.erase(o);
}

Object* retain(Object* o) {
  if (!o) return o;
  if (!alive(o)) report("retain of a deallocated object");
  else o->refs++;
  return o;
}

void release(Object* o) {
  if (!o) return;
  {
    Guard g(lock);
    if (!living.count(o)) {
      report("release of a deallocated %s", buried[o].c_str());
      return;
    }
    if (--o->refs > 0) return;
    live[o->isa->name]--;
    living.erase(o);
    buried[o] = o->isa->name;
  }
  delete o;
}

void Object::operator delete(void* p) {
  Guard g(lock);
  graveyard.push_back(p);
  while (graveyard.size() > 100000) {
    buried.erase(graveyard.front());
    ::operator delete(graveyard.front());
    graveyard.pop_front();
  }
}

static thread_local std::vector<std::vector<Object*>*> pools;

Object* autoreleaseObject(Object* o) {
  if (!o) return o;
  if (pools.empty()) report("no pool: a %s leaks", o->isa->name.c_str());
  else pools.back()->push_back(o);
  return o;
}

EXPORT void* objc_autoreleasePoolPush() {
  pools.push_back(new std::vector<Object*>);
  return pools.back();
}

EXPORT void objc_autoreleasePoolPop(void* token) {
  if (std::find(pools.begin(), pools.end(), token) == pools.end()) {
    report("a pool is popped on another thread than the one that pushed it, or twice");
    return;
  }
  for (bool last = false; !last;) {
    auto* pool = pools.back();
    pools.pop_back();
    last = pool == token;
    for (Object* o : *pool) release(o);
    delete pool;
  }
}

Pool::Pool() : token(objc_autoreleasePoolPush()) {}
Pool::~Pool() { objc_autoreleasePoolPop(token); }

// --- what callers know of the runtime

EXPORT SEL sel_registerName(const char* name) { return selector(name); }
// The classes behind protocols have names that no caller may know.
EXPORT Class* objc_getClass(const char* name) { return findClass(name); }
EXPORT Class* object_getClass(Object* o) { return o->isa; }
EXPORT Class* objc_getProtocol(const char* name) { return findClass(std::string("Fake") + name); }
EXPORT Method* class_getInstanceMethod(Class* c, SEL s) {
  Guard g(lock);
  return find(c, s);
}
EXPORT const char* method_getTypeEncoding(Method* m) { return m->types.c_str(); }
struct MethodDescription {
  SEL name;
  const char* types;
};
EXPORT MethodDescription protocol_getMethodDescription(Class* protocol, SEL s, bool required, bool instance) {
  Method* m = required && instance ? class_getInstanceMethod(protocol, s) : nullptr;
  return m ? MethodDescription{s, m->types.c_str()} : MethodDescription{};
}
extern "C" {
__attribute__((visibility("default"))) void* _NSConcreteGlobalBlock[32] = {0};
}

// --- what tests know of the stand-in

static const char* answer(const std::string& s) {
  static thread_local std::string kept;
  kept = s;
  return kept.c_str();
}

EXPORT const char* fake_errors() {
  Guard g(lock);
  std::string all;
  for (auto& r : reports) all += r + "\n";
  reports.clear();
  return answer(all);
}

EXPORT const char* fake_live() {
  waitForGPU();
  Guard g(lock);
  std::string all;
  for (auto& [name, n] : live)
    if (n) all += name + " " + std::to_string(n) + "\n";
  return answer(all);
}

EXPORT const char* fake_methods() {
  Guard g(lock);
  std::string all;
  for (auto& [name, c] : classes)
    for (auto* k : {c, c->isa})
      for (auto& [s, m] : k->methods) all += name + (k == c ? " -" : " +") + s + " " + m.types + "\n";
  return answer(all);
}

EXPORT void fake_fault(const char* kind, long skip, long count) {
  Guard g(lock);
  faults[kind] = Fault{skip, count};
}

EXPORT void fake_knob(const char* name, long value) { setKnob(name, value); }

EXPORT uint64_t fake_messages() { return messages; }

// fake_reset forgets faults and knobs.
EXPORT void fake_reset() {
  Guard g(lock);
  faults.clear();
  knobs = {{"macos", 15}, {"devices", 1}, {"family", 1009}, {"threads", 1024}, {"order", 0}, {"swap", 0},
           {"maxBuffer", 1L << 32}, {"workingSet", 8L << 30}, {"threadgroupMemory", 32 << 10}};
}

static struct Init {
  Init() {
    fake_reset();
    defineFoundation();
    defineDevice();
    defineBuffers();
    definePipelines();
    defineCommands();
    defineEncoders();
    defineSync();
    defineMPS();
    defineGraph();
  }
} init;
