#include "foundation.h"

NSString* newString(const std::string& s) {
  auto* o = make<NSString>();
  o->text = s;
  return o;
}

NSArray* newArray(const std::vector<Object*>& items) {
  auto* a = make<NSArray>();
  for (Object* o : items) a->items.push_back(o);
  return a;
}

std::vector<uint64_t> numbers(NSArray* a) {
  std::vector<uint64_t> out;
  if (a)
    for (auto& n : a->items) out.push_back(((NSNumber*)n.p)->value);
  return out;
}

Object* NSDictionary::get(Object* key) {
  for (auto& [k, v] : items)
    if (k->equals(key)) return v;
  return nullptr;
}

NSError* newError(const char* domain, int64_t code, const std::string& text) {
  auto* e = make<NSError>();
  e->domain = domain;
  e->code = code;
  e->text = text;
  return e;
}

void setError(NSError** to, const char* domain, int64_t code, const std::string& text) {
  if (to) *to = autorelease(newError(domain, code, text));
}

static void defineObject() {
  Class* c = defineClass("NSObject", "");
  Definer{c}
      .method("+alloc", [](Class* c, SEL) { return c->create(); })
      .method("+new", [](Class* c, SEL) { return c->create(); })
      .method("-init", [](Object* o, SEL) { return o; })
      .method("-retain", [](Object* o, SEL) { return retain(o); })
      .method("-release", [](Object* o, SEL) { release(o); })
      .method("-autorelease", [](Object* o, SEL) { return autoreleaseObject(o); })
      .method("-respondsToSelector:", [](Object* o, SEL, SelArg s) { return responds(o->isa, s.name); })
      .method("+instancesRespondToSelector:", [](Class* c, SEL, SelArg s) { return responds(c, s.name); });
}

void defineFoundation() {
  defineObject();
  define<NSString>("NSString")
      .method("+stringWithUTF8String:", [](Class*, SEL, const char* s) { return autorelease(newString(s)); })
      .method("-UTF8String", [](NSString* s, SEL) { return s->text.c_str(); });
  define<NSArray>("NSArray")
      .method("+arrayWithObjects:count:",
              [](Class*, SEL, Object** o, uint64_t n) {
                for (uint64_t i = 0; i < n; i++)
                  if (!o[i]) wouldAbort("attempt to insert nil object from objects[%lu]", i);
                return autorelease(newArray(std::vector<Object*>(o, o + n)));
              })
      .method("-count", [](NSArray* a, SEL) { return (uint64_t)a->items.size(); })
      .method("-objectAtIndex:", [](NSArray* a, SEL, uint64_t i) -> Object* {
        if (i < a->items.size()) return a->items[i];
        wouldAbort("index %lu beyond bounds of an array of %zu", i, a->items.size());
        return nullptr;
      });
  define<NSNumber>("NSNumber").method("+numberWithUnsignedInteger:", [](Class*, SEL, uint64_t v) {
    auto* n = make<NSNumber>();
    n->value = v;
    return autorelease(n);
  });
  define<NSDictionary>("NSDictionary")
      .method("-count", [](NSDictionary* d, SEL) { return (uint64_t)d->items.size(); })
      .method("-objectForKey:", [](NSDictionary* d, SEL, Object* key) { return d->get(key); });
  define<NSMutableDictionary>("NSMutableDictionary", "NSDictionary")
      .method("+dictionary", [](Class*, SEL) { return autorelease(make<NSMutableDictionary>()); })
      .method("-setObject:forKey:", [](NSMutableDictionary* d, SEL, Object* value, Object* key) {
        if (!value || !key) return wouldAbort("setObject:forKey: with nil");
        for (auto& [k, v] : d->items)
          if (k->equals(key)) {
            v = value;
            return;
          }
        d->items.push_back({key, value});
      });
  define<NSError>("NSError")
      .method("-domain", [](NSError* e, SEL) { return autorelease(newString(e->domain)); })
      .method("-code", [](NSError* e, SEL) { return e->code; })
      .method("-localizedDescription", [](NSError* e, SEL) { return autorelease(newString(e->text)); })
      .method("-userInfo", [](NSError* e, SEL) { return e->info.p; });
  define<NSURL>("NSURL").method("+fileURLWithPath:", [](Class*, SEL, NSString* path) {
    auto* u = make<NSURL>();
    u->path = path->text;
    return autorelease(u);
  });
}
