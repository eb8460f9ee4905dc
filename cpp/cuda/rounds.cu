#include "cuda/rounds.hpp"

#include <algorithm>
#include <cmath>

#include "cuda/team_launch.hpp"

namespace hullspace::cuda {
namespace {

// Up to so many features a warp works on a query, then a block.
constexpr int kMostFeaturesOfWarp = 256;
// Block memory that the teams of a block may take together, so that several blocks share a
// multiprocessor. Every device has 99 KiB for a block, of which kernels declare a little.
constexpr std::int64_t kMostBlockMemory = std::int64_t{98} << 10;
// Keys beyond one list for each query, for splitting the points among more blocks.
constexpr std::int64_t kMostExtraKeys = std::int64_t{1} << 24;
constexpr double kExtraKeysShare = 0.05;  // of the memory limit

constexpr int kListThreads = 128;
// Scans of a part of the points before those of all; what it still has to say then is little.
constexpr int kPartRounds = 3;

// What a step's kernel needs to know.
struct Step {
  Slots slots;
  Frame frame;
  HullCall call;
  double radius;
  int n_rows;  // of a packed direction
  Merged merged;
  const Extreme* lowest;  // of exact scans, (n, kExactShares), the first being the lowest
  DeviceMatrix rows;      // of all points, or those that were gathered, in order
  bool in_order;
  bool is_part;  // whether the scan was one of a part of the points
  Waiting now;
  int n_waiting;
  int n_exact;
  Waiting next;
  Counts* counts;
  std::int32_t* overflowed;
};

HULLSPACE_DEVICE float round_up(double x) {
  const float rounded = static_cast<float>(x);
  return static_cast<double>(rounded) >= x ? rounded : nextafterf(rounded, INFINITY);
}

HULLSPACE_DEVICE std::int32_t excluded_point(const Step& step, int slot) {
  const std::int64_t first = step.call.first_point;
  return first < 0 ? -1 : static_cast<std::int32_t>(first + step.slots.queries[slot]);
}

// The query in the set's coordinates, as PointSet::load_query of the core finds it. Returns the
// data's length of a unit of them if it was moved in, or 0.
template <class Team>
HULLSPACE_DEVICE double load_query(const Team& team, const Step& step, std::int64_t row,
                                   double* out) {
  const DeviceMatrix& queries = step.call.queries;
  const std::int64_t n = queries.n_columns;
  const Frame& frame = step.frame;
  const auto element = [&](std::int64_t j) { return queries.element(row, j); };
  double largest = 0.0;
  for (std::int64_t j = team.lane(); j < n; j += team.size()) {
    // Quarters cannot overflow; queries this far out do not notice the lost last bits.
    const double quarter = 0.25 * element(j) - 0.25 * frame.center[j];
    const double difference = element(j) - frame.center[j];
    largest = fabs(quarter) > largest ? fabs(quarter) : largest;
    out[j] = difference - difference == 0.0 ? difference * frame.high * frame.low
                                            : 4.0 * (quarter * frame.high * frame.low);
  }
  largest = team.largest(largest);
  const double limit = tolerances::kFarthestQuery * step.radius;
  if (!(0.25 * limit / frame.high / frame.low < largest)) return 0.0;
  for (std::int64_t j = team.lane(); j < n; j += team.size()) {
    out[j] = (0.25 * element(j) - 0.25 * frame.center[j]) / largest * limit;
  }
  return largest / (0.25 * limit);
}

template <class Team>
__global__ void __launch_bounds__(kTeamThreads<Team>) start_queries(Step step, int n_slots) {
  with_team<Team>(n_slots, [&](const Team& team, int slot) {
    Carver near(step.slots.at(slot));
    Carver far(step.slots.at(slot) + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    const std::int64_t row = step.slots.queries[slot];
    const double far_unit =
        load_query(team, step, step.call.queries.n_rows == 1 ? 0 : row, memory.active.query);
    const double length =
        shape.is_ray ? load_direction(team, step.call.directions, row, memory.ray.direction) : 0.0;
    Query<Team, true>(team, memory, shape, step.frame, step.call.question).start(far_unit, length);
    const int n = shape.active.n_features;
    // |p - q|^2 / 2 = |p|^2 / 2 - q . p + |q|^2 / 2: nearest points score lowest against -q.
    for (int k = team.lane(); k < step.n_rows; k += team.size()) {
      const double x = k < n ? -memory.active.query[k] : k == n;
      step.next.directions[packed_place(slot, k, step.n_rows)] = static_cast<float>(x);
    }
    if (team.lane() != 0) return;
    step.next.slots[slot] = slot;
    step.next.thresholds[slot] = INFINITY;
    step.next.keep[slot] = kStartPoints;
    step.next.excluded[slot] = excluded_point(step, slot);
  });
}

// What the scan listed for the i-th of the queries that waited.
HULLSPACE_DEVICE Listed listed_for(const Step& step, int i) {
  const std::int64_t first = static_cast<std::int64_t>(step.merged.stride) * i;
  const double bound = i < step.n_waiting ? static_cast<double>(step.merged.bounds[i]) -
                                                step.call.question.scan_error
                                          : step.lowest[(i - step.n_waiting) * kExactShares].value;
  return {step.rows,     step.merged.points + first, step.in_order ? -first : 0,
          step.in_order, step.merged.counts[i],      bound,
          step.is_part};
}

// Queue a query for the next single-precision scan.
template <class Team, bool kRays>
HULLSPACE_DEVICE void expect_scan(const Team& team, const Step& step, Query<Team, kRays>& query,
                                  const QueryMemory& memory, int slot) {
  const float threshold = round_up(query.threshold());
  const int wanted = query.n_wanted();
  if (team.lane() == 0) {
    const int place = atomicAdd(&step.counts->n_waiting, 1);
    atomicMax(&step.counts->most_wanted, wanted);
    memory.state->place = place;
    step.next.slots[place] = slot;
    step.next.thresholds[place] = threshold;
    step.next.keep[place] = wanted;
    step.next.excluded[place] = excluded_point(step, slot);
  }
  team.sync();
  const int place = memory.state->place;
  const int n = step.slots.shape.active.n_features;
  for (int k = team.lane(); k < step.n_rows; k += team.size()) {
    step.next.directions[packed_place(place, k, step.n_rows)] =
        k < n ? static_cast<float>(memory.active.direction[k]) : 0.0F;
  }
}

// Queue a query for the next scan in double precision.
template <class Team>
HULLSPACE_DEVICE void expect_exact_scan(const Team& team, const Step& step,
                                        const QueryMemory& memory, int slot) {
  if (team.lane() == 0) {
    const int place = atomicAdd(&step.counts->n_exact, 1);
    memory.state->place = place;
    step.next.exact_slots[place] = slot;
    step.next.exact_excluded[place] = excluded_point(step, slot);
  }
  team.sync();
  const int n = step.slots.shape.active.n_features;
  double* out = step.next.exact_directions + static_cast<std::int64_t>(memory.state->place) * n;
  for (int j = team.lane(); j < n; j += team.size()) out[j] = memory.active.direction[j];
}

// Copy what is used most to or from block memory, in whole words of 16 bytes.
template <class Team>
HULLSPACE_DEVICE void copy_near(const Team& team, const unsigned char* from, unsigned char* to,
                                std::int64_t n_bytes) {
  team.sync();
  for (std::int64_t i = team.lane(); i < n_bytes / 16; i += team.size()) {
    reinterpret_cast<int4*>(to)[i] = reinterpret_cast<const int4*>(from)[i];
  }
  team.sync();
}

template <class Team, bool kRays>
__global__ void __launch_bounds__(kTeamThreads<Team>, kIsWarp<Team> ? 4 : 2)
    step_queries(Step step, std::int64_t block_bytes) {
  with_team<Team>(step.n_waiting + step.n_exact, [&](const Team& team, int i) {
    const int slot =
        i < step.n_waiting ? step.now.slots[i] : step.now.exact_slots[i - step.n_waiting];
    unsigned char* home = step.slots.at(slot);
    unsigned char* place = home;
    if (block_bytes > 0) {
      place = block_memory() + block_bytes * (kIsWarp<Team> ? threadIdx.x / kWarpSize : 0);
      copy_near(team, home, place, block_bytes);
    }
    Carver near(place);
    Carver far(home + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    Query<Team, kRays> query(team, memory, shape, step.frame, step.call.question);
    const Stage stage = query.advance(listed_for(step, i));
    if (stage == Stage::kFull) expect_scan(team, step, query, memory, slot);
    if (stage == Stage::kExact || stage == Stage::kLast) {
      expect_exact_scan(team, step, memory, slot);
    }
    if (stage == Stage::kOverflowed && team.lane() == 0) {
      step.overflowed[atomicAdd(&step.counts->n_overflowed, 1)] = step.slots.queries[slot];
    }
    if (block_bytes > 0) copy_near(team, place, home, block_bytes);
  });
}

// Lengths of a slot's answer in the data's units, where its query really is; see hull/hull.cpp.
struct DataUnits {
  Frame frame;
  double far_unit;

  HULLSPACE_DEVICE double length(double x) const { return x / frame.high / frame.low; }
  // A query that was moved in sees the set shrunk by as much.
  HULLSPACE_DEVICE double shrink() const { return far_unit > 0.0 ? length(1.0) / far_unit : 1.0; }
  HULLSPACE_DEVICE double distance(double x) const {
    return far_unit > 0.0 ? x * far_unit : length(x);
  }
  HULLSPACE_DEVICE double margin(double x) const {
    const double moved =
        far_unit > 0.0 ? (1.0 - 8.0 / tolerances::kFarthestQuery) * x * far_unit : length(x);
    return moved < 0x1.fffffffffffffp1023 ? moved : 0x1.fffffffffffffp1023;
  }
};

// Points where queries have their nearest, and what proves it.
template <class Team>
HULLSPACE_DEVICE void write_projection(const Team& team, const Step& step,
                                       const QueryMemory& memory, std::int64_t query,
                                       const AnswerArrays& answers) {
  const QueryState& state = *memory.state;
  const DataUnits units{step.frame, state.far_unit};
  const int n = step.slots.shape.active.n_features;
  const bool is_membership = step.call.question.goal == Goal::kContain;
  const bool is_outside = state.status == Status::kOutside;
  double square = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    const double nearest = memory.active.nearest[j];
    const double difference = memory.active.query[j] - nearest * units.shrink();
    square += difference * difference;
    if (!is_membership) {
      answers.points[query * n + j] = step.frame.center[j] + units.length(nearest);
    }
    answers.normals[query * n + j] =
        is_membership ? (is_outside ? -memory.active.direction[j] : 0.0) : -memory.proof[j];
  }
  const double distance = units.distance(sqrt(team.sum(square)));
  if (team.lane() != 0) return;
  if (is_membership) {
    answers.gaps[query] = is_outside ? units.margin(state.margin) : 0.0;
    answers.residuals[query] = state.status == Status::kInside ? distance : NAN;
  } else {
    const double gap = units.length(state.gap);
    answers.distances[query] = distance;
    answers.gaps[query] = gap < distance ? gap : distance;
  }
}

// Where rays leave the hull, and the hyperplane that proves it.
template <class Team>
HULLSPACE_DEVICE void write_ray(const Team& team, const Step& step, const QueryMemory& memory,
                                std::int64_t query, const AnswerArrays& answers) {
  const QueryState& state = *memory.state;
  const DataUnits units{step.frame, 0.0};
  const int n = step.slots.shape.active.n_features;
  const bool is_known = state.status != Status::kUndecided;
  double offset = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    const double point = step.frame.center[j] + units.length(memory.active.query[j]);
    const double normal = is_known ? -memory.ray.exit[j] : 0.0;
    offset += normal * point;
    answers.normals[query * n + j] = normal;
    answers.points[query * n + j] = state.status == Status::kOptimal ? point : NAN;
  }
  offset = team.sum(offset);
  if (team.lane() != 0) return;
  if (state.status == Status::kOutside) offset -= units.length(state.margin);
  const RayState& ray = *memory.ray.state;
  answers.gaps[query] = is_known ? offset : NAN;
  answers.distances[query] =
      state.status == Status::kOptimal ? units.length(ray.step - ray.first) / ray.length : NAN;
}

template <class Team>
HULLSPACE_DEVICE void write_weights(const Team& team, const Step& step, const QueryMemory& memory,
                                    std::int64_t query, const AnswerArrays& answers) {
  const Goal goal = step.call.question.goal;
  const Status status = memory.state->status;
  const bool wanted = goal == Goal::kProject ||
                      status == (goal == Goal::kContain ? Status::kInside : Status::kOptimal);
  const ActiveSetMemory& active = memory.active;
  const int count = wanted ? active.state->n_support : 0;
  double total = 0.0;
  for (int i = team.lane(); i < count; i += team.size()) total += active.weights[i];
  total = team.sum(total);
  if (team.lane() == 0) {
    answers.counts[query] = count;
    answers.places[query] = static_cast<std::int64_t>(
        atomicAdd(answers.n_weights, static_cast<unsigned long long>(count)));
  }
  team.sync();
  const std::int64_t place = answers.places[query];
  for (int i = team.lane(); i < count; i += team.size()) {
    answers.values[place + i] = active.weights[i] / total;
    answers.columns[place + i] = active.ids[active.support[i]];
  }
}

template <class Team>
__global__ void __launch_bounds__(kTeamThreads<Team>)
    write_answers(Step step, int n_slots, AnswerArrays answers) {
  with_team<Team>(n_slots, [&](const Team& team, int slot) {
    Carver near(step.slots.at(slot));
    Carver far(step.slots.at(slot) + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    if (memory.state->stage == Stage::kOverflowed) return;
    const std::int64_t query = step.slots.queries[slot];
    if (step.call.question.goal == Goal::kRay) {
      write_ray(team, step, memory, query, answers);
    } else {
      write_projection(team, step, memory, query, answers);
    }
    if (team.lane() == 0) answers.status[query] = static_cast<std::int8_t>(memory.state->status);
    write_weights(team, step, memory, query, answers);
  });
}

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

template <class T>
void copy_to_host(T* to, const T* from, std::int64_t n, cudaStream_t stream) {
  check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(n) * sizeof(T), cudaMemcpyDeviceToHost,
                        stream),
        "copying from the device");
}

template <class T>
void copy_to_device(T* to, const T* from, std::int64_t n, cudaStream_t stream) {
  check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(n) * sizeof(T), cudaMemcpyHostToDevice,
                        stream),
        "copying to the device");
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

Rounds::Batch Rounds::carve(std::int64_t n, int most_support, unsigned char* memory) const {
  Batch batch;
  Carver carver(memory);
  const std::int64_t n_features = points_.n_features();
  const QueryShape shape{{points_.n_features(), most_support, points_.is_double()},
                         what_.question.goal == Goal::kRay};
  const int listed = shape.most_listed();
  Carver near(nullptr);
  Carver far(nullptr);
  const QueryMemory measured(shape, near, far);
  batch.slots = {shape, nullptr, near.used(), far.used(), nullptr};
  batch.slots.memory = carver.take<unsigned char>(n * (near.used() + far.used()));
  batch.slots.queries = carver.take<std::int32_t>(n);
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
    waiting.exact_directions = carver.take<double>(n * n_features);
    waiting.exact_excluded = carver.take<std::int32_t>(n);
  }
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
    const std::int64_t row = n_features * (points_.is_double() ? 8 : 4);
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
  copy_to_host(&counts, batch.counts, 1, stream_);
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

template <class Team>
static void run_step(const Step& step, cudaStream_t stream) {
  const std::int64_t bytes = step.slots.near_bytes;
  const bool fits = bytes * kTeamsPerBlock<Team> <= kMostBlockMemory;
  const bool is_ray = step.call.question.goal == Goal::kRay;
  const auto kernel = is_ray ? step_queries<Team, true> : step_queries<Team, false>;
  launch_teams<Team>(kernel, step.n_waiting + step.n_exact,
                     static_cast<std::size_t>(fits ? bytes : 0), stream, step,
                     fits ? bytes : std::int64_t{0});
}

std::vector<std::int32_t> Rounds::run(const std::vector<std::int32_t>& queries, int most_support,
                                      unsigned char* memory, const AnswerArrays& answers) {
  const int n = static_cast<int>(queries.size());
  const Batch batch = carve(n, most_support, memory);
  const bool by_warps = points_.n_features() <= kMostFeaturesOfWarp;
  for (const Waiting& waiting : batch.waiting) {
    // The last tile's directions that are none are multiplied, too.
    check(cudaMemsetAsync(waiting.directions, 0, batch.direction_bytes, stream_), "clearing");
  }
  copy_to_device(batch.slots.queries, queries.data(), n, stream_);
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
  const auto start = by_warps ? start_queries<WarpTeam> : start_queries<BlockTeam>;
  by_warps ? launch_teams<WarpTeam>(start, n, 0, stream_, step, n)
           : launch_teams<BlockTeam>(start, n, 0, stream_, step, n);
  const Panels part = points_.part();
  const bool has_part = part.data != nullptr && part.step > 1;
  const int most_part_rounds = batch.slots.shape.is_ray ? 1 : kPartRounds;
  const int n_part_rounds = has_part ? most_part_rounds : 0;
  Counts counts{n, 0, 0, kStartPoints};
  std::int64_t n_overflowed = 0;
  for (int round = 0; counts.n_waiting + counts.n_exact > 0; ++round) {
    poll(call_);
    step.now = batch.waiting[round % 2];
    step.next = batch.waiting[(round + 1) % 2];
    step.n_waiting = counts.n_waiting;
    step.n_exact = counts.n_exact;
    step.is_part = round < n_part_rounds;
    scan(batch, step.now, counts, step.is_part ? &part : nullptr);
    // Overflowed queries stay counted.
    const Counts none{0, 0, static_cast<int>(n_overflowed), 0};
    copy_to_device(batch.counts, &none, 1, stream_);
    by_warps ? run_step<WarpTeam>(step, stream_) : run_step<BlockTeam>(step, stream_);
    counts = read_counts(batch);
    n_overflowed = counts.n_overflowed;
  }
  const auto write = by_warps ? write_answers<WarpTeam> : write_answers<BlockTeam>;
  by_warps ? launch_teams<WarpTeam>(write, n, 0, stream_, step, n, answers)
           : launch_teams<BlockTeam>(write, n, 0, stream_, step, n, answers);
  std::vector<std::int32_t> overflowed(static_cast<std::size_t>(n_overflowed));
  copy_to_host(overflowed.data(), batch.overflowed, n_overflowed, stream_);
  check(cudaStreamSynchronize(stream_), "writing answers");
  std::sort(overflowed.begin(), overflowed.end());
  return overflowed;
}

}  // namespace hullspace::cuda
