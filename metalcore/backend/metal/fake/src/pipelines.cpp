#include "metal.h"
#include <algorithm>
#include <fstream>

static MTLLibrary* newLibrary(NSString* text, MTLCompileOptions* options, NSError** e) {
  if (!options || !options->version) report("a library is compiled without a language version");
  if (!options || !options->safe()) report("a library is compiled with fast math");
  char log[4000] = "";
  if (fault("compile")) strcpy(log, "program_source:1:1: error: injected");
  uint64_t id = log[0] ? 0 : compileText(text->text.c_str(), log, sizeof log);
  if (!id) {
    setError(e, "MTLLibraryErrorDomain", 3, log);
    return nullptr;
  }
  auto* l = make<MTLLibrary>();
  l->id = id;
  l->text = text->text;
  return l;
}

static MTLFunction* newFunction(MTLLibrary* l, SEL, NSString* name) {
  uint64_t kernel = findKernel(l->id, name->text.c_str());
  if (!kernel) return nullptr;
  auto* f = make<MTLFunction>();
  f->library = l;
  f->name = name->text;
  f->kernel = kernel;
  return f;
}

// entryOf is what an archive knows of a function.
static std::string entryOf(MTLFunction* f) { return f->name + " " + std::to_string(std::hash<std::string>()(f->library->text)); }

static bool archived(MTLComputePipelineDescriptor* d) {
  if (!d->archives) return false;
  std::string want = entryOf(d->function);
  for (auto& o : d->archives->items) {
    auto& have = ((MTLBinaryArchive*)o.p)->entries;
    if (std::find(have.begin(), have.end(), want) != have.end()) return true;
  }
  return false;
}

static MTLComputePipelineState* newPipeline(MTLComputePipelineDescriptor* d, uint64_t options, NSError** e) {
  if (!d->function) {
    wouldAbort("a pipeline without a function");
    return nullptr;
  }
  bool known = archived(d);
  if (options & 4 && !known) { // MTLPipelineOptionFailOnBinaryArchiveMiss
    setError(e, "AGXMetal", 1, "not in the archive");
    return nullptr;
  }
  if (!known && fault("pipeline")) {
    setError(e, "AGXMetal", 3, "Compute function exceeds available stack space (injected)");
    return nullptr;
  }
  auto* p = make<MTLComputePipelineState>();
  p->function = d->function;
  p->threads = knob("threads");
  return p;
}

static const char* magic = "fake archive of ";
static std::string signature() { return magic + std::to_string(knob("family")); }

static MTLBinaryArchive* newArchive(MTLBinaryArchiveDescriptor* d, NSError** e) {
  auto* a = make<MTLBinaryArchive>();
  if (!d->url) return a;
  std::ifstream in(d->url->path);
  std::string line;
  if (!std::getline(in, line) || line != signature()) {
    setError(e, "MTLBinaryArchiveDomain", 1, "Invalid file " + d->url->path);
    release(a);
    return nullptr;
  }
  while (std::getline(in, line)) a->entries.push_back(line);
  return a;
}

static bool serialize(MTLBinaryArchive* a, NSURL* url, NSError** e) {
  std::ofstream out(url->path);
  out << signature() << "\n";
  for (auto& s : a->entries) out << s << "\n";
  out.close();
  if (out && !fault("serialize")) return true;
  setError(e, "MTLBinaryArchiveDomain", 4, "cannot write " + url->path);
  return false;
}

static void defineArchives() {
  define<MTLBinaryArchiveDescriptor>("MTLBinaryArchiveDescriptor").method("-setUrl:", [](MTLBinaryArchiveDescriptor* d, SEL, NSURL* u) {
    d->url = u;
  });
  define<MTLBinaryArchive>("FakeMTLBinaryArchive")
      .method("-addComputePipelineFunctionsWithDescriptor:error:",
              [](MTLBinaryArchive* a, SEL, MTLComputePipelineDescriptor* d, NSError** e) {
                if (fault("archive")) {
                  setError(e, "MTLBinaryArchiveDomain", 3, "injected");
                  return false;
                }
                a->entries.push_back(entryOf(d->function));
                return true;
              })
      .method("-serializeToURL:error:", [](MTLBinaryArchive* a, SEL, NSURL* u, NSError** e) { return serialize(a, u, e); });
  Definer{classOf<MTLDevice>()}.method("-newBinaryArchiveWithDescriptor:error:", [](MTLDevice*, SEL, MTLBinaryArchiveDescriptor* d, NSError** e) {
    return newArchive(d, e);
  });
}

void definePipelines() {
  define<MTLCompileOptions>("MTLCompileOptions")
      .method("-setLanguageVersion:", [](MTLCompileOptions* o, SEL, uint64_t v) { o->version = v; })
      .method("-setFastMathEnabled:", [](MTLCompileOptions* o, SEL, bool on) { o->fast = on; })
      .method("-setMathMode:", [](MTLCompileOptions* o, SEL, int64_t m) { o->math = m; }, 15)
      .method("-setMathFloatingPointFunctions:", [](MTLCompileOptions* o, SEL, int64_t f) { o->functions = f; }, 15);
  define<MTLLibrary>("FakeMTLLibrary").method("-newFunctionWithName:", newFunction);
  define<MTLFunction>("FakeMTLFunction");
  define<MTLComputePipelineDescriptor>("MTLComputePipelineDescriptor")
      .method("-setComputeFunction:", [](MTLComputePipelineDescriptor* d, SEL, MTLFunction* f) { d->function = f; })
      .method("-setBinaryArchives:", [](MTLComputePipelineDescriptor* d, SEL, NSArray* a) { d->archives = a; })
      .method("-setLabel:", [](MTLComputePipelineDescriptor* d, SEL, NSString* s) { d->label = s; });
  define<MTLComputePipelineState>("FakeMTLComputePipelineState")
      .method("-maxTotalThreadsPerThreadgroup", [](MTLComputePipelineState* p, SEL) { return p->threads; })
      .method("-threadExecutionWidth", [](MTLComputePipelineState*, SEL) { return (uint64_t)32; });
  Definer{classOf<MTLDevice>()}
      .method("-newLibraryWithSource:options:error:",
              [](MTLDevice*, SEL, NSString* text, MTLCompileOptions* o, NSError** e) { return newLibrary(text, o, e); })
      .method("-newComputePipelineStateWithDescriptor:options:reflection:error:",
              [](MTLDevice*, SEL, MTLComputePipelineDescriptor* d, uint64_t options, Object**, NSError** e) {
                return newPipeline(d, options, e);
              });
  defineArchives();
}
