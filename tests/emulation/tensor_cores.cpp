// Products of matrix fragments as tensor cores compute them, after M. Fasi, N. Higham, M. Mikaitis,
// S. Pranesh, "Numerical behavior of NVIDIA tensor cores", PeerJ Computer Science 7 (2021) e330:
// exact products, four at a time, are added to the sum with nothing but cutting off, and without
// the bits beyond 24 that newer ones keep.
#include "cuda/tensor_tile.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hullspace::cuda {
namespace {

constexpr int kBits = 24;
constexpr int kAtATime = 4;

struct Fragments {
  Left left;
  Right right;
};

double number(std::uint32_t tf32) { return static_cast<double>(std::bit_cast<float>(tf32)); }

float cut_off(double x) {
  const auto nearest = static_cast<float>(x);
  return std::abs(static_cast<double>(nearest)) > std::abs(x) ? std::nextafter(nearest, 0.0F)
                                                              : nearest;
}

float add(float sum, const double (&products)[kAtATime]) {
  double largest = std::abs(static_cast<double>(sum));
  for (const double product : products) largest = std::max(largest, std::abs(product));
  if (largest == 0.0) return 0.0F;
  int exponent = 0;
  static_cast<void>(std::frexp(largest, &exponent));
  const double unit = std::ldexp(1.0, exponent - kBits);
  const double per_unit = std::ldexp(1.0, kBits - exponent);
  int total = static_cast<int>(static_cast<double>(sum) * per_unit);
  for (const double product : products) total += static_cast<int>(product * per_unit);
  return cut_off(total * unit);
}

}  // namespace

void multiply_add(Sums& sums, const Left& left, const Right& right) {
  Fragments mine;
  std::copy_n(left, 4, mine.left);
  std::copy_n(right, 2, mine.right);
  const auto lanes = emulation::exchange("mma", mine);
  const int lane = emulation::own_lane();
  for (int half = 0; half < 2; ++half) {
    Fragments rows[4];
    for (int k = 0; k < 4; ++k) rows[k] = lanes[lane / 4 * 4 + k];
    for (int side = 0; side < 2; ++side) {
      const int column = lane % 4 * 2 + side;
      Fragments columns[4];
      for (int k = 0; k < 4; ++k) columns[k] = lanes[column * 4 + k];
      float& sum = sums[half * 2 + side];
      for (int step = 0; step < 2; ++step) {
        double products[kAtATime];
        for (int k = 0; k < kAtATime; ++k) {
          products[k] = number(rows[k].left[step * 2 + half]) * number(columns[k].right[step]);
        }
        sum = add(sum, products);
      }
    }
  }
}

}  // namespace hullspace::cuda
