#include "common/kernels.hpp"

#include <cmath>
#include <cstdlib>

#include "hullspace/error.hpp"

namespace hullspace {

extern const Kernels kBaselineKernels;
#if defined(HULLSPACE_X86_KERNELS)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512VnniKernels;
#endif

namespace {

struct Entry {
  const Kernels* table;
  bool supported;
};

// In ascending order of preference.
std::vector<Entry> entries() {
  std::vector<Entry> result{{&kBaselineKernels, true}};
#if defined(HULLSPACE_X86_KERNELS)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  result.push_back({&kAvx2Kernels, avx2});
  result.push_back({&kAvx512Kernels, avx512});
  result.push_back({&kAvx512VnniKernels, avx512 && __builtin_cpu_supports("avx512vnni")});
#endif
  return result;
}

std::vector<std::string> names(bool only_supported) {
  std::vector<std::string> result;
  for (const Entry& entry : entries()) {
    if (entry.supported || !only_supported) result.emplace_back(entry.table->name);
  }
  return result;
}

const Kernels& choose() {
  const char* wanted = std::getenv("HULLSPACE_ISA");
  const Kernels* best = nullptr;
  std::string supported;
  for (const Entry& entry : entries()) {
    if (!entry.supported) continue;
    if (wanted == nullptr || *wanted == '\0' || entry.table->name == std::string(wanted)) {
      best = entry.table;
    }
    supported += supported.empty() ? "" : ", ";
    supported += entry.table->name;
  }
  if (best == nullptr) {
    throw ArgumentError("the environment variable HULLSPACE_ISA must be one of " + supported +
                        " on this machine, got '" + wanted + "'");
  }
  return *best;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

double dot(const double* a, const double* b, std::ptrdiff_t n) {
  double sum = 0.0;
  kernels().dots(a, n, 1, b, n, &sum);
  return sum;
}

double norm(const double* a, std::ptrdiff_t n) { return std::sqrt(dot(a, a, n)); }

std::vector<std::string> built_instruction_sets() { return names(false); }
std::vector<std::string> found_instruction_sets() { return names(true); }

}  // namespace hullspace
