// A small Objective-C runtime: classes, messages, reference counts, pools. It
// keeps the C ABI of the real one, so that its callers cannot tell, and
// notices what the real one answers with a crash, a leak or silence.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

typedef const char* SEL;
typedef void (*IMP)();
struct Class;

struct Object {
  Class* isa = nullptr;
  std::atomic<long> refs{1};
  virtual ~Object() {}
  virtual bool equals(Object* o) { return this == o; }
  static void operator delete(void* p); // keeps the address for a while, so that late users are told
};

struct Method {
  IMP imp;
  std::string types; // as @encode has them
  long since;        // major version of macOS
};

struct Class : Object {
  std::string name;
  Class* super = nullptr;
  std::unordered_map<SEL, Method> methods;
  std::function<Object*()> create; // of an instance
};

struct MTLSize {
  uint64_t width, height, depth;
};
struct NSRange {
  uint64_t location, length;
};
struct Block {
  void* isa;
  int32_t flags, reserved;
  void (*invoke)(Block*, Object*);
};

// report notes a fault; the test that caused it reads it.
void report(const char* format, ...) __attribute__((format(printf, 1, 2)));
// wouldAbort notes what an assertion of Metal answers by ending the process.
void wouldAbort(const char* format, ...) __attribute__((format(printf, 1, 2)));

// fault is true when a test wants this occurrence of the kind to fail.
bool fault(const char* kind);
// knob is a number that tests may set.
long knob(const char* name);
void setKnob(const char* name, long value);

SEL selector(const char* name);
Class* findClass(const std::string& name);
Class* defineClass(const char* name, const char* super);
bool responds(Class* c, SEL s);

bool alive(const void* o);
void adopt(Object* o, Class* isa); // enters a new object in the books
Object* retain(Object* o);
void release(Object* o);
Object* autoreleaseObject(Object* o);
template <class T> T* autorelease(T* o) { return (T*)autoreleaseObject(o); }

struct Pool { // for threads of the stand-in itself
  void* token;
  Pool();
  ~Pool();
};

// Ref owns an object.
template <class T> struct Ref {
  T* p = nullptr;
  Ref() {}
  Ref(T* o) : p((T*)retain(o)) {}
  Ref(const Ref& r) : p((T*)retain(r.p)) {}
  Ref& operator=(const Ref& r) {
    retain(r.p);
    release(p);
    p = r.p;
    return *this;
  }
  ~Ref() { release(p); }
  T* operator->() const { return p; }
  operator T*() const { return p; }
};

struct SelArg { // a selector as an argument
  SEL name;
};

// encode is @encode.
template <class T> std::string encode() {
  using P = std::remove_pointer_t<T>;
  if constexpr (std::is_void_v<T>) return "v";
  else if constexpr (std::is_same_v<T, bool>) return "B";
  else if constexpr (std::is_same_v<T, uint64_t>) return "Q";
  else if constexpr (std::is_same_v<T, int64_t>) return "q";
  else if constexpr (std::is_same_v<T, uint32_t>) return "I";
  else if constexpr (std::is_same_v<T, uint8_t>) return "C";
  else if constexpr (std::is_same_v<T, double>) return "d";
  else if constexpr (std::is_same_v<T, SEL>) return "*";
  else if constexpr (std::is_same_v<T, SelArg>) return ":";
  else if constexpr (std::is_same_v<T, MTLSize>) return "{MTLSize=QQQ}";
  else if constexpr (std::is_same_v<T, NSRange>) return "{_NSRange=QQ}";
  else if constexpr (std::is_same_v<T, Block*>) return "@?";
  else if constexpr (std::is_base_of_v<Object, P>) return "@";
  else if constexpr (std::is_void_v<std::remove_const_t<P>>) return "^v";
  else {
    static_assert(std::is_pointer_v<T>, "a type without an encoding");
    return "^" + encode<P>();
  }
}
template <class R, class S, class... A> std::string typesOf(R (*)(S*, SEL, A...)) {
  std::string t = encode<R>() + "@:";
  ((t += encode<A>()), ...);
  return t;
}

// Definer adds methods to a class, "+name" or "-name".
struct Definer {
  Class* c;
  template <class F> Definer& method(const char* name, F f, long since = 10) {
    Class* to = name[0] == '+' ? c->isa : c;
    to->methods[selector(name + 1)] = Method{(IMP)(+f), typesOf(+f), since};
    return *this;
  }
};

template <class T> Class*& classOf() {
  static Class* c;
  return c;
}

template <class T> T* make() { // an object with one owner
  T* o = new T;
  adopt(o, classOf<T>());
  return o;
}

template <class T> Definer define(const char* name, const char* super = "NSObject") {
  Class* c = defineClass(name, super);
  classOf<T>() = c;
  c->create = [] { return make<T>(); };
  return Definer{c};
}

// waitForGPU returns when all that was committed has ended, and was let go.
void waitForGPU();

// What the other files define.
void defineFoundation();
void defineDevice();
void defineBuffers();
void definePipelines();
void defineCommands();
void defineEncoders();
void defineSync();
void defineMPS();
void defineGraph();
