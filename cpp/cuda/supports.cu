// Support functions: which point scores highest against each direction, the first where they tie.

#include <algorithm>
#include <string>
#include <vector>

#include "cuda/calls.hpp"
#include "cuda/hull.hpp"
#include "cuda/team_launch.hpp"
#include "decide/scan.hpp"

namespace hullspace::cuda {
namespace {

constexpr int kListed = 16;
constexpr std::int64_t kMostDirections = 16384;
// Keys beyond one list for each direction, for splitting the points among more blocks.
constexpr std::int64_t kExtraKeys = std::int64_t{1} << 23;
constexpr double kExtraKeysShare = 0.05;  // of the memory limit

// Memory of a batch of directions, and what its kernels need to know.
struct Supports {
  DeviceMatrix given;
  std::int64_t first = 0;  // row of the batch's first direction
  Frame frame;
  int exponent = 0;  // of the frame's unit
  int n_rows = 0;
  ScanKind kind = choose_scan();
  double scan_error = 0.0;
  double point_error = 0.0;
  DeviceMatrix rows;  // of all points, or those that were gathered, in order
  bool in_order = false;

  double* units = nullptr;   // (n, n_features), negative
  double* scaled = nullptr;  // (n, n_features), as given but for a power of two
  float* packed = nullptr;
  float* thresholds = nullptr;
  int* keep = nullptr;
  std::int64_t n_extra_keys = 0;
  std::int64_t n_lists = 0;  // that there is room for
  std::uint64_t* keys = nullptr;
  int* list_counts = nullptr;
  Merged merged;
  double* scores = nullptr;           // (n, kListed)
  Extreme* highest = nullptr;         // (n): the negative score in the data's units, and the point
  std::int8_t* incomplete = nullptr;  // (n): whether the list may lack a point that ties
  std::int32_t* found = nullptr;

  std::int64_t carve(std::int64_t n, std::int64_t n_features, std::int64_t row_bytes,
                     unsigned char* memory) {
    Carver carver(memory);
    const std::int64_t n_tiles = (n + kTile - 1) / kTile;
    units = carver.take<double>(n * n_features);
    scaled = carver.take<double>(n * n_features);
    packed = carver.take<float>(n_tiles * kTile * n_rows);
    thresholds = carver.take<float>(n_tiles * kTile);
    keep = carver.take<int>(n);
    n_lists = n + n_extra_keys / list_capacity(kListed);
    keys = carver.take<std::uint64_t>(n_lists * list_capacity(kListed));
    list_counts = carver.take<int>(n_lists);
    merged = {carver.take<std::int32_t>(n * kListed), carver.take<int>(n), carver.take<float>(n),
              kListed};
    scores = carver.take<double>(n * kListed);
    highest = carver.take<Extreme>(n);
    incomplete = carver.take<std::int8_t>(n);
    found = carver.take<std::int32_t>(n);
    auto* gathered = carver.take<unsigned char>(in_order ? n * kListed * row_bytes : 0);
    if (in_order) rows.data = gathered;
    return carver.used();
  }
};

__global__ void load_directions(Supports work, int n) {
  with_team<WarpTeam>(n, [&](const WarpTeam& team, int i) {
    const int n_features = static_cast<int>(work.given.n_columns);
    double* unit = work.units + static_cast<std::int64_t>(i) * n_features;
    double* scaled = work.scaled + static_cast<std::int64_t>(i) * n_features;
    load_direction(team, work.given, work.first + i, unit);
    double largest = 0.0;
    for (int j = team.lane(); j < n_features; j += team.size()) {
      unit[j] = -unit[j];
      scaled[j] = work.given.element(work.first + i, j);
      largest = fabs(scaled[j]) > largest ? fabs(scaled[j]) : largest;
    }
    largest = team.largest(largest);
    team.sync();
    for (int k = team.lane(); k < work.n_rows; k += team.size()) {
      work.packed[packed_place(i, k, work.n_rows)] =
          k < n_features ? static_cast<float>(unit[k]) : 0.0F;
      if (k < n_features) scaled[k] = decide::near_one(scaled[k], largest);
    }
    if (team.lane() != 0) return;
    work.thresholds[i] = INFINITY;
    work.keep[i] = kListed;
    work.highest[i] = {kInfinity, -1};
  });
}

// The negative score of a point in the data's own coordinates, where whole numbers tie exactly.
HULLSPACE_DEVICE double score_as_given(const Supports& work, const DeviceMatrix& rows,
                                       std::int64_t row, int direction) {
  const double* along = work.scaled + static_cast<std::int64_t>(direction) * rows.n_columns;
  double score = 0.0;
  for (std::int64_t j = 0; j < rows.n_columns; ++j) {
    score -= along[j] * scalbn(rows.element(row, j), work.exponent);
  }
  return score;
}

// Choose among the listed points, and tell whether the list may lack some that tie.
__global__ void choose_listed(Supports work, int n) {
  with_team<WarpTeam>(n, [&](const WarpTeam& team, int i) {
    const int n_features = static_cast<int>(work.given.n_columns);
    const int count = work.merged.counts[i];
    const std::int64_t first = static_cast<std::int64_t>(i) * kListed;
    const auto row = [&](int k) {
      return work.in_order ? first + k : work.merged.points[first + k];
    };
    double* scores = work.scores + first;
    dots(
        team, count, n_features,
        [&](int k, int j) { return framed(work.rows, work.frame, row(k), j); },
        work.units + static_cast<std::int64_t>(i) * n_features, scores);
    Extreme lowest{kInfinity, -1};
    Extreme highest{kInfinity, -1};
    for (int k = team.lane(); k < count; k += team.size()) {
      const Extreme mine{scores[k], k};
      if (is_lower(mine, lowest)) lowest = mine;
      const Extreme given{score_as_given(work, work.rows, row(k), i),
                          work.merged.points[first + k]};
      if (is_lower(given, highest)) highest = given;
    }
    const double level = decide::tie_level(team.lowest(lowest).value, work.point_error);
    const bool complete =
        decide::is_complete(level, decide::unlisted_score(work.merged.bounds[i], work.scan_error));
    highest = team.lowest(highest);
    if (team.lane() != 0) return;
    if (complete) work.highest[i] = highest;
    work.incomplete[i] = complete ? 0 : 1;
  });
}

// Where the list may be incomplete, look at the rows of all points, from index `first` on.
__global__ void choose_among_all(Supports work, DeviceMatrix rows, std::int64_t first) {
  with_team<BlockTeam>(static_cast<int>(gridDim.x), [&](const BlockTeam& team, int i) {
    if (work.incomplete[i] == 0) return;
    Extreme highest = work.highest[i];
    for (std::int64_t row = team.lane(); row < rows.n_rows; row += team.size()) {
      const Extreme mine{score_as_given(work, rows, row, i), static_cast<int>(first + row)};
      if (is_lower(mine, highest)) highest = mine;
    }
    highest = team.lowest(highest);
    if (team.lane() == 0) work.highest[i] = highest;
  });
}

__global__ void write_found(Supports work, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) work.found[i] = work.highest[i].place;
}

void find_batch(PointSet& points, const HscCall& call, Supports& work, int n) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const int wanted = choose_splits(n, points.n_points(), n_multiprocessors(call.device));
  const auto n_splits = static_cast<int>(std::min<std::int64_t>(wanted, work.n_lists / n));
  const Lists lists{work.keys, work.list_counts,       work.thresholds,
                    n_splits,  list_capacity(kListed), kListed};
  launch_teams<WarpTeam>(load_directions, n, 0, stream, work, n);
  check(cudaMemsetAsync(work.list_counts, 0, static_cast<std::size_t>(n) * n_splits * sizeof(int),
                        stream),
        "clearing");
  const double work_of_scan = static_cast<double>(work.n_rows) * n;
  points.visit(call, work_of_scan, [&](const Panels& panels, const DeviceMatrix&, std::int64_t) {
    work.kind.scan(panels, {work.packed, n, work.n_rows, nullptr}, lists, stream);
  });
  merge_lists(lists, n, work.keep, work.merged, stream);
  if (work.in_order) {
    points.gather_rows({work.merged.points, work.merged.counts, n, kListed},
                       static_cast<unsigned char*>(const_cast<void*>(work.rows.data)), call);
  }
  launch_teams<WarpTeam>(choose_listed, n, 0, stream, work, n);
  std::vector<std::int8_t> incomplete(static_cast<std::size_t>(n));
  copy_elements(incomplete.data(), work.incomplete, std::ssize(incomplete), stream);
  check(cudaStreamSynchronize(stream), "finding supports");
  if (std::ranges::any_of(incomplete, [](std::int8_t flag) { return flag != 0; })) {
    const double in_double = 32.0 * work_of_scan;
    points.visit(call, in_double, [&](const Panels&, const DeviceMatrix& rows, std::int64_t first) {
      launch_teams<BlockTeam>(choose_among_all, n, 0, stream, work, rows, first);
    });
  }
  launch(write_found, dim3(static_cast<unsigned>((n + 127) / 128)), dim3(128), 0, stream, work, n);
}

// What is the same for all batches.
Supports make_supports(const PointSet& points, const HscCall& call,
                       const DeviceMatrix& directions) {
  const int n_features = points.n_features();
  Supports work;
  work.given = directions;
  work.frame = points.frame();
  work.exponent = std::ilogb(work.frame.unit.high) + std::ilogb(work.frame.unit.low);
  work.n_rows = points.n_scan_rows();
  work.scan_error = work.kind.error(n_features, points.radius());
  work.point_error = tolerances::double_score_error(n_features, points.radius());
  work.n_extra_keys = std::min(
      kExtraKeys,
      static_cast<std::int64_t>(kExtraKeysShare * static_cast<double>(call.memory_limit) / 8.0));
  work.in_order = !points.has_rows();
  work.rows = points.rows();
  return work;
}

// Memory for as many directions as fit; returns how many.
std::int64_t carve_most(HscHull& hull, const HscCall& call, Supports& work) {
  const PointSet& points = hull.points;
  const int n_features = points.n_features();
  const std::int64_t row_bytes = std::int64_t{n_features} * (points.is_double() ? 8 : 4);
  const std::int64_t at_once =
      largest_that_fits(std::min(kMostDirections, work.given.n_rows), [&](std::int64_t n) {
        return Supports(work).carve(n, n_features, row_bytes, nullptr) <= hull.room(call);
      });
  if (at_once == 0) {
    throw Failure(HSC_MEMORY, "memory_limit of " + std::to_string(call.memory_limit) +
                                  " bytes is too small for one direction");
  }
  hull.workspace.reserve(Supports(work).carve(at_once, n_features, row_bytes, nullptr));
  work.carve(at_once, n_features, row_bytes, hull.workspace.data());
  if (work.in_order) {
    work.rows = {work.rows.data, at_once * kListed, n_features, points.is_double()};
  }
  return at_once;
}

void find_all(HscHull& hull, const HscCall& call, const DeviceMatrix& directions,
              std::int32_t* out) {
  Supports work = make_supports(hull.points, call, directions);
  const std::int64_t at_once = carve_most(hull, call, work);
  const auto stream = static_cast<cudaStream_t>(call.stream);
  // The last tile's directions that are none are multiplied, too.
  const std::int64_t n_tiles = (at_once + kTile - 1) / kTile;
  check(cudaMemsetAsync(work.packed, 0,
                        static_cast<std::size_t>(n_tiles * kTile * work.n_rows) * sizeof(float),
                        stream),
        "clearing");
  for (work.first = 0; work.first < directions.n_rows; work.first += at_once) {
    poll(call);
    const std::int64_t n = std::min(at_once, directions.n_rows - work.first);
    find_batch(hull.points, call, work, static_cast<int>(n));
    copy_elements(out + work.first, work.found, n, stream);
  }
  check(cudaStreamSynchronize(stream), "finding supports");
}

}  // namespace

int find_supports(HscHull* hull, const HscCall* call, const HscMatrix* directions,
                  std::int32_t* out) {
  return guarded(hull->device, [&] {
    require_columns(*directions, "directions", hull->points.n_features());
    const std::lock_guard lock(hull->mutex);
    const Uploaded uploaded(*directions, *call);
    require_finite(uploaded.matrix(), directions->first_row, "directions", hull->found,
                   static_cast<cudaStream_t>(call->stream));
    if (directions->n_rows > 0) find_all(*hull, *call, uploaded.matrix(), out);
  });
}

}  // namespace hullspace::cuda
