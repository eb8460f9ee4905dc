// Largest balls in batches of polyhedra: a block of threads for each, with its own workspace.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "cuda/calls.hpp"
#include "cuda/centers_kernel.hpp"
#include "cuda/runtime.hpp"

namespace hullspace::cuda {
namespace {

// A launch ends soon enough to ask for interruption: the bytes that its steps read, of which a
// device reads some 10^12 in a second.
constexpr double kReadAtOnce = 3e11;
constexpr double kStepsPerFeature = 2.0;  // 1.4 to 1.7 in cut boxes
// What is copied from or to the host between two questions for interruption.
constexpr std::int64_t kCopiedAtOnce = std::int64_t{256} << 20;

bool is_on_device(const void* memory) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, memory), "asking where memory is");
  return attributes.type == cudaMemoryTypeDevice;
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking what the device has");
  return value;
}

[[noreturn]] void fail_not_finite(const char* name, double value, std::int64_t element) {
  throw Failure(HSC_ARGUMENT, std::string(name) + " must be finite, got " + std::to_string(value) +
                                  " at element " + std::to_string(element));
}

int choose_threads(int n_features) {
  if (n_features <= 16) return 32;
  if (n_features <= 40) return 64;
  return n_features <= 100 ? 128 : kMostThreads;
}

class CentersCall {
 public:
  CentersCall(const HscCall& call, const HscPolyhedra& given, const HscCenters& to)
      : call_(call),
        given_(given),
        to_(to),
        stream_(static_cast<cudaStream_t>(call.stream)),
        staged_{!is_on_device(to.centers), !is_on_device(to.radii), !is_on_device(to.duals),
                !is_on_device(to.gaps),    !is_on_device(to.rays),  !is_on_device(to.status)},
        counters_(2) {
    require_shapes();
    choose_layout();
    choose_memory();
  }

  void run() {
    read_all();
    for (std::int64_t first = 0; first < given_.n_polyhedra;) {
      poll(call_);
      const std::int64_t last = end_of_piece(first);
      solve(first, last);
      first = last;
    }
  }

 private:
  // Whether answers go to the host.
  struct Staged {
    bool centers = false, radii = false, duals = false, gaps = false, rays = false, status = false;
  };
  // Rows and bounds that are copied, and room for answers that are: null where they are in place.
  struct Staging {
    std::int64_t* starts = nullptr;
    double* rows = nullptr;
    double* bounds = nullptr;
    HscCenters out{};
  };

  std::int64_t n_bounds() const { return given_.starts[given_.n_polyhedra]; }
  std::int64_t n_elements() const { return given_.n_rows * given_.n_features; }
  std::int64_t count(std::int64_t first, std::int64_t last) const {
    return given_.starts[last] - given_.starts[first];
  }

  // Where rows that all share are made ready.
  RowsMemory shared_rows() const {
    Carver carver(ready_rows_.data());
    return shared_ ? RowsMemory(layout_.most_rows, layout_.n_features, carver) : RowsMemory();
  }

  void require_shapes();
  void choose_layout();
  void choose_memory();
  Staging stage(std::int64_t n_polyhedra, std::int64_t n_bounds, Carver& carver) const;
  std::int64_t staging_size(std::int64_t n_polyhedra, std::int64_t n_bounds) const {
    Carver carver(nullptr);
    stage(n_polyhedra, n_bounds, carver);
    return carver.used();
  }
  std::int64_t end_of_piece(std::int64_t first) const;
  void read_all();
  void solve(std::int64_t first, std::int64_t last);
  void read(std::int64_t first, std::int64_t last, const Staging& staging);
  void write(std::int64_t first, std::int64_t last, const Staging& staging);
  std::int64_t first_bad(const double* values, std::int64_t n);
  void require_finite(const double* values, std::int64_t n, const char* name, std::int64_t offset);

  template <class T>
  void copy(T* to, const T* from, std::int64_t n) {
    copy_elements(to, from, n, stream_);
  }

  const HscCall& call_;
  const HscPolyhedra& given_;
  const HscCenters& to_;
  cudaStream_t stream_;
  Staged staged_;
  bool shared_ = false;
  Layout layout_;
  int n_threads_ = 0;
  std::int64_t n_blocks_ = 0;
  std::int64_t most_staged_ = 0;         // bytes
  Buffer<unsigned long long> counters_;  // of polyhedra taken, and the first bad number
  Buffer<double> given_rows_;            // of all, if they come from the host
  Buffer<unsigned char> ready_rows_;     // of all
  Buffer<unsigned char> workspaces_;
  Buffer<unsigned char> staging_;
};

void CentersCall::require_shapes() {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw Failure(HSC_ARGUMENT, message);
  };
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() / 2;
  require(given_.n_features >= 1, "A must have at least one column");
  bool equal = true;
  std::int64_t most_rows = 0;
  for (std::int64_t i = 0; i < given_.n_polyhedra; ++i) {
    const std::int64_t n = count(i, i + 1);
    require(n >= 0, "starts must not descend");
    equal = equal && n == given_.n_rows;
    most_rows = std::max(most_rows, n);
  }
  require(equal || n_bounds() == given_.n_rows,
          "A must have one row for each of the " + std::to_string(n_bounds()) +
              " elements of b, got " + std::to_string(given_.n_rows));
  require(most_rows <= kMost && given_.n_features <= kMost, "a polyhedron of A is too large");
  shared_ = equal && given_.n_polyhedra > 1;
  layout_.n_features = static_cast<int>(given_.n_features);
  layout_.most_rows = static_cast<int>(most_rows);
  layout_.own_rows = !shared_;
}

// As much near as the device has memory for in a block, edges first.
void CentersCall::choose_layout() {
  constexpr int kLeftForStatic = 1024;
  const int most =
      attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, call_.device) - kLeftForStatic;
  const std::pair<bool, bool> choices[] = {
      {true, true}, {true, false}, {false, true}, {false, false}};
  for (const auto& [edges_near, vectors_near] : choices) {
    layout_.edges_near = edges_near;
    layout_.vectors_near = vectors_near;
    Carver near(nullptr);
    Carver far(nullptr);
    static_cast<void>(Workspace(layout_, near, far));
    layout_.n_near = near.used();
    layout_.n_far = (far.used() + 255) / 256 * 256;
    if (layout_.n_near <= most) break;
  }
  n_threads_ = choose_threads(layout_.n_features);
}

// Workspaces for as many blocks as the device runs at a time, but for no more than half of the
// memory; the rest is for polyhedra and answers that are copied.
void CentersCall::choose_memory() {
  std::int64_t left = call_.memory_limit - counters_.n_bytes();
  if (shared_) {
    Carver ready(nullptr);
    static_cast<void>(RowsMemory(layout_.most_rows, layout_.n_features, ready));
    left -= ready.used() + (given_.on_device != 0 ? 0 : 8 * n_elements());
  }
  const std::int64_t least = staging_size(1, layout_.most_rows);
  if (layout_.n_far + least > left) {
    throw Failure(HSC_MEMORY,
                  "memory_limit is " + std::to_string(call_.memory_limit) +
                      " bytes, but one polyhedron takes " +
                      std::to_string(call_.memory_limit - left + layout_.n_far + least));
  }
  const auto lock = ask_for_block_memory(solve_piece, static_cast<std::size_t>(layout_.n_near));
  int in_multiprocessor = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&in_multiprocessor, solve_piece, n_threads_,
                                                      static_cast<std::size_t>(layout_.n_near)),
        "asking how many blocks run");
  const std::int64_t resident =
      std::int64_t{std::max(in_multiprocessor, 1)} * n_multiprocessors(call_.device);
  const std::int64_t affordable = std::min(left / 2, left - least) / layout_.n_far;
  n_blocks_ = std::clamp<std::int64_t>(std::min(affordable, given_.n_polyhedra), 1, resident);
  most_staged_ = std::min(left - n_blocks_ * layout_.n_far, std::max(least, kCopiedAtOnce));
}

CentersCall::Staging CentersCall::stage(std::int64_t n_polyhedra, std::int64_t n_bounds,
                                        Carver& carver) const {
  const std::int64_t n = given_.n_features;
  Staging out;
  out.starts = carver.take<std::int64_t>(n_polyhedra + 1);
  if (given_.on_device == 0) {
    if (!shared_) out.rows = carver.take<double>(n_bounds * n);
    out.bounds = carver.take<double>(n_bounds);
  }
  if (staged_.centers) out.out.centers = carver.take<double>(n_polyhedra * n);
  if (staged_.radii) out.out.radii = carver.take<double>(n_polyhedra);
  if (staged_.duals) out.out.duals = carver.take<double>(n_bounds);
  if (staged_.gaps) out.out.gaps = carver.take<double>(n_polyhedra);
  if (staged_.rays) out.out.rays = carver.take<double>(n_polyhedra * n);
  if (staged_.status) out.out.status = carver.take<std::int8_t>(n_polyhedra);
  return out;
}

// As many polyhedra as memory and time for one launch allow, but enough for all blocks.
std::int64_t CentersCall::end_of_piece(std::int64_t first) const {
  const auto n = static_cast<double>(given_.n_features);
  double n_read = 0.0;
  std::int64_t last = first;
  while (last < given_.n_polyhedra) {
    const std::int64_t next = last + 1;
    const double n_numbers = n * static_cast<double>(count(last, next)) + 4.0 * n * n;
    n_read += 8.0 * n_numbers * kStepsPerFeature * n;
    if (last > first && staging_size(next - first, count(first, next)) > most_staged_) break;
    if (last - first >= n_blocks_ && n_read > kReadAtOnce) break;
    last = next;
  }
  return last;
}

// Check what is in place, and make rows ready that all polyhedra share.
void CentersCall::read_all() {
  const double* rows = given_.rows;
  if (shared_ && given_.on_device == 0) {
    given_rows_.reserve(n_elements());
    copy(given_rows_.data(), given_.rows, n_elements());
    rows = given_rows_.data();
  }
  if (shared_ || given_.on_device != 0) require_finite(rows, n_elements(), "A", 0);
  if (given_.on_device != 0) require_finite(given_.bounds, n_bounds(), "b", 0);
  if (shared_) {
    Carver sizes(nullptr);
    static_cast<void>(RowsMemory(layout_.most_rows, layout_.n_features, sizes));
    ready_rows_.reserve(sizes.used());
    launch(prepare_rows, 1, kMostThreads, 0, stream_, rows, layout_.most_rows, layout_.n_features,
           shared_rows());
  }
  workspaces_.reserve(n_blocks_ * layout_.n_far);
}

void CentersCall::solve(std::int64_t first, std::int64_t last) {
  staging_.reserve(staging_size(last - first, count(first, last)));
  Carver carver(staging_.data());
  const Staging staging = stage(last - first, count(first, last), carver);
  read(first, last, staging);
  const std::int64_t n = given_.n_features;
  const std::int64_t start = given_.starts[first];
  Piece piece{};
  piece.n_polyhedra = last - first;
  piece.starts = staging.starts;
  piece.rows = staging.rows;
  if (shared_ && given_.on_device == 0) piece.rows = given_rows_.data();
  if (given_.on_device != 0) piece.rows = given_.rows + (shared_ ? 0 : start * n);
  piece.bounds = given_.on_device != 0 ? given_.bounds + start : staging.bounds;
  piece.out = {staged_.centers ? staging.out.centers : to_.centers + first * n,
               staged_.radii ? staging.out.radii : to_.radii + first,
               staged_.duals ? staging.out.duals : to_.duals + start,
               staged_.gaps ? staging.out.gaps : to_.gaps + first,
               staged_.rays ? staging.out.rays : to_.rays + first * n,
               staged_.status ? staging.out.status : to_.status + first};
  check(cudaMemsetAsync(counters_.data(), 0, sizeof(unsigned long long), stream_), "counting");
  const auto n_blocks = static_cast<unsigned>(std::min(n_blocks_, piece.n_polyhedra));
  launch(solve_piece, n_blocks, static_cast<unsigned>(n_threads_),
         static_cast<std::size_t>(layout_.n_near), stream_, piece, layout_, shared_rows(),
         workspaces_.data(), counters_.data());
  write(first, last, staging);
  check(cudaStreamSynchronize(stream_), "finding largest balls");
}

void CentersCall::read(std::int64_t first, std::int64_t last, const Staging& staging) {
  const std::int64_t start = given_.starts[first];
  const std::int64_t n = count(first, last);
  copy(staging.starts, given_.starts + first, last - first + 1);
  if (given_.on_device != 0) return;
  if (!shared_) {
    const std::int64_t from = start * given_.n_features;
    copy(staging.rows, given_.rows + from, n * given_.n_features);
    require_finite(staging.rows, n * given_.n_features, "A", from);
  }
  copy(staging.bounds, given_.bounds + start, n);
  const std::int64_t bad = first_bad(staging.bounds, n);
  if (bad < 0) return;
  // What is wrong with A is said first, whatever piece it is in.
  for (std::int64_t i = given_.starts[last] * given_.n_features; i < n_elements(); ++i) {
    if (!shared_ && !std::isfinite(given_.rows[i])) fail_not_finite("A", given_.rows[i], i);
  }
  fail_not_finite("b", given_.bounds[start + bad], start + bad);
}

void CentersCall::write(std::int64_t first, std::int64_t last, const Staging& staging) {
  const std::int64_t n = given_.n_features;
  const std::int64_t count_ = last - first;
  const std::int64_t start = given_.starts[first];
  if (staged_.centers) copy(to_.centers + first * n, staging.out.centers, count_ * n);
  if (staged_.radii) copy(to_.radii + first, staging.out.radii, count_);
  if (staged_.duals) copy(to_.duals + start, staging.out.duals, count(first, last));
  if (staged_.gaps) copy(to_.gaps + first, staging.out.gaps, count_);
  if (staged_.rays) copy(to_.rays + first * n, staging.out.rays, count_ * n);
  if (staged_.status) copy(to_.status + first, staging.out.status, count_);
}

// The index of the first number on the device that is none, or -1.
std::int64_t CentersCall::first_bad(const double* values, std::int64_t n) {
  if (n == 0) return -1;
  unsigned long long* found = counters_.data() + 1;
  check(cudaMemsetAsync(found, 0xff, sizeof *found, stream_), "checking numbers");
  const auto n_blocks = static_cast<unsigned>(std::min<std::int64_t>((n + 255) / 256, 2048));
  launch(find_bad, n_blocks, 256, 0, stream_, values, n, found);
  unsigned long long first = 0;
  copy(&first, found, 1);
  check(cudaStreamSynchronize(stream_), "checking numbers");
  return static_cast<std::int64_t>(first);
}

void CentersCall::require_finite(const double* values, std::int64_t n, const char* name,
                                 std::int64_t offset) {
  const std::int64_t bad = first_bad(values, n);
  if (bad < 0) return;
  double value = 0.0;
  copy(&value, values + bad, 1);
  check(cudaStreamSynchronize(stream_), "checking numbers");
  fail_not_finite(name, value, offset + bad);
}

}  // namespace

int chebyshev_centers(const HscCall* call, const HscPolyhedra* polyhedra, const HscCenters* to) {
  return guarded(call->device, [&] { CentersCall(*call, *polyhedra, *to).run(); });
}

}  // namespace hullspace::cuda
