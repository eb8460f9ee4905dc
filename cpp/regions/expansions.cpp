#include "regions/expansions.hpp"

#include <algorithm>
#include <cmath>

namespace hullspace {
namespace {

// Powers of two that doubles hold with room for products.
constexpr int kStep = 500;

}  // namespace

void normalize(ExactRow& numbers) {
  const auto scale = [&](int exponent) {
    const Dyadic factor(std::ldexp(1.0, exponent));
    for (Dyadic& x : numbers) x = x * factor;
  };
  for (;;) {
    double largest = 0.0;
    bool any = false;
    for (const Dyadic& x : numbers) {
      largest = std::max(largest, std::abs(x.to_double()));
      any = any || !x.is_zero();
    }
    if (!any) return;
    if (!std::isfinite(largest)) {
      scale(-kStep);
    } else if (largest < std::ldexp(1.0, -kStep)) {
      scale(kStep);
    } else {
      int exponent = 0;
      std::frexp(largest, &exponent);
      if (exponent != 0) scale(-std::clamp(exponent, -kStep, kStep));
      if (std::abs(exponent) <= kStep) return;
    }
  }
}

std::vector<double> to_doubles(const ExactRow& numbers) {
  ExactRow scaled(numbers);
  normalize(scaled);
  std::vector<double> out;
  out.reserve(scaled.size());
  for (const Dyadic& x : scaled) out.push_back(x.to_double());
  return out;
}

std::vector<double> expand(const ExactRow& numbers, int n_parts) {
  ExactRow rest(numbers);
  normalize(rest);
  const auto n = static_cast<std::size_t>(n_parts);
  std::vector<double> out(numbers.size() * n, 0.0);
  for (std::size_t c = 0; c < rest.size(); ++c) {
    for (std::size_t k = 0; k < n && !rest[c].is_zero(); ++k) {
      const double part = rest[c].to_double();
      if (std::abs(part) < std::ldexp(1.0, -60 * n_parts)) break;
      out[c * n + k] = part;
      rest[c] = rest[c] - Dyadic(part);
    }
  }
  return out;
}

ExactRow sum_up(const std::vector<double>& parts, int n_parts) {
  ExactRow out(parts.size() / static_cast<std::size_t>(n_parts));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Dyadic& total = out[i / static_cast<std::size_t>(n_parts)];
    total = total + Dyadic(parts[i]);
  }
  return out;
}

}  // namespace hullspace
