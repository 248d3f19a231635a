#include "mps.h"

void convolve(Which which, const Convolution& c, const std::vector<uint64_t>& x, const std::vector<uint64_t>& w,
              const std::vector<uint64_t>& y, std::vector<double>& xs, std::vector<double>& ws, std::vector<double>& ys) {
  uint64_t perGroup = y[3] / c.groups; // output channels
  auto each = [&](uint64_t n, uint64_t oy, uint64_t ox, uint64_t o) {
    double& out = ys[((n * y[1] + oy) * y[2] + ox) * y[3] + o];
    uint64_t channel = o / perGroup * w[2]; // the group's first input channel
    for (uint64_t ky = 0; ky < w[0]; ky++)
      for (uint64_t kx = 0; kx < w[1]; kx++) {
        uint64_t iy = oy * c.strideY + ky * c.dilationY - c.top, ix = ox * c.strideX + kx * c.dilationX - c.left;
        if (iy >= x[1] || ix >= x[2]) continue; // also what is below 0
        for (uint64_t i = 0; i < w[2]; i++) {
          double& in = xs[((n * x[1] + iy) * x[2] + ix) * x[3] + channel + i];
          double& weight = ws[((ky * w[1] + kx) * w[2] + i) * w[3] + o];
          if (which == forward) out += in * weight;
          if (which == ofData) in += out * weight;
          if (which == ofWeights) weight += out * in;
        }
      }
  };
  for (uint64_t n = 0; n < y[0]; n++)
    for (uint64_t oy = 0; oy < y[1]; oy++)
      for (uint64_t ox = 0; ox < y[2]; ox++)
        for (uint64_t o = 0; o < y[3]; o++) each(n, oy, ox, o);
}
