#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "decide/query.hpp"
#include "device/library.hpp"
#include "hullspace/error.hpp"

namespace hullspace {
namespace {

// Rows [first, first + n) as the library takes them.
HscMatrix rows_of(const PlacedMatrix& matrix, std::int64_t first, std::int64_t n) {
  return std::visit(
      [&](const auto& view) {
        return HscMatrix{view.row(first),
                         n,
                         view.cols,
                         static_cast<int>(sizeof(*view.data)),
                         matrix.place == Place::kDevice,
                         first};
      },
      matrix.values);
}

using AnswersOwner = std::unique_ptr<HscAnswers, void (*)(HscAnswers*)>;

// Answers of all queries, of which pieces come one after the other.
class Collector {
 public:
  Collector(std::int64_t n_queries, std::int64_t n_features, int goal, Place to,
            const DeviceContext& context)
      : n_features_(n_features), to_(to), context_(context) {
    answers_.n_queries = n_queries;
    if (goal != HSC_CONTAIN) answers_.points = doubles(n_queries * n_features);
    if (goal != HSC_CONTAIN) answers_.distances = doubles(n_queries);
    if (goal == HSC_CONTAIN) answers_.residuals = doubles(n_queries);
    answers_.normals = doubles(n_queries * n_features);
    answers_.gaps = doubles(n_queries);
    answers_.status = allocate_buffer<std::int8_t>(n_queries, to, context);
    // Each piece's starts count from zero; the host adds what was before.
    starts_ = allocate_buffer<std::int64_t>(n_queries + 1, Place::kHost, context);
    starts_.data.get()[0] = 0;
  }

  void add(std::int64_t first, std::int64_t n, const HscAnswers* piece, const Call& call) {
    const std::int64_t n_weights = cuda_library().count_weights(piece);
    DeviceBuffer<double> values = doubles(n_weights);
    auto columns = allocate_buffer<std::int32_t>(n_weights, to_, context_);
    std::int64_t* starts = starts_.data.get() + first;
    const std::int64_t before = *starts;
    const HscHullAnswers out{
        at(answers_.points, first * n_features_),
        at(answers_.distances, first),
        at(answers_.normals, first * n_features_),
        at(answers_.gaps, first),
        at(answers_.residuals, first),
        at(answers_.status, first),
        values.data.get(),
        columns.data.get(),
        starts,
    };
    check(cuda_library().fetch_answers(piece, call.get(), &out));
    for (std::int64_t i = 0; i <= n; ++i) starts[i] += before;
    values_.push_back(std::move(values));
    columns_.push_back(std::move(columns));
  }

  DeviceAnswers finish() {
    answers_.weights.values = join(values_);
    answers_.weights.columns = join(columns_);
    if (to_ == Place::kDevice) {
      answers_.weights.row_starts = allocate_buffer<std::int64_t>(starts_.size, to_, context_);
      const auto n_bytes = starts_.size * static_cast<std::int64_t>(sizeof(std::int64_t));
      copy(answers_.weights.row_starts.data.get(), starts_.data.get(), n_bytes, context_);
      wait_for(answers_.weights.row_starts, context_);
    } else {
      answers_.weights.row_starts = starts_;
    }
    return std::move(answers_);
  }

 private:
  DeviceBuffer<double> doubles(std::int64_t size) const {
    return allocate_buffer<double>(size, to_, context_);
  }

  template <class T>
  static T* at(const DeviceBuffer<T>& buffer, std::int64_t offset) {
    return buffer.data == nullptr ? nullptr : buffer.data.get() + offset;
  }

  template <class T>
  DeviceBuffer<T> join(std::vector<DeviceBuffer<T>>& pieces) const {
    if (pieces.size() == 1) return std::move(pieces.front());
    std::int64_t size = 0;
    for (const DeviceBuffer<T>& piece : pieces) size += piece.size;
    DeviceBuffer<T> all = allocate_buffer<T>(size, to_, context_);
    std::int64_t place = 0;
    for (DeviceBuffer<T>& piece : pieces) {
      copy(at(all, place), piece.data.get(), piece.size * static_cast<std::int64_t>(sizeof(T)),
           context_);
      place += piece.size;
    }
    return all;
  }

  std::int64_t n_features_;
  Place to_;
  const DeviceContext& context_;
  DeviceAnswers answers_;
  DeviceBuffer<std::int64_t> starts_;
  std::vector<DeviceBuffer<double>> values_;
  std::vector<DeviceBuffer<std::int32_t>> columns_;
};

}  // namespace

DeviceHull::DeviceHull(const PlacedMatrix& points, const DeviceContext& context)
    : points_(points),
      device_(context.device),
      memory_limit_(hullspace::memory_limit(context)),
      hull_(nullptr, cuda_library().free_hull) {
  const DeviceContext limited = own(context);
  const Call call(limited);
  const HscMatrix all = rows_of(points, 0, n_points());
  HscHull* made = nullptr;
  check(cuda_library().make_hull(call.get(), &all, &made));
  hull_.reset(made);
  HscHullInfo info{};
  check(cuda_library().describe_hull(made, &info));
  scale_ = info.scale;
  is_streamed_ = info.is_streamed != 0;
}

DeviceHull::~DeviceHull() = default;

DeviceContext DeviceHull::own(const DeviceContext& context) const {
  DeviceContext mine = context;
  mine.device = device_;
  mine.memory_limit = memory_limit_;
  return mine;
}

void DeviceHull::require_features(const PlacedMatrix& matrix, const char* name) const {
  if (cols(matrix.values) == n_features()) return;
  throw ArgumentError(std::string(name) + " must have " + std::to_string(n_features()) +
                      " columns (n_features), got " + std::to_string(cols(matrix.values)));
}

// What a call is to find. Queries are the origins of rays, one for all directions or one each.
struct DeviceHull::Asked {
  int goal;
  const PlacedMatrix& queries;
  const PlacedMatrix* directions = nullptr;
  bool leaves_out = false;

  std::int64_t size() const {
    return rows(directions == nullptr ? queries.values : directions->values);
  }
};

DeviceAnswers DeviceHull::project(const PlacedMatrix& queries, double tolerance, Place to,
                                  const DeviceContext& context) {
  require_features(queries, "queries");
  return solve({HSC_PROJECT, queries}, tolerance, to, context);
}

DeviceAnswers DeviceHull::contains(const PlacedMatrix& queries, double tolerance, Place to,
                                   const DeviceContext& context) {
  require_features(queries, "queries");
  return solve({HSC_CONTAIN, queries}, tolerance, to, context);
}

DeviceAnswers DeviceHull::leave_one_out(double tolerance, Place to, const DeviceContext& context) {
  if (n_points() < 2) throw ArgumentError("points must have at least two rows");
  return solve({HSC_CONTAIN, points_, nullptr, true}, tolerance, to, context);
}

DeviceAnswers DeviceHull::ray(const PlacedMatrix& origins, const PlacedMatrix& directions,
                              double tolerance, Place to, const DeviceContext& context) {
  require_features(origins, "origins");
  require_features(directions, "directions");
  const std::ptrdiff_t n_origins = rows(origins.values);
  const std::ptrdiff_t n_rays = rows(directions.values);
  if (n_origins != 1 && n_origins != n_rays) {
    throw ArgumentError("origins must have one row or as many as directions (" +
                        std::to_string(n_rays) + "), got " + std::to_string(n_origins));
  }
  return solve({HSC_RAY, origins, &directions}, tolerance, to, context);
}

std::int64_t DeviceHull::most_queries(const Call& call) {
  std::int64_t most = 0;
  check(cuda_library().most_queries(hull_.get(), call.get(), &most));
  return std::max<std::int64_t>(most, 1);
}

DeviceAnswers DeviceHull::solve(const Asked& asked, double tolerance, Place to,
                                const DeviceContext& context) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const DeviceContext mine = own(context);
  Call call(mine);
  const std::int64_t n = asked.size();
  const bool has_one_origin = rows(asked.queries.values) != n;
  Collector collector(n, n_features(), asked.goal, to, mine);
  const std::int64_t most = n > 0 ? most_queries(call) : 1;
  for (std::int64_t first = 0; first < n; first += most) {
    call.poll();
    const std::int64_t n_piece = std::min(most, n - first);
    const HscMatrix queries =
        has_one_origin ? rows_of(asked.queries, 0, 1) : rows_of(asked.queries, first, n_piece);
    HscMatrix directions{};
    if (asked.directions != nullptr) directions = rows_of(*asked.directions, first, n_piece);
    HscAnswers* answers = nullptr;
    check(cuda_library().solve_hull(hull_.get(), call.get(), asked.goal, &queries,
                                    asked.directions == nullptr ? nullptr : &directions,
                                    asked.leaves_out ? first : -1, tolerance, &answers));
    const AnswersOwner owner(answers, cuda_library().free_answers);
    collector.add(first, n_piece, answers, call);
  }
  DeviceAnswers found = collector.finish();
  found.tolerance = decide::absolute_tolerance(scale_, tolerance, n_features());
  return found;
}

DeviceBuffer<std::int32_t> DeviceHull::support(const PlacedMatrix& directions, Place to,
                                               const DeviceContext& context) {
  require_features(directions, "directions");
  const std::lock_guard<std::mutex> lock(mutex_);
  const DeviceContext mine = own(context);
  Call call(mine);
  const std::int64_t n = rows(directions.values);
  auto found = allocate_buffer<std::int32_t>(n, to, mine);
  const std::int64_t most = n > 0 ? most_queries(call) : 1;
  for (std::int64_t first = 0; first < n; first += most) {
    call.poll();
    const HscMatrix piece = rows_of(directions, first, std::min(most, n - first));
    check(cuda_library().find_supports(hull_.get(), call.get(), &piece, found.data.get() + first));
  }
  if (to == Place::kDevice) wait_for(found, mine);
  return found;
}

}  // namespace hullspace
