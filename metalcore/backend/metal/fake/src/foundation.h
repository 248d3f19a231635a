// What of Foundation is used.
#pragma once
#include "runtime.h"

struct NSString : Object {
  std::string text;
  bool equals(Object* o) override { return o && o->isa == isa && ((NSString*)o)->text == text; }
};
struct NSArray : Object {
  std::vector<Ref<Object>> items;
};
struct NSNumber : Object {
  uint64_t value = 0;
};
struct NSDictionary : Object {
  std::vector<std::pair<Ref<Object>, Ref<Object>>> items;
  Object* get(Object* key);
};
struct NSMutableDictionary : NSDictionary {};
struct NSError : Object {
  std::string domain, text;
  int64_t code = 0;
  Ref<NSDictionary> info;
};
struct NSURL : Object {
  std::string path;
};

NSString* newString(const std::string& s); // with one owner
NSArray* newArray(const std::vector<Object*>& items);
std::vector<uint64_t> numbers(NSArray* a);
NSError* newError(const char* domain, int64_t code, const std::string& text);
// setError hands an error over by a pointer that may be nil.
void setError(NSError** to, const char* domain, int64_t code, const std::string& text);
