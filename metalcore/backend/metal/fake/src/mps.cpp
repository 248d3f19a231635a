#include "mps.h"
#include <cmath>

static float fromHalf(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  float v = exponent == 0    ? std::ldexp((float)fraction, -24)
            : exponent == 31 ? (fraction ? NAN : INFINITY)
                             : std::ldexp((float)(fraction | 1024), exponent - 25);
  return h >> 15 ? -v : v;
}

static uint16_t toHalf(double v) {
  uint16_t sign = std::signbit(v) ? 0x8000 : 0;
  v = std::fabs(v);
  if (std::isnan(v)) return 0x7e00;
  if (v == 0) return sign;
  if (v >= 65520) return sign | 0x7c00;
  int exponent;
  std::frexp(v, &exponent);
  int unit = std::max(exponent - 11, -24);           // of the last place
  double n = std::nearbyint(std::ldexp(v, -unit));   // to even
  if (unit == -24) return sign | (uint16_t)n;        // subnormal, or the first normal
  return sign | (uint16_t)(((unit + 24) << 10) + (uint16_t)n);
}

float readElement(const char* p, uint32_t type) {
  if (type == mpsFloat16) {
    uint16_t h;
    memcpy(&h, p, 2);
    return fromHalf(h);
  }
  float f;
  memcpy(&f, p, 4);
  return f;
}

void writeElement(char* p, uint32_t type, double v) {
  if (type == mpsFloat16) {
    uint16_t h = toHalf(v);
    memcpy(p, &h, 2);
    return;
  }
  float f = v;
  memcpy(p, &f, 4);
}

bool checkMPS(MTLCommandBuffer* c, const char* what) {
  if (c->open) wouldAbort("%s while an encoder is open", what);
  return !c->open && c->recording(what);
}

void checkTracked(MTLBuffer* b, const char* what) {
  if (b->untracked()) report("%s: nothing orders it after what writes its untracked buffers", what);
}

static char* element(MPSMatrix* m, uint64_t matrix, uint64_t row, uint64_t column) {
  return m->unretained->bytes + m->offset + matrix * m->d->matrixBytes + row * m->d->rowBytes + column * elementSize(m->d->type);
}

static void multiply(MPSMatrixMultiplication* k, MPSMatrix* a, MPSMatrix* b, MPSMatrix* c) {
  for (uint64_t i = 0; i < c->d->matrices; i++)
    for (uint64_t row = 0; row < k->rows; row++)
      for (uint64_t column = 0; column < k->columns; column++) {
        double sum = 0;
        for (uint64_t j = 0; j < k->interior; j++) {
          const char* x = k->transposeLeft ? element(a, i, j, row) : element(a, i, row, j);
          const char* y = k->transposeRight ? element(b, i, column, j) : element(b, i, j, column);
          sum += (double)readElement(x, a->d->type) * readElement(y, b->d->type);
        }
        char* to = element(c, i, row, column);
        sum *= k->alpha;
        if (k->beta != 0) sum += k->beta * readElement(to, c->d->type);
        writeElement(to, c->d->type, sum);
      }
}

static bool fits(MPSMatrix* m, uint64_t rows, uint64_t columns, const char* which) {
  auto* d = m->d.p;
  if (rows > d->rows || columns > d->columns) {
    wouldAbort("the %s matrix is %lu x %lu, not %lu x %lu", which, d->rows, d->columns, rows, columns);
    return false;
  }
  checkTracked(m->unretained, "MPSMatrixMultiplication");
  return true;
}

static void encodeProduct(MPSMatrixMultiplication* k, SEL, MTLCommandBuffer* c, MPSMatrix* a, MPSMatrix* b, MPSMatrix* r) {
  if (!checkMPS(c, "MPSMatrixMultiplication")) return;
  bool ok = k->transposeLeft ? fits(a, k->interior, k->rows, "left") : fits(a, k->rows, k->interior, "left");
  ok &= k->transposeRight ? fits(b, k->columns, k->interior, "right") : fits(b, k->interior, k->columns, "right");
  ok &= fits(r, k->rows, k->columns, "result");
  if (a->d->matrices != r->d->matrices || b->d->matrices != r->d->matrices) {
    wouldAbort("%lu and %lu matrices make %lu", a->d->matrices, b->d->matrices, r->d->matrices);
    ok = false;
  }
  if (!ok) return;
  for (auto* m : {a, b, r}) c->use(m->unretained);
  auto pass = std::make_shared<MTLCommandBufferEncoderInfo>();
  pass->label = "MPSMatrixMultiplication";
  c->passes.push_back(pass);
  // The matrices are held, their buffers not: those are the caller's to keep.
  Ref<MPSMatrixMultiplication> kernel(k);
  Ref<MPSMatrix> left(a), right(b), result(r);
  for (auto* m : {a, b, r}) m->buffer = nullptr;
  c->operations.push_back({pass, "", [=] {
                             std::string bad;
                             for (MPSMatrix* m : {left.p, right.p, result.p}) bad += checkBuffer(m->unretained);
                             if (bad.empty()) multiply(kernel, left, right, result);
                             return bad;
                           }});
}

static MPSMatrix* initMatrix(MPSMatrix* m, MTLBuffer* b, uint64_t offset, MPSMatrixDescriptor* d) {
  size_t size = elementSize(d->type);
  uint64_t need = offset + (d->matrices - 1) * d->matrixBytes + (d->rows - 1) * d->rowBytes + d->columns * size;
  if (!b || !size || need > b->length || offset % size || d->rowBytes % size || d->rowBytes < d->columns * size) {
    wouldAbort("a matrix of %lu x %lu in rows of %lu bytes, at %lu of a buffer of %lu", d->rows, d->columns, d->rowBytes, offset,
               b ? b->length : 0);
    release(m);
    return nullptr;
  }
  m->buffer = b;
  m->unretained = b;
  m->offset = offset;
  m->d = d;
  return m;
}

static void defineMatrices() {
  define<MPSMatrixDescriptor>("MPSMatrixDescriptor")
      .method("+matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:",
              [](Class*, SEL, uint64_t rows, uint64_t columns, uint64_t matrices, uint64_t rowBytes, uint64_t matrixBytes, uint32_t type) {
                auto* d = make<MPSMatrixDescriptor>();
                d->rows = rows;
                d->columns = columns;
                d->matrices = matrices;
                d->rowBytes = rowBytes;
                d->matrixBytes = matrixBytes;
                d->type = type;
                return autorelease(d);
              });
  define<MPSMatrix>("MPSMatrix").method("-initWithBuffer:offset:descriptor:", [](MPSMatrix* m, SEL, MTLBuffer* b, uint64_t o, MPSMatrixDescriptor* d) {
    return initMatrix(m, b, o, d);
  });
  define<MPSMatrixMultiplication>("MPSMatrixMultiplication")
      .method("-initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:interiorColumns:alpha:beta:",
              [](MPSMatrixMultiplication* k, SEL, MTLDevice*, bool left, bool right, uint64_t rows, uint64_t columns, uint64_t interior, double alpha,
                 double beta) -> MPSMatrixMultiplication* {
                if (fault("mps")) {
                  release(k);
                  return nullptr;
                }
                k->transposeLeft = left;
                k->transposeRight = right;
                k->rows = rows;
                k->columns = columns;
                k->interior = interior;
                k->alpha = alpha;
                k->beta = beta;
                return k;
              })
      .method("-encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", encodeProduct);
}

void MPSCommandBuffer::commitAndContinue() {
  MTLCommandBuffer* next = newCommandBuffer(root->queue, root->retained);
  next->options = root->options;
  root->commit();
  root = next;
  release(next);
}

void defineMPS() {
  define<MPSCommandBuffer>("MPSCommandBuffer")
      .method("+commandBufferWithCommandBuffer:",
              [](Class*, SEL, MTLCommandBuffer* c) {
                auto* m = make<MPSCommandBuffer>();
                m->first = c;
                m->root = c;
                return autorelease(m);
              })
      .method("-commandBuffer", [](MPSCommandBuffer* m, SEL) { return m->first.p; })
      .method("-rootCommandBuffer", [](MPSCommandBuffer* m, SEL) { return m->root.p; })
      .method("-commit", [](MPSCommandBuffer* m, SEL) { m->root->commit(); })
      .method("-commitAndContinue", [](MPSCommandBuffer* m, SEL) { m->commitAndContinue(); });
  defineMatrices();
}
