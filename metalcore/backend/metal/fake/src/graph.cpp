#include "mps.h"
#include <algorithm>

struct MPSGraphConvolution2DOpDescriptor : Object {
  Convolution c;
};

struct MPSGraphTensor : Object, Shaped {
  std::string op; // empty for a placeholder
  std::vector<Ref<MPSGraphTensor>> inputs;
  Convolution c;
};
struct MPSGraph : Object {
  std::vector<Ref<MPSGraphTensor>> tensors;
};
struct MPSGraphShapedType : Object, Shaped {};
struct MPSGraphDevice : Object {};
struct MPSGraphExecutable : Object {
  std::vector<Ref<MPSGraphTensor>> feeds, targets;
};
struct MPSNDArrayDescriptor : Object, Shaped {
  bool packed = false;
};
struct MPSNDArray : Object, Shaped {
  MTLBuffer* buffer = nullptr;
  uint64_t offset = 0;
};
struct MPSGraphTensorData : Object, Shaped {
  MTLBuffer* buffer = nullptr; // not retained: the command buffer's owner keeps it
  uint64_t offset = 0;
};

typedef std::map<MPSGraphTensor*, MPSGraphTensorData*> Feeds;

static std::vector<double> load(MPSGraphTensorData* d) {
  std::vector<double> v(d->count());
  for (size_t i = 0; i < v.size(); i++) v[i] = readElement(d->buffer->bytes + d->offset + i * elementSize(d->type), d->type);
  return v;
}

static std::vector<double> evaluate(MPSGraphTensor* t, const Feeds& feeds) {
  if (t->op.empty()) return load(feeds.at(t));
  MPSGraphTensor *l = t->inputs[0], *r = t->inputs[1];
  std::vector<double> a = evaluate(l, feeds), b = evaluate(r, feeds), out(t->count());
  if (t->op == "forward") convolve(forward, t->c, l->shape, r->shape, t->shape, a, b, out);
  if (t->op == "data") convolve(ofData, t->c, t->shape, r->shape, l->shape, out, b, a);
  if (t->op == "weights") convolve(ofWeights, t->c, r->shape, t->shape, l->shape, b, out, a);
  return out;
}

static std::string run(MPSGraphExecutable* e, const Feeds& feeds, const std::vector<MPSGraphTensorData*>& results) {
  std::string bad;
  for (auto& [t, d] : feeds) bad += checkBuffer(d->buffer);
  for (auto* d : results) bad += checkBuffer(d->buffer);
  if (!bad.empty()) return bad;
  for (size_t i = 0; i < results.size(); i++) {
    auto* d = results[i];
    std::vector<double> v = evaluate(e->targets[i], feeds);
    for (size_t k = 0; k < v.size(); k++) writeElement(d->buffer->bytes + d->offset + k * elementSize(d->type), d->type, v[k]);
  }
  return "";
}

static bool agree(const std::vector<Ref<MPSGraphTensor>>& want, NSArray* got, const char* what) {
  bool ok = got && got->items.size() == want.size();
  for (size_t i = 0; ok && i < want.size(); i++) {
    auto* d = (MPSGraphTensorData*)got->items[i].p;
    ok = d->shape == want[i]->shape && d->type == want[i]->type;
    if (d->buffer) checkTracked(d->buffer, "MPSGraph");
  }
  if (!ok) wouldAbort("the %s of an executable do not have its shapes", what);
  return ok;
}

static NSArray* encodeGraph(MPSGraphExecutable* e, SEL, MPSCommandBuffer* c, NSArray* in, NSArray* out, Object*) {
  if (!checkMPS(c->root, "MPSGraph") || !agree(e->feeds, in, "inputs") || !agree(e->targets, out, "results")) return nullptr;
  auto pass = std::make_shared<MTLCommandBufferEncoderInfo>();
  pass->label = "MPSGraph";
  c->root->passes.push_back(pass);
  Ref<NSArray> ins(in), outs(out);
  Ref<MPSGraphExecutable> executable(e);
  c->root->operations.push_back({pass, "", [=] {
                                   Feeds feeds;
                                   std::vector<MPSGraphTensorData*> results;
                                   for (size_t i = 0; i < executable->feeds.size(); i++)
                                     feeds[executable->feeds[i]] = (MPSGraphTensorData*)ins->items[i].p;
                                   for (auto& o : outs->items) results.push_back((MPSGraphTensorData*)o.p);
                                   return run(executable, feeds, results);
                                 }});
  if (knob("swap")) c->commitAndContinue();
  return out;
}

static MPSGraphTensor* add(MPSGraph* g, const char* op, std::vector<uint64_t> shape, uint32_t type) {
  if (!elementSize(type)) wouldAbort("a tensor of type %x", type);
  auto* t = make<MPSGraphTensor>();
  t->op = op;
  t->shape = shape;
  t->type = type;
  g->tensors.push_back(t);
  release(t);
  return t;
}

static MPSGraphTensor* convolution(MPSGraph* g, const char* op, MPSGraphTensor* a, MPSGraphTensor* b, std::vector<uint64_t> shape, const Convolution& c) {
  if (c.padding != 0 || c.data != 1 || c.weights != 3) wouldAbort("a convolution whose padding or layouts the stand-in does not have");
  auto* t = add(g, op, shape, a->type);
  t->inputs = {a, b};
  t->c = c;
  return t;
}

static std::vector<uint64_t> outputShape(const Convolution& c, const std::vector<uint64_t>& x, const std::vector<uint64_t>& w) {
  uint64_t h = (x[1] + c.top + c.bottom - (w[0] - 1) * c.dilationY - 1) / c.strideY + 1;
  uint64_t v = (x[2] + c.left + c.right - (w[1] - 1) * c.dilationX - 1) / c.strideX + 1;
  return {x[0], h, v, w[3]};
}

static MPSGraphExecutable* compile(NSDictionary* feeds, NSArray* targets) {
  if (fault("graph")) return nullptr;
  auto* e = make<MPSGraphExecutable>();
  for (auto& [tensor, type] : feeds->items) {
    auto *t = (MPSGraphTensor*)tensor.p;
    if (((MPSGraphShapedType*)type.p)->shape != t->shape) wouldAbort("a feed does not have its placeholder's shape");
    e->feeds.push_back(t);
  }
  std::reverse(e->feeds.begin(), e->feeds.end()); // a dictionary has no order
  for (auto& t : targets->items) e->targets.push_back((MPSGraphTensor*)t.p);
  return autorelease(e);
}

template <class T> static NSArray* list(const std::vector<Ref<T>>& items) {
  return autorelease(newArray(std::vector<Object*>(items.begin(), items.end())));
}

typedef MPSGraphConvolution2DOpDescriptor Descriptor;

static void defineOperations() {
  define<MPSGraphTensor>("MPSGraphTensor");
  define<Descriptor>("MPSGraphConvolution2DOpDescriptor")
      .method("+descriptorWithStrideInX:strideInY:dilationRateInX:dilationRateInY:groups:paddingLeft:paddingRight:paddingTop:paddingBottom:"
              "paddingStyle:dataLayout:weightsLayout:",
              [](Class*, SEL, uint64_t sx, uint64_t sy, uint64_t dx, uint64_t dy, uint64_t groups, uint64_t left, uint64_t right, uint64_t top,
                 uint64_t bottom, uint64_t style, uint64_t data, uint64_t weights) {
                auto* d = make<Descriptor>();
                d->c = {sx, sy, dx, dy, groups, left, right, top, bottom, style, data, weights};
                return autorelease(d);
              });
  define<MPSGraph>("MPSGraph")
      .method("-placeholderWithShape:dataType:name:",
              [](MPSGraph* g, SEL, NSArray* shape, uint32_t type, NSString*) { return add(g, "", numbers(shape), type); })
      .method("-convolution2DWithSourceTensor:weightsTensor:descriptor:name:",
              [](MPSGraph* g, SEL, MPSGraphTensor* x, MPSGraphTensor* w, Descriptor* d, NSString*) {
                return convolution(g, "forward", x, w, outputShape(d->c, x->shape, w->shape), d->c);
              })
      .method("-convolution2DDataGradientWithIncomingGradientTensor:weightsTensor:outputShape:forwardConvolutionDescriptor:name:",
              [](MPSGraph* g, SEL, MPSGraphTensor* y, MPSGraphTensor* w, NSArray* shape, Descriptor* d, NSString*) {
                return convolution(g, "data", y, w, numbers(shape), d->c);
              })
      .method("-convolution2DWeightsGradientWithIncomingGradientTensor:sourceTensor:outputShape:forwardConvolutionDescriptor:name:",
              [](MPSGraph* g, SEL, MPSGraphTensor* y, MPSGraphTensor* x, NSArray* shape, Descriptor* d, NSString*) {
                return convolution(g, "weights", y, x, numbers(shape), d->c);
              })
      .method("-compileWithDevice:feeds:targetTensors:targetOperations:compilationDescriptor:",
              [](MPSGraph*, SEL, MPSGraphDevice*, NSDictionary* feeds, NSArray* targets, NSArray*, Object*) { return compile(feeds, targets); });
}

static void defineData() {
  define<MPSNDArrayDescriptor>("MPSNDArrayDescriptor")
      .method("+descriptorWithDataType:shape:",
              [](Class*, SEL, uint32_t type, NSArray* shape) {
                auto* d = make<MPSNDArrayDescriptor>();
                d->type = type;
                d->shape = numbers(shape);
                return autorelease(d);
              })
      .method("-setPreferPackedRows:", [](MPSNDArrayDescriptor* d, SEL, bool on) { d->packed = on; }, 15);
  auto check = [](Shaped* s, MTLBuffer* b, uint64_t offset) {
    if (offset + s->count() * elementSize(s->type) > b->length) wouldAbort("a tensor at %lu of a buffer of %lu bytes", offset, b->length);
  };
  static auto within = check;
  define<MPSNDArray>("MPSNDArray").method(
      "-initWithBuffer:offset:descriptor:",
      [](MPSNDArray* a, SEL, MTLBuffer* b, uint64_t offset, MPSNDArrayDescriptor* d) {
        if (!d->packed) report("an array over a buffer, whose rows are not packed");
        *(Shaped*)a = *(Shaped*)d;
        a->buffer = b;
        a->offset = offset;
        within(a, b, offset);
        return a;
      },
      15);
  define<MPSGraphTensorData>("MPSGraphTensorData")
      .method("-initWithMTLBuffer:shape:dataType:",
              [](MPSGraphTensorData* t, SEL, MTLBuffer* b, NSArray* shape, uint32_t type) {
                t->shape = numbers(shape);
                t->type = type;
                t->buffer = b;
                within(t, b, 0);
                return t;
              })
      .method("-initWithMPSNDArray:", [](MPSGraphTensorData* t, SEL, MPSNDArray* a) {
        *(Shaped*)t = *(Shaped*)a;
        t->buffer = a->buffer;
        t->offset = a->offset;
        return t;
      });
}

void defineGraph() {
  define<MPSGraphDevice>("MPSGraphDevice").method("+deviceWithMTLDevice:", [](Class*, SEL, MTLDevice*) {
    return autorelease(make<MPSGraphDevice>());
  });
  define<MPSGraphShapedType>("MPSGraphShapedType")
      .method("-initWithShape:dataType:", [](MPSGraphShapedType* t, SEL, NSArray* shape, uint32_t type) {
        t->shape = numbers(shape);
        t->type = type;
        return t;
      });
  define<MPSGraphExecutable>("MPSGraphExecutable")
      .method("-feedTensors", [](MPSGraphExecutable* e, SEL) { return list(e->feeds); })
      .method("-targetTensors", [](MPSGraphExecutable* e, SEL) { return list(e->targets); })
      .method("-encodeToCommandBuffer:inputsArray:resultsArray:executionDescriptor:", encodeGraph);
  defineOperations();
  defineData();
}
