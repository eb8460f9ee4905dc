#include "cuda/rounds.hpp"

#include <algorithm>

#include "cuda/carver.hpp"

namespace hullspace::cuda {
namespace {

// Up to so many features a warp works on a query, then a block: of what is used most the memory of
// several warps fits a block's no longer.
constexpr int kMostFeaturesOfWarp = 128;
// Keys beyond one list for each query, for splitting the points among more blocks.
constexpr std::int64_t kMostExtraKeys = std::int64_t{1} << 24;
constexpr double kExtraKeysShare = 0.05;  // of the memory limit

constexpr int kListThreads = 128;
// Scans of a part of the points before those of all; what it still has to say then is little.
constexpr int kPartRounds = 3;

__global__ void forget_lowest(Extreme* lowest, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  for (int k = 0; k < kExactShares; ++k) lowest[i * kExactShares + k] = {kInfinity, -1};
}

// What exact scans found as lists of one point.
__global__ void list_lowest(Extreme* lowest, int n, int first, Merged merged) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  Extreme* shares = lowest + i * kExactShares;
  for (int k = 1; k < kExactShares; ++k) {
    if (is_lower(shares[k], shares[0])) shares[0] = shares[k];
  }
  const int place = shares[0].place;
  merged.points[static_cast<std::int64_t>(merged.stride) * (first + i)] = place < 0 ? 0 : place;
  merged.counts[first + i] = place < 0 ? 0 : 1;
}

}  // namespace

// A batch's memory.
struct Rounds::Batch {
  Slots slots{};
  Waiting waiting[2]{};
  Merged merged{};
  std::uint64_t* keys = nullptr;
  std::int64_t n_keys = 0;
  int* list_counts = nullptr;  // one for each list_capacity(1) keys
  Extreme* lowest = nullptr;
  Counts* counts = nullptr;
  std::int32_t* overflowed = nullptr;
  unsigned char* gathered = nullptr;
  std::size_t direction_bytes = 0;
  std::int64_t n_bytes = 0;
};

Rounds::Rounds(PointSet& points, const HscCall& call, const HullCall& what, const ScanKind& scan)
    : points_(points),
      call_(call),
      what_(what),
      scan_(scan),
      stream_(static_cast<cudaStream_t>(call.stream)),
      n_multiprocessors_(n_multiprocessors(call.device)) {}

void Rounds::carve_waiting(std::int64_t n, Carver& carver, Batch& batch) const {
  const std::int64_t n_tiles = (n + kTile - 1) / kTile;
  const std::int64_t direction_floats = n_tiles * kTile * points_.n_scan_rows();
  batch.direction_bytes = static_cast<std::size_t>(direction_floats) * sizeof(float);
  for (Waiting& waiting : batch.waiting) {
    waiting.slots = carver.take<std::int32_t>(n);
    waiting.directions = carver.take<float>(direction_floats);
    waiting.thresholds = carver.take<float>(n_tiles * kTile);
    waiting.keep = carver.take<int>(n);
    waiting.excluded = carver.take<std::int32_t>(n);
    waiting.exact_slots = carver.take<std::int32_t>(n);
    waiting.exact_directions = carver.take<double>(n * points_.n_features());
    waiting.exact_excluded = carver.take<std::int32_t>(n);
  }
}

Rounds::Batch Rounds::carve(std::int64_t n, int most_support, unsigned char* memory) const {
  Batch batch;
  Carver carver(memory);
  const QueryShape shape{{points_.n_features(), most_support, points_.is_double()},
                         what_.question.goal == Goal::kRay};
  const int listed = shape.most_listed();
  Carver near(nullptr);
  Carver far(nullptr);
  const QueryMemory measured(shape, near, far);
  batch.slots = {shape, nullptr, near.used(), far.used(), nullptr};
  batch.slots.memory = carver.take<unsigned char>(n * (near.used() + far.used()));
  batch.slots.queries = carver.take<std::int32_t>(n);
  carve_waiting(n, carver, batch);
  batch.merged = {carver.take<std::int32_t>(n * listed), carver.take<int>(n), carver.take<float>(n),
                  listed};
  const auto affordable =
      static_cast<std::int64_t>(kExtraKeysShare * static_cast<double>(call_.memory_limit) / 8.0);
  batch.n_keys = n * list_capacity(listed) + std::min(kMostExtraKeys, affordable);
  batch.keys = carver.take<std::uint64_t>(batch.n_keys);
  batch.list_counts = carver.take<int>(batch.n_keys / list_capacity(1));
  batch.lowest = carver.take<Extreme>(n * kExactShares);
  batch.counts = carver.take<Counts>(1);
  batch.overflowed = carver.take<std::int32_t>(n);
  if (!points_.has_rows()) {
    const std::int64_t row = std::int64_t{points_.n_features()} * (points_.is_double() ? 8 : 4);
    batch.gathered = carver.take<unsigned char>(n * listed * row);
  }
  batch.n_bytes = carver.used();
  return batch;
}

std::int64_t Rounds::n_bytes(std::int64_t n, int most_support) const {
  return carve(n, most_support, nullptr).n_bytes;
}

Counts Rounds::read_counts(const Batch& batch) const {
  Counts counts{};
  copy_elements(&counts, batch.counts, 1, stream_);
  check(cudaStreamSynchronize(stream_), "working on queries");
  return counts;
}

// Empty lists for the queries that wait, split among as many blocks as memory allows.
Lists Rounds::empty_lists(const Batch& batch, const Waiting& waiting, const Counts& counts,
                          std::int64_t n_points) const {
  const int n = counts.n_waiting;
  Lists lists{batch.keys, batch.list_counts, waiting.thresholds, 1, 0, counts.most_wanted};
  lists.capacity = list_capacity(lists.most);
  if (n == 0) return lists;
  const std::int64_t affordable = batch.n_keys / (static_cast<std::int64_t>(n) * lists.capacity);
  lists.n_splits = static_cast<int>(std::clamp<std::int64_t>(
      choose_splits(n, n_points, n_multiprocessors_), 1, std::max<std::int64_t>(1, affordable)));
  check(cudaMemsetAsync(lists.counts, 0, static_cast<std::size_t>(n) * lists.n_splits * sizeof(int),
                        stream_),
        "clearing");
  return lists;
}

// Make the scans that queries wait for, of a part of the points if that is not null.
void Rounds::scan(const Batch& batch, const Waiting& waiting, const Counts& counts,
                  const Panels* part) {
  const int n = counts.n_waiting;
  const int n_rows = points_.n_scan_rows();
  const std::int64_t n_points = points_.n_points() / (part == nullptr ? 1 : part->step);
  const Lists lists = empty_lists(batch, waiting, counts, n_points);
  const Directions directions{waiting.directions, n, n_rows, waiting.excluded};
  if (part != nullptr) {
    scan_.scan(*part, directions, lists, stream_);
    return merge_lists(lists, n, waiting.keep, batch.merged, stream_);
  }
  const dim3 exact_blocks(
      static_cast<unsigned>((counts.n_exact + kListThreads - 1) / kListThreads));
  if (counts.n_exact > 0) {
    launch(forget_lowest, exact_blocks, dim3(kListThreads), 0, stream_, batch.lowest,
           counts.n_exact);
  }
  // Double precision takes many times as long.
  const double work = n_rows * (n + 32.0 * counts.n_exact);
  points_.visit(call_, work,
                [&](const Panels& panels, const DeviceMatrix& rows, std::int64_t first) {
                  scan_.scan(panels, directions, lists, stream_);
                  scan_exactly(rows, first, points_.frame(), waiting.exact_directions,
                               counts.n_exact, waiting.exact_excluded, batch.lowest, stream_);
                });
  merge_lists(lists, n, waiting.keep, batch.merged, stream_);
  if (counts.n_exact > 0) {
    launch(list_lowest, exact_blocks, dim3(kListThreads), 0, stream_, batch.lowest, counts.n_exact,
           n, batch.merged);
  }
  if (points_.has_rows()) return;
  points_.gather_rows(
      {batch.merged.points, batch.merged.counts, n + counts.n_exact, batch.merged.stride},
      batch.gathered, call_);
}

bool Rounds::by_warps() const { return points_.n_features() <= kMostFeaturesOfWarp; }

// What all steps have in common, and the queries that wait for the first scan.
Step Rounds::first_step(const Batch& batch, int n) const {
  Step step{};
  step.slots = batch.slots;
  step.frame = points_.frame();
  step.call = what_;
  step.radius = points_.radius();
  step.n_rows = points_.n_scan_rows();
  step.merged = batch.merged;
  step.lowest = batch.lowest;
  step.rows = points_.rows();
  step.in_order = !points_.has_rows();
  if (step.in_order) {
    step.rows = {batch.gathered, std::int64_t{n} * batch.merged.stride, points_.n_features(),
                 points_.is_double()};
  }
  step.counts = batch.counts;
  step.overflowed = batch.overflowed;
  step.next = batch.waiting[0];
  step.n_waiting = n;
  return step;
}

// Rounds until no query waits; returns how many need more memory.
std::int64_t Rounds::go_on(const Batch& batch, Step& step) {
  const bool is_ray = batch.slots.shape.is_ray;
  const Panels part = points_.part();
  const bool has_part = part.data != nullptr && part.step > 1;
  const int most_part_rounds = is_ray ? 1 : kPartRounds;
  const int n_part_rounds = has_part ? most_part_rounds : 0;
  const auto advance_warps = is_ray ? &advance<WarpTeam, true> : &advance<WarpTeam, false>;
  const auto advance_blocks = is_ray ? &advance<BlockTeam, true> : &advance<BlockTeam, false>;
  Counts counts{step.n_waiting, 0, 0, kStartPoints};
  for (int round = 0; counts.n_waiting + counts.n_exact > 0; ++round) {
    poll(call_);
    step.now = batch.waiting[round % 2];
    step.next = batch.waiting[(round + 1) % 2];
    step.n_waiting = counts.n_waiting;
    step.n_exact = counts.n_exact;
    step.is_part = round < n_part_rounds;
    scan(batch, step.now, counts, step.is_part ? &part : nullptr);
    // Overflowed queries stay counted.
    const Counts none{0, 0, counts.n_overflowed, 0};
    copy_elements(batch.counts, &none, 1, stream_);
    (by_warps() ? advance_warps : advance_blocks)(step, stream_);
    counts = read_counts(batch);
  }
  return counts.n_overflowed;
}

std::vector<std::int32_t> Rounds::run(const std::vector<std::int32_t>& queries, int most_support,
                                      unsigned char* memory, const AnswerArrays& answers) {
  const int n = static_cast<int>(queries.size());
  const Batch batch = carve(n, most_support, memory);
  for (const Waiting& waiting : batch.waiting) {
    // The last tile's directions that are none are multiplied, too.
    check(cudaMemsetAsync(waiting.directions, 0, batch.direction_bytes, stream_), "clearing");
  }
  copy_elements(batch.slots.queries, queries.data(), n, stream_);
  Step step = first_step(batch, n);
  by_warps() ? start<WarpTeam>(step, n, stream_) : start<BlockTeam>(step, n, stream_);
  const std::int64_t n_overflowed = go_on(batch, step);
  by_warps() ? write<WarpTeam>(step, n, answers, stream_)
             : write<BlockTeam>(step, n, answers, stream_);
  std::vector<std::int32_t> overflowed(static_cast<std::size_t>(n_overflowed));
  copy_elements(overflowed.data(), batch.overflowed, n_overflowed, stream_);
  check(cudaStreamSynchronize(stream_), "writing answers");
  std::sort(overflowed.begin(), overflowed.end());
  return overflowed;
}

}  // namespace hullspace::cuda
