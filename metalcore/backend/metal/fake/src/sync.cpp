#include "metal.h"
#include <algorithm>
#include <chrono>

// reach waits until the event has the value.
static bool reach(MTLEvent* e, uint64_t value, uint64_t ms) {
  std::unique_lock<std::mutex> l(e->m);
  return e->changed.wait_for(l, std::chrono::milliseconds(ms), [=] { return e->value >= value; });
}

static void set(MTLEvent* e, uint64_t value) {
  std::lock_guard<std::mutex> l(e->m);
  e->value = value;
  e->changed.notify_all();
}

static void defineEvents() {
  define<MTLEvent>("FakeMTLSharedEvent")
      .method("-signaledValue", [](MTLEvent* e, SEL) { return e->value; })
      .method("-setSignaledValue:", [](MTLEvent* e, SEL, uint64_t v) { set(e, v); })
      .method("-waitUntilSignaledValue:timeoutMS:", [](MTLEvent* e, SEL, uint64_t v, uint64_t ms) { return reach(e, v, ms); }, 12);
  Definer{classOf<MTLDevice>()}.method("-newSharedEvent", [](MTLDevice*, SEL) { return make<MTLEvent>(); });
  auto pass = [](MTLCommandBuffer* c, const char* what) {
    if (c->open) wouldAbort("%s while an encoder is open", what);
    return std::make_shared<MTLCommandBufferEncoderInfo>();
  };
  static auto begin = pass;
  Definer{classOf<MTLCommandBuffer>()}
      .method("-encodeSignalEvent:value:",
              [](MTLCommandBuffer* c, SEL, MTLEvent* e, uint64_t v) {
                Ref<MTLEvent> event(e);
                c->operations.push_back({begin(c, "encodeSignalEvent:"), "", [=] {
                                           set(event, v);
                                           return std::string();
                                         }});
              })
      .method("-encodeWaitForEvent:value:", [](MTLCommandBuffer* c, SEL, MTLEvent* e, uint64_t v) {
        Ref<MTLEvent> event(e);
        c->operations.push_back({begin(c, "encodeWaitForEvent:"), "", [=] {
                                   return std::string(reach(event, v, 10000) ? "" : "an event was never signaled");
                                 }});
      });
}

void defineSync() {
  defineEvents();
  define<MTLResidencySetDescriptor>("MTLResidencySetDescriptor");
  define<MTLResidencySet>("FakeMTLResidencySet")
      .method("-addAllocation:", [](MTLResidencySet* s, SEL, Object* o) { s->added.push_back(o); })
      .method("-removeAllocation:",
              [](MTLResidencySet* s, SEL, Object* o) {
                auto& a = s->added;
                auto i = std::find_if(a.begin(), a.end(), [=](Ref<Object>& r) { return r.p == o; });
                if (i == a.end()) report("what a residency set does not have is removed");
                else a.erase(i);
              })
      .method("-allocationCount", [](MTLResidencySet* s, SEL) { return (uint64_t)s->added.size(); })
      .method("-requestResidency", [](MTLResidencySet*, SEL) {})
      .method("-commit", [](MTLResidencySet* s, SEL) { s->committed = s->added; });
  Definer{classOf<MTLDevice>()}.method(
      "-newResidencySetWithDescriptor:error:",
      [](MTLDevice*, SEL, MTLResidencySetDescriptor*, NSError** e) -> MTLResidencySet* {
        if (!fault("residency")) return make<MTLResidencySet>();
        setError(e, "MTLResidencySetErrorDomain", 1, "injected");
        return nullptr;
      },
      15);
}
