// Normally distributed numbers, the same in every run.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace tests {

template <class T>
std::vector<T> gaussian(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(n);
  for (T& value : values) value = static_cast<T>(normal(engine));
  return values;
}

}  // namespace tests
