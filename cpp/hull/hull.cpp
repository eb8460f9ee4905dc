#include "hullspace/hull.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/tolerances.hpp"
#include "decide/query.hpp"
#include "decide/scan.hpp"
#include "decide/units.hpp"
#include "hull/batch_solver.hpp"
#include "hullspace/error.hpp"
#include "scan/byte_panels.hpp"
#include "scan/point_set.hpp"

namespace hullspace {
namespace {

// Weights of consecutive queries are gathered this many queries at a time, which bounds what is
// held twice while the sparse matrix grows.
constexpr std::ptrdiff_t kQueriesPerRound = 16384;

// Directions whose supports are found together, and points listed for each.
constexpr std::ptrdiff_t kDirectionsPerScan = 256;
constexpr std::size_t kListedForSupport = 16;

// The supports of the queries that one worker answered, in the order of the answers.
struct Supports {
  struct Row {
    std::ptrdiff_t query;
    std::size_t start;
    std::size_t size;
  };
  std::vector<Row> rows;
  std::vector<double> values;
  std::vector<std::int32_t> columns;

  void add(std::ptrdiff_t query, const ActiveSet& active) {
    rows.push_back({query, values.size(), static_cast<std::size_t>(active.support_size())});
    double sum = 0.0;
    for (std::ptrdiff_t i = 0; i < active.support_size(); ++i) sum += active.weight(i);
    for (std::ptrdiff_t i = 0; i < active.support_size(); ++i) {
      values.push_back(active.weight(i) / sum);
      columns.push_back(active.support_id(i));
    }
  }
};

// Append the rows of queries [first, last) to `weights`, columns ascending within a row.
void append_rows(const std::vector<Supports>& parts, std::ptrdiff_t first, std::ptrdiff_t last,
                 SparseWeights& weights) {
  struct Piece {
    const Supports* part = nullptr;
    std::size_t start = 0;
    std::size_t size = 0;
  };
  std::vector<Piece> pieces(static_cast<std::size_t>(last - first));
  for (const Supports& part : parts) {
    for (const auto& row : part.rows) pieces[row.query - first] = {&part, row.start, row.size};
  }
  std::vector<std::pair<std::int32_t, double>> entries;
  for (const Piece& piece : pieces) {
    entries.clear();
    for (std::size_t i = piece.start; i < piece.start + piece.size; ++i) {
      entries.emplace_back(piece.part->columns[i], piece.part->values[i]);
    }
    std::sort(entries.begin(), entries.end());
    for (const auto& [column, value] : entries) {
      weights.columns.push_back(column);
      weights.values.push_back(value);
    }
    weights.row_starts.push_back(std::ssize(weights.values));
  }
}

// Reserve for all rows what the rows so far suggest, so that growing does not hold them twice.
void reserve_rest(std::ptrdiff_t n_done, std::ptrdiff_t n_queries, SparseWeights& weights) {
  const double per_query = static_cast<double>(weights.values.size()) / static_cast<double>(n_done);
  const auto expected =
      static_cast<std::size_t>(1.05 * per_query * static_cast<double>(n_queries)) + 1;
  weights.values.reserve(expected);
  weights.columns.reserve(expected);
}

// Solve the problem of every query; `emit` stores all of an answer but its weights.
SparseWeights solve_all(const PointSet& points, const BytePanels& bytes, const Problem& problem,
                        std::ptrdiff_t n_queries, const Context& context,
                        const std::function<void(const Slot&)>& emit) {
  SparseWeights weights;
  weights.row_starts.reserve(static_cast<std::size_t>(n_queries) + 1);
  for (std::ptrdiff_t first = 0; first < n_queries; first += kQueriesPerRound) {
    const std::ptrdiff_t last = std::min(first + kQueriesPerRound, n_queries);
    const int n_workers = worker_count(context, last - first);
    const std::ptrdiff_t n_slots =
        BatchSolver::slots_per_worker(points.n_features(), last - first, n_workers);
    std::vector<Supports> parts(n_workers);
    std::atomic<std::ptrdiff_t> next{first};
    run_workers(context, n_workers, [&](int worker, const StopFlag& stop) {
      BatchSolver solver(points, bytes, problem);
      const auto keep = [&](const Slot& slot) {
        emit(slot);
        if (!decide::has_weights(problem.goal, slot.status)) return;
        parts[worker].add(slot.index, slot.active);
      };
      solver.run(next, last, n_slots, keep, stop);
    });
    append_rows(parts, first, last, weights);
    reserve_rest(last, n_queries, weights);
  }
  return weights;
}

// Distance between a slot's query, where it really is, and its nearest point, in data units.
double true_distance(const PointSet& points, const Slot& slot) {
  const decide::AnswerUnits units{points.unit(), slot.far_unit};
  double square = 0.0;
  for (std::ptrdiff_t j = 0; j < points.n_features(); ++j) {
    const double difference = slot.query[j] - slot.active.nearest()[j] * units.shrink();
    square += difference * difference;
  }
  return units.distance(std::sqrt(square));
}

// The candidate that scores highest in the data's own coordinates, where whole numbers tie exactly;
// of those that tie the first.
std::int32_t first_highest(const PointSet& points, const AnyMatrix& directions, std::ptrdiff_t i,
                           const std::vector<Candidate>& candidates) {
  const auto element = [](const AnyMatrix& matrix, std::ptrdiff_t row, std::ptrdiff_t j) {
    return std::visit([=](const auto& view) { return static_cast<double>(view.row(row)[j]); },
                      matrix);
  };
  const std::ptrdiff_t n = points.n_features();
  std::vector<double> direction(static_cast<std::size_t>(n));
  double largest = 0.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    direction[j] = element(directions, i, j);
    largest = std::max(largest, std::abs(direction[j]));
  }
  for (double& x : direction) x = decide::near_one(x, largest);
  Candidate best{-std::numeric_limits<double>::infinity(), 0};
  for (const Candidate& candidate : candidates) {
    double score = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      const double x = element(points.data(), candidate.point, j);
      score += direction[j] * std::scalbn(x, points.unit_exponent());
    }
    const bool ties = score == best.score && candidate.point < best.point;
    if (score > best.score || ties) best = {score, candidate.point};
  }
  return best.point;
}

// For each direction in [first, last) the point that scores highest.
void find_supports(const PointSet& points, const AnyMatrix& directions, std::ptrdiff_t first,
                   std::ptrdiff_t last, std::int32_t* out) {
  const std::ptrdiff_t n = points.n_features();
  const StopFlag never = false;
  const auto count = static_cast<std::size_t>(last - first);
  std::vector<double> units(count * static_cast<std::size_t>(n));
  std::vector<Selection> selections(count);
  std::vector<ScanRequest> requests(count);
  for (std::ptrdiff_t i = 0; i < last - first; ++i) {
    double* unit = &units[i * n];
    points.load_direction(directions, first + i, unit);
    std::transform(unit, unit + n, unit, std::negate<>());
    selections[i].reset(kListedForSupport, std::numeric_limits<double>::infinity());
    requests[i] = {unit, 0.0, &selections[i]};
  }
  Scanner(points).scan(requests, 1, never);
  const double error = tolerances::single_score_error(n, points.radius());
  std::vector<double> row(static_cast<std::size_t>(n));
  for (std::ptrdiff_t i = 0; i < last - first; ++i) {
    double lowest = std::numeric_limits<double>::infinity();
    for (const Candidate& listed : selections[i].candidates()) {
      points.load(listed.point, row.data());
      lowest = std::min(lowest, dot(row.data(), requests[i].direction, n));
    }
    const double level =
        decide::tie_level(lowest, tolerances::double_score_error(n, points.radius()));
    const bool complete =
        decide::is_complete(level, decide::unlisted_score(selections[i].threshold(), error));
    Selection all;
    if (!complete) {
      all.reset(static_cast<std::size_t>(points.n_points()), level);
      scan_exactly(points, requests[i].direction, all, never);
    }
    const auto& listed = (complete ? selections[i] : all).candidates();
    out[i] = first_highest(points, directions, first + i, listed);
  }
}

// Lengths of directions, none of which may be zero.
std::vector<double> lengths_of(const PointSet& points, const AnyMatrix& directions) {
  std::vector<double> unit(static_cast<std::size_t>(points.n_features()));
  std::vector<double> lengths(static_cast<std::size_t>(rows(directions)));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] = points.load_direction(directions, static_cast<std::ptrdiff_t>(i), unit.data());
    if (lengths[i] > 0.0) continue;
    throw ArgumentError("directions must not be zero, got a row of zeros at [" + std::to_string(i) +
                        "]");
  }
  return lengths;
}

double effective_tolerance(const PointSet& points, double relative) {
  return decide::absolute_tolerance(points.radius(), relative, points.n_features());
}

}  // namespace

Hull::Hull(const AnyMatrix& points, const Context& context)
    : points_(std::make_unique<PointSet>(points, context)),
      bytes_(std::make_unique<BytePanels>(*points_, context)) {}
Hull::~Hull() = default;
Hull::Hull(Hull&&) noexcept = default;
Hull& Hull::operator=(Hull&&) noexcept = default;

std::ptrdiff_t Hull::n_points() const { return points_->n_points(); }
std::ptrdiff_t Hull::n_features() const { return points_->n_features(); }
double Hull::scale() const { return points_->length_to_data(points_->radius()); }

Projections Hull::project(const AnyMatrix& queries, double tolerance,
                          const Context& context) const {
  require_valid(queries, "queries", n_features(), context);
  const auto n_queries = static_cast<std::size_t>(rows(queries));
  const auto n = static_cast<std::size_t>(n_features());
  Projections result;
  result.points.resize(n_queries * n);
  result.normals.resize(n_queries * n);
  result.distances.resize(n_queries);
  result.gaps.resize(n_queries);
  result.status.resize(n_queries, Status::kUndecided);
  const auto emit = [&](const Slot& slot) {
    const auto i = static_cast<std::size_t>(slot.index);
    points_->point_to_data(slot.active.nearest(), &result.points[i * n]);
    std::transform(slot.proof.begin(), slot.proof.end(), &result.normals[i * n], std::negate<>());
    result.distances[i] = true_distance(*points_, slot);
    const decide::AnswerUnits units{points_->unit(), slot.far_unit};
    result.gaps[i] = units.gap(slot.gap, result.distances[i]);
    result.status[i] = slot.status;
  };
  const Problem problem{Goal::kProject, queries, effective_tolerance(*points_, tolerance)};
  result.weights = solve_all(*points_, *bytes_, problem, rows(queries), context, emit);
  return result;
}

Memberships Hull::contains(const AnyMatrix& queries, double tolerance,
                           const Context& context) const {
  require_valid(queries, "queries", n_features(), context);
  return solve_memberships(queries, false, tolerance, context);
}

Memberships Hull::leave_one_out(double tolerance, const Context& context) const {
  if (n_points() < 2) throw ArgumentError("points must have at least two rows");
  return solve_memberships(points_->data(), true, tolerance, context);
}

Memberships Hull::solve_memberships(const AnyMatrix& queries, bool against_others, double tolerance,
                                    const Context& context) const {
  const auto n_queries = static_cast<std::size_t>(rows(queries));
  const auto n = static_cast<std::size_t>(n_features());
  const double effective = effective_tolerance(*points_, tolerance);
  Memberships result;
  result.status.resize(n_queries, Status::kUndecided);
  result.normals.resize(n_queries * n);
  result.margins.resize(n_queries);
  result.residuals.resize(n_queries, std::numeric_limits<double>::quiet_NaN());
  result.tolerance = points_->length_to_data(effective);
  const auto emit = [&](const Slot& slot) {
    const auto i = static_cast<std::size_t>(slot.index);
    result.status[i] = slot.status;
    if (slot.status == Status::kOutside) {
      std::transform(slot.active.direction(), slot.active.direction() + n, &result.normals[i * n],
                     std::negate<>());
      result.margins[i] = decide::AnswerUnits{points_->unit(), slot.far_unit}.margin(slot.margin);
    }
    if (slot.status == Status::kInside) result.residuals[i] = true_distance(*points_, slot);
  };
  const Problem problem{Goal::kContain, queries, effective, against_others};
  result.weights = solve_all(*points_, *bytes_, problem, rows(queries), context, emit);
  return result;
}

Rays Hull::ray(const AnyMatrix& origins, const AnyMatrix& directions, double tolerance,
               const Context& context) const {
  require_valid(origins, "origins", n_features(), context);
  require_valid(directions, "directions", n_features(), context);
  const std::ptrdiff_t n_rays = rows(directions);
  if (rows(origins) != 1 && rows(origins) != n_rays) {
    throw ArgumentError("origins must have one row or as many as directions (" +
                        std::to_string(n_rays) + "), got " + std::to_string(rows(origins)));
  }
  const std::vector<double> lengths = lengths_of(*points_, directions);
  const std::ptrdiff_t n = n_features();
  const std::size_t size = lengths.size() * static_cast<std::size_t>(n);
  Rays result;
  result.steps.resize(lengths.size(), std::numeric_limits<double>::quiet_NaN());
  result.points.resize(size, std::numeric_limits<double>::quiet_NaN());
  result.normals.resize(size);
  result.offsets.resize(lengths.size(), std::numeric_limits<double>::quiet_NaN());
  result.status.resize(lengths.size(), Status::kUndecided);
  const auto emit = [&](const Slot& slot) {
    const std::ptrdiff_t i = slot.index;
    result.status[i] = slot.status;
    if (slot.status == Status::kUndecided) return;
    const double* exit = slot.ray.exit.data();
    double* normal = &result.normals[i * n];
    std::transform(exit, exit + n, normal, std::negate<>());
    double* point = &result.points[i * n];
    points_->point_to_data(slot.query.data(), point);
    result.offsets[i] = dot(normal, point, n);
    if (slot.status == Status::kOutside) {
      result.offsets[i] -= points_->length_to_data(slot.margin);
      std::fill_n(point, n, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    result.steps[i] = points_->length_to_data(slot.ray.step - slot.ray.first) / lengths[i];
  };
  Problem problem{Goal::kRay, origins, effective_tolerance(*points_, tolerance)};
  problem.directions = directions;
  result.weights = solve_all(*points_, *bytes_, problem, n_rays, context, emit);
  return result;
}

std::vector<std::int32_t> Hull::support(const AnyMatrix& directions, const Context& context) const {
  require_valid(directions, "directions", n_features(), context);
  std::vector<std::int32_t> result(static_cast<std::size_t>(rows(directions)));
  for_ranges(context, rows(directions), kDirectionsPerScan,
             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
               find_supports(*points_, directions, first, last, &result[first]);
             });
  return result;
}

void Hull::append(const AnyMatrix& points, const Context& context) {
  const std::ptrdiff_t n_before = n_points();
  require_valid(points, "points", n_features(), context);
  // What changes the set in place must not be interrupted half-way.
  const Context quiet{context.n_threads};
  const AnyMatrix before = points_->data();
  if (!points_->append(points, quiet)) {
    *this = Hull(points, context);
    return;
  }
  try {
    bytes_->append(*points_, n_before, quiet);
  } catch (...) {
    points_->truncate(before);
    throw;
  }
}

}  // namespace hullspace
