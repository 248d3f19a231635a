// What of Metal Performance Shaders and of its graphs is used, computed by
// plain loops in double precision.
#pragma once
#include "metal.h"

const uint32_t mpsFloat32 = 0x10000000 | 32, mpsFloat16 = 0x10000000 | 16;

// elementSize is 0 for types that the stand-in does not have.
inline size_t elementSize(uint32_t type) { return type == mpsFloat32 ? 4 : type == mpsFloat16 ? 2 : 0; }

float readElement(const char* p, uint32_t type);
void writeElement(char* p, uint32_t type, double v);

struct MPSMatrixDescriptor : Object {
  uint64_t rows = 0, columns = 0, matrices = 1, rowBytes = 0, matrixBytes = 0;
  uint32_t type = 0;
};

struct MPSMatrix : Object {
  Ref<MTLBuffer> buffer;
  MTLBuffer* unretained = nullptr;
  uint64_t offset = 0;
  Ref<MPSMatrixDescriptor> d;
};

struct MPSMatrixMultiplication : Object {
  bool transposeLeft = false, transposeRight = false;
  uint64_t rows = 0, columns = 0, interior = 0;
  double alpha = 1, beta = 0;
};

// Tensor is a shape and a type.
struct Shaped {
  std::vector<uint64_t> shape;
  uint32_t type = 0;
  uint64_t count() const {
    uint64_t n = 1;
    for (auto d : shape) n *= d;
    return n;
  }
};

struct Convolution {
  uint64_t strideX, strideY, dilationX, dilationY, groups, left, right, top, bottom;
  uint64_t padding, data, weights; // style, layouts
};
enum Which { forward, ofData, ofWeights };
// convolve computes one of the three operands, NHWC, HWIO and NHWC, from the other two.
void convolve(Which which, const Convolution& c, const std::vector<uint64_t>& x, const std::vector<uint64_t>& w,
              const std::vector<uint64_t>& y, std::vector<double>& xs, std::vector<double>& ws, std::vector<double>& ys);

// checkMPS says whether a product may be encoded now.
bool checkMPS(MTLCommandBuffer* c, const char* what);
void checkTracked(MTLBuffer* b, const char* what);
