#include "cuda/hull.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>

#include "cuda/calls.hpp"
#include "cuda/team_launch.hpp"

using hullspace::cuda::AnswerArrays;

// Answers lie in the memory of their hull, which no other call may use meanwhile.
struct HscAnswers {
  HscHull* hull = nullptr;
  std::unique_lock<std::mutex> lock;
  AnswerArrays arrays{};
  std::int64_t* row_starts = nullptr;
  double* values = nullptr;  // in order
  std::int32_t* columns = nullptr;
  std::int64_t n_queries = 0;
  std::int64_t n_weights = 0;
};

namespace hullspace::cuda {
namespace {

constexpr std::int64_t kMostQueries = 16384;

// Points that a support is expected to have at most: those that turn out larger are done again with
// all the memory that any support can need.
int usual_support(int n_features) {
  const int usual = static_cast<int>(std::ceil(6.0 * std::sqrt(n_features)));
  return std::min(n_features + 1, usual);
}

// Bring the weights of every query into the order of their columns, row after row.
template <class Team>
__global__ void order_weights(int n, AnswerArrays from, const std::int64_t* row_starts,
                              double* values, std::int32_t* columns) {
  with_team<Team>(n, [&](const Team& team, int query) {
    const std::int32_t* ids = from.columns + from.places[query];
    for (int i = team.lane(); i < from.counts[query]; i += team.size()) {
      int rank = 0;
      for (int k = 0; k < from.counts[query]; ++k) rank += ids[k] < ids[i] ? 1 : 0;
      values[row_starts[query] + rank] = from.values[from.places[query] + i];
      columns[row_starts[query] + rank] = ids[i];
    }
  });
}

// Carve the answers of n queries; with null memory only to add up the bytes.
AnswerArrays carve_answers(std::int64_t n, int n_features, int goal, Carver& carver,
                           std::int64_t** row_starts) {
  AnswerArrays arrays{};
  if (goal != HSC_CONTAIN) arrays.points = carver.take<double>(n * n_features);
  if (goal != HSC_CONTAIN) arrays.distances = carver.take<double>(n);
  arrays.normals = carver.take<double>(n * n_features);
  arrays.gaps = carver.take<double>(n);
  if (goal == HSC_CONTAIN) arrays.residuals = carver.take<double>(n);
  arrays.status = carver.take<std::int8_t>(n);
  arrays.counts = carver.take<std::int32_t>(n);
  arrays.places = carver.take<std::int64_t>(n);
  arrays.n_weights = carver.take<unsigned long long>(1);
  *row_starts = carver.take<std::int64_t>(n + 1);
  return arrays;
}

constexpr std::int64_t kWeightBytes = 12;  // a value and its column

// Bytes that a call with n queries takes, but for those with large supports.
std::int64_t call_bytes(const Rounds& rounds, std::int64_t n, int n_features) {
  Carver carver(nullptr);
  std::int64_t* starts = nullptr;
  carve_answers(n, n_features, HSC_PROJECT, carver, &starts);
  const int support = usual_support(n_features);
  return rounds.n_bytes(n, support) + carver.used() + n * support * kWeightBytes;
}

// Bytes that n queries of any support take beside the answers; the weights are copied to grow.
std::int64_t overflow_bytes(const Rounds& rounds, std::int64_t n, int n_features) {
  return rounds.n_bytes(n, n_features + 1) + 2 * n * (n_features + 1) * kWeightBytes;
}

std::int64_t find_most_queries(const HscHull& hull, const Rounds& rounds, const HscCall& call) {
  const int n_features = hull.points.n_features();
  const std::int64_t room = hull.room(call);
  Carver carver(nullptr);
  std::int64_t* starts = nullptr;
  carve_answers(1, n_features, HSC_PROJECT, carver, &starts);
  const std::int64_t n = largest_that_fits(kMostQueries, [&](std::int64_t count) {
    const std::int64_t large = overflow_bytes(rounds, 1, n_features) +
                               count * (carver.used() + usual_support(n_features) * kWeightBytes);
    return std::max(call_bytes(rounds, count, n_features), large) <= room;
  });
  if (n > 0) return n;
  throw Failure(HSC_MEMORY, "memory_limit of " + std::to_string(call.memory_limit) +
                                " bytes is too small: the points take " +
                                std::to_string(hull.points.n_bytes()) +
                                " of them, and a query needs " +
                                std::to_string(std::max(call_bytes(rounds, 1, n_features),
                                                        overflow_bytes(rounds, 1, n_features))));
}

// Room for more weights; what is there stays.
void grow_weights(HscHull& hull, AnswerArrays& arrays, std::int64_t used, std::int64_t more,
                  cudaStream_t stream) {
  if (used + more > hull.values.size()) {
    Buffer<double> values(used + more);
    Buffer<std::int32_t> columns(used + more);
    copy_elements(values.data(), hull.values.data(), used, stream);
    copy_elements(columns.data(), hull.columns.data(), used, stream);
    check(cudaStreamSynchronize(stream), "copying");
    std::swap(hull.values, values);
    std::swap(hull.columns, columns);
  }
  arrays.values = hull.values.data();
  arrays.columns = hull.columns.data();
}

std::int64_t read_n_weights(const AnswerArrays& arrays, cudaStream_t stream) {
  unsigned long long n = 0;
  copy_elements(&n, arrays.n_weights, 1, stream);
  check(cudaStreamSynchronize(stream), "counting weights");
  return static_cast<std::int64_t>(n);
}

// Answer all queries: first with the usual memory, then those that need more.
void answer_all(HscHull& hull, const HscCall& call, Rounds& rounds, HscAnswers& answers) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const int n_features = hull.points.n_features();
  const std::int64_t n = answers.n_queries;
  const int support = usual_support(n_features);
  check(cudaMemsetAsync(answers.arrays.n_weights, 0, sizeof(unsigned long long), stream),
        "clearing");
  grow_weights(hull, answers.arrays, 0, n * support, stream);
  hull.workspace.reserve(rounds.n_bytes(n, support));
  std::vector<std::int32_t> queries(static_cast<std::size_t>(n));
  std::iota(queries.begin(), queries.end(), 0);
  queries = rounds.run(queries, support, hull.workspace.data(), answers.arrays);
  const std::int64_t room =
      hull.room(call) - hull.answers.n_bytes() - hull.values.n_bytes() - hull.columns.n_bytes();
  const std::int64_t at_once =
      std::max<std::int64_t>(1, largest_that_fits(n, [&](std::int64_t count) {
                               return overflow_bytes(rounds, count, n_features) <= room;
                             }));
  for (std::int64_t first = 0; first < std::ssize(queries); first += at_once) {
    const auto begin = queries.begin() + first;
    const std::vector<std::int32_t> part(begin,
                                         begin + std::min(at_once, std::ssize(queries) - first));
    const std::int64_t used = read_n_weights(answers.arrays, stream);
    grow_weights(hull, answers.arrays, used, std::ssize(part) * (n_features + 1), stream);
    hull.workspace.reserve(rounds.n_bytes(std::ssize(part), n_features + 1));
    rounds.run(part, n_features + 1, hull.workspace.data(), answers.arrays);
  }
  answers.n_weights = read_n_weights(answers.arrays, stream);
}

// Bring the weights into rows, in the workspace, which nothing else needs any more.
void order_all(HscHull& hull, cudaStream_t stream, HscAnswers& answers) {
  const auto n = static_cast<std::size_t>(answers.n_queries);
  std::vector<std::int32_t> counts(n);
  copy_elements(counts.data(), answers.arrays.counts, static_cast<std::int64_t>(n), stream);
  check(cudaStreamSynchronize(stream), "answering");
  std::vector<std::int64_t> starts(n + 1, 0);
  std::inclusive_scan(counts.begin(), counts.end(), starts.begin() + 1, std::plus<>(),
                      std::int64_t{0});
  copy_elements(answers.row_starts, starts.data(), static_cast<std::int64_t>(n + 1), stream);
  Carver sizes(nullptr);
  sizes.take<double>(answers.n_weights);
  sizes.take<std::int32_t>(answers.n_weights);
  hull.workspace.reserve(sizes.used());
  Carver carver(hull.workspace.data());
  answers.values = carver.take<double>(answers.n_weights);
  answers.columns = carver.take<std::int32_t>(answers.n_weights);
  launch_teams<WarpTeam>(order_weights<WarpTeam>, static_cast<int>(n), 0, stream,
                         static_cast<int>(n), answers.arrays, answers.row_starts, answers.values,
                         answers.columns);
  check(cudaStreamSynchronize(stream), "ordering weights");
}

Question question_of(const PointSet& points, const ScanKind& scan, int goal, double relative) {
  const Goal goals[] = {Goal::kProject, Goal::kContain, Goal::kRay};
  const int n = points.n_features();
  return make_question(goals[goal], relative, n, points.radius(), points.half_widths(),
                       scan.error(n, points.radius()));
}

// Room for the answers that are asked for.
void reserve_answers(HscHull& hull, int goal, HscAnswers& answers) {
  const auto carve = [&](unsigned char* memory) {
    Carver carver(memory);
    answers.arrays = carve_answers(answers.n_queries, hull.points.n_features(), goal, carver,
                                   &answers.row_starts);
    return carver.used();
  };
  hull.answers.reserve(carve(nullptr));
  carve(hull.answers.data());
}

// Answers are carved for the largest batch that a call may make; rays need the most memory.
HullCall largest_call() {
  HullCall what;
  what.question.goal = Goal::kRay;
  return what;
}

}  // namespace

int make_hull(const HscCall* call, const HscMatrix* points, HscHull** out) {
  return guarded(call->device, [&] { *out = std::make_unique<HscHull>(*points, *call).release(); });
}

void free_hull(HscHull* hull) {
  if (hull == nullptr) return;
  static_cast<void>(guarded(hull->device, [&] { delete hull; }));
}

int describe_hull(const HscHull* hull, HscHullInfo* out) {
  return guarded(hull->device, [&] {
    out->scale = hull->points.length_to_data(hull->points.radius());
    out->is_streamed = hull->points.is_streamed() ? 1 : 0;
  });
}

int most_queries(HscHull* hull, const HscCall* call, std::int64_t* out) {
  return guarded(hull->device, [&] {
    const HullCall what = largest_call();
    *out = find_most_queries(*hull, Rounds(hull->points, *call, what, choose_scan()), *call);
  });
}

int solve_hull(HscHull* hull, const HscCall* call, int goal, const HscMatrix* queries,
               const HscMatrix* directions, std::int64_t first_point, double tolerance,
               HscAnswers** out) {
  return guarded(hull->device, [&] {
    const auto stream = static_cast<cudaStream_t>(call->stream);
    const int n_features = hull->points.n_features();
    const bool is_ray = goal == HSC_RAY;
    const char* name = is_ray ? "origins" : "queries";
    const HscMatrix none{nullptr, 0, n_features, queries->element_size, 1, 0};
    require_columns(*queries, name, n_features);
    if (is_ray) require_columns(*directions, "directions", n_features);
    auto answers = std::make_unique<HscAnswers>();
    answers->hull = hull;
    answers->lock = std::unique_lock(hull->mutex);
    answers->n_queries = is_ray ? directions->n_rows : queries->n_rows;
    const Uploaded uploaded(*queries, *call);
    const Uploaded along(is_ray ? *directions : none, *call);
    if (first_point < 0)
      require_finite(uploaded.matrix(), queries->first_row, name, hull->found, stream);
    if (is_ray) {
      require_finite(along.matrix(), directions->first_row, "directions", hull->found, stream);
      require_nonzero(along.matrix(), directions->first_row, hull->found, stream);
    }
    const ScanKind scan = choose_scan();
    const HullCall what{question_of(hull->points, scan, goal, tolerance), uploaded.matrix(),
                        along.matrix(), first_point};
    Rounds rounds(hull->points, *call, what, scan);
    if (answers->n_queries > find_most_queries(*hull, rounds, *call)) {
      throw Failure(HSC_MEMORY,
                    std::string(name) + " are more than fit within memory_limit at a time");
    }
    reserve_answers(*hull, goal, *answers);
    if (answers->n_queries > 0) answer_all(*hull, *call, rounds, *answers);
    if (answers->n_queries > 0) order_all(*hull, stream, *answers);
    *out = answers.release();
  });
}

std::int64_t count_weights(const HscAnswers* answers) { return answers->n_weights; }

int fetch_answers(const HscAnswers* answers, const HscCall* call, const HscHullAnswers* to) {
  return guarded(answers->hull->device, [&] {
    const auto stream = static_cast<cudaStream_t>(call->stream);
    const auto copy = [stream](auto* target, const auto* source, std::int64_t n) {
      if (target == nullptr || source == nullptr || n == 0) return;
      copy_elements(target, source, n, stream);
    };
    const std::int64_t n = answers->n_queries;
    const std::int64_t n_features = answers->hull->points.n_features();
    const AnswerArrays& arrays = answers->arrays;
    copy(to->points, arrays.points, n * n_features);
    copy(to->distances, arrays.distances, n);
    copy(to->normals, arrays.normals, n * n_features);
    copy(to->gaps, arrays.gaps, n);
    copy(to->residuals, arrays.residuals, n);
    copy(to->status, arrays.status, n);
    copy(to->row_starts, answers->row_starts, n > 0 ? n + 1 : 0);
    copy(to->values, answers->values, answers->n_weights);
    copy(to->columns, answers->columns, answers->n_weights);
    check(cudaStreamSynchronize(stream), "copying answers");
  });
}

void free_answers(HscAnswers* answers) { delete answers; }

}  // namespace hullspace::cuda
