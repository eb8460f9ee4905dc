// Times the scans by themselves, with device events, and names their share of the device's peak.
//
//   nvcc -std=c++20 -O3 -arch=native -Icpp -Icpp/include benchmarks/cuda_kernels.cu
//   cpp/cuda/scan.cu
//        -o cuda_kernels && ./cuda_kernels 50000 64 10000
//
// Points and directions are generated: half of the coordinates are zero, as after a ReLU.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/scan.hpp"

using namespace hullspace::cuda;

namespace {

constexpr int kRuns = 5;
constexpr int kWanted = 64;

struct Problem {
  std::int64_t n_points;
  int n_features;
  int n_directions;
  int n_rows = n_scan_rows(n_features);
};

// A number that looks random, between 0 and 1.
HULLSPACE_DEVICE float hashed(std::uint64_t i) {
  i = (i ^ (i >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  i = (i ^ (i >> 27U)) * 0x94d049bb133111ebULL;
  return static_cast<float>((i ^ (i >> 31U)) >> 40U) * 0x1p-24F;
}

// Packed panels or tiles of n rows; `weight` stands in the row after the coordinates.
__global__ void generate(float* out, std::int64_t n, int n_features, int n_rows, float offset,
                         float weight) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < n * n_rows; i += stride) {
    const int k = static_cast<int>(i % n_rows);
    const float x = hashed(static_cast<std::uint64_t>(i) * 2 + (weight == 0.0F ? 1 : 0)) - offset;
    const float value = k < n_features ? (x > 0.0F || weight == 0.0F ? x : 0.0F) : 0.0F;
    out[packed_place(i / n_rows, k, n_rows)] = k == n_features ? weight : value;
  }
}

class Timer {
 public:
  Timer() {
    check(cudaEventCreate(&start_), "making an event");
    check(cudaEventCreate(&stop_), "making an event");
  }
  template <class Work>
  float best_of(int runs, const Work& work) {
    float best = 1e30F;
    for (int run = 0; run < runs; ++run) {
      check(cudaEventRecord(start_), "starting");
      work();
      check(cudaEventRecord(stop_), "stopping");
      check(cudaEventSynchronize(stop_), "working");
      float milliseconds = 0.0F;
      check(cudaEventElapsedTime(&milliseconds, start_, stop_), "timing");
      best = std::min(best, milliseconds);
    }
    return best;
  }

 private:
  cudaEvent_t start_{};
  cudaEvent_t stop_{};
};

// Operations a second of float32 multiply-adds, 128 a clock and multiprocessor since sm_86 and on
// sm_90 and later, 64 on sm_80; TF32 on tensor cores as sm_90 has it.
struct Peaks {
  double single = 0.0;
  double tensor = 0.0;
};

Peaks find_peaks() {
  int clock = 0;  // kHz
  int n = 0;
  int major = 0;
  check(cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, 0), "asking for the clock");
  check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, 0), "asking");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "asking");
  const double per_second = 1e3 * clock * n;
  return {per_second * (major == 8 ? 128.0 : 256.0), per_second * (major == 8 ? 1024.0 : 2048.0)};
}

using Scan = void (*)(const Panels&, const Directions&, const Lists&, cudaStream_t);

// The least time of `run`, each after `prepare`, in milliseconds.
template <class Prepare, class Run>
float best_after(const Prepare& prepare, const Run& run) {
  Timer timer;
  float best = 1e30F;
  for (int i = 0; i < kRuns; ++i) {
    prepare();
    best = std::min(best, timer.best_of(1, run));
  }
  return best;
}

void report(const Problem& problem, const char* name, const char* what, float milliseconds,
            double peak, double products) {
  const double flops =
      2.0 * static_cast<double>(problem.n_points) * problem.n_directions * problem.n_features;
  std::printf("%-14s %-22s %9.3f ms %8.1f TFLOP/s %5.1f %% of the peak (%.0f products)\n", name,
              what, milliseconds, flops / milliseconds * 1e-9,
              100.0 * products * flops / milliseconds * 1e3 / peak, products);
}

void time_scan(const char* name, Scan scan, const Problem& problem, double peak, double products) {
  const auto [n, n_features, n_directions, n_rows] = problem;
  Buffer<float> panels((n + kTile - 1) / kTile * kTile * n_rows);
  Buffer<float> tiles((n_directions + kTile - 1) / kTile * std::int64_t{kTile} * n_rows);
  int n_multiprocessors = 0;
  check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, 0), "asking");
  const int n_splits = choose_splits(n_directions, n, n_multiprocessors);
  const std::int64_t n_lists = std::int64_t{n_directions} * n_splits;
  Buffer<std::uint64_t> keys(n_lists * list_capacity(kWanted));
  Buffer<int> counts(n_lists);
  Buffer<float> thresholds(n_directions + kTile);
  std::vector<float> starts(static_cast<std::size_t>(n_directions + kTile), 1e30F);
  const Lists lists{keys.data(), counts.data(),          thresholds.data(),
                    n_splits,    list_capacity(kWanted), kWanted};
  launch(generate, dim3(1024), dim3(256), 0, nullptr, panels.data(), n, n_features, n_rows, 0.5F,
         1.0F);
  launch(generate, dim3(1024), dim3(256), 0, nullptr, tiles.data(), std::int64_t{n_directions},
         n_features, n_rows, 0.5F, 0.0F);
  const auto forget_counts = [&] {
    check(cudaMemsetAsync(counts.data(), 0, static_cast<std::size_t>(n_lists) * sizeof(int)), "");
  };
  const auto forget_all = [&] {
    forget_counts();
    const std::size_t n_bytes = starts.size() * sizeof(float);
    check(cudaMemcpy(thresholds.data(), starts.data(), n_bytes, cudaMemcpyHostToDevice), "copying");
  };
  const auto run = [&] {
    scan({panels.data(), n, 0, n_rows}, {tiles.data(), n_directions, n_rows, nullptr}, lists,
         nullptr);
  };
  report(problem, name, "from no threshold", best_after(forget_all, run), peak, products);
  // With the thresholds that the first scan left, few points are listed, as in later rounds.
  report(problem, name, "from its thresholds", best_after(forget_counts, run), peak, products);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::printf("usage: %s N_POINTS N_FEATURES N_DIRECTIONS\n", argv[0]);
    return 1;
  }
  const Problem problem{std::atoll(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])};
  const Peaks peaks = find_peaks();
  std::printf("%lld x %d points, %d directions\n", static_cast<long long>(problem.n_points),
              problem.n_features, problem.n_directions);
  time_scan("float32", scan, problem, peaks.single, 1.0);
  time_scan("tensor cores", scan_on_tensor_cores, problem, peaks.tensor, 3.0);
  return 0;
}
