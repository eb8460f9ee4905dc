// The device's code for queries by a team of one thread, with the core's scans between its steps.
// Each query goes through the rounds of cuda/rounds.cu by itself.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "clouds.hpp"
#include "common/parallel.hpp"
#include "common/tolerances.hpp"
#include "cuda/answers.hpp"
#include "cuda/frame.hpp"
#include "cuda/query.hpp"
#include "decide/scan.hpp"
#include "hull_answers.hpp"
#include "scan/point_set.hpp"
#include "scan/scan.hpp"

namespace tests {

namespace cuda = hullspace::cuda;
using hullspace::Goal;

struct SerialSettings {
  double tolerance = 1e-9;
  int most_support = std::numeric_limits<int>::max();  // supports of more points are done again
  int n_part_rounds = 0;     // scans of every other panel of points before those of all
  bool is_gathered = false;  // whether listed rows are copied, as those of streamed sets are
  bool leaves_out = false;   // whether query i is point i of the set, and not in it
};

template <class T>
class SerialHull {
 public:
  explicit SerialHull(const clouds::Rows<T>& points)
      : points_(points),
        set_(points.view(), hullspace::Context{}),
        scanner_(set_),
        frame_{set_.center().data(), set_.unit()} {}

  double scale() const { return set_.length_to_data(set_.radius()); }
  int n_scans() const { return n_scans_; }
  int n_exact_scans() const { return n_exact_scans_; }
  int n_overflows() const { return n_overflows_; }

  Answers solve(Goal goal, const clouds::Rows<double>& queries,
                const clouds::Rows<double>* directions = nullptr,
                const SerialSettings& settings = {}) {
    const std::ptrdiff_t n = directions == nullptr ? queries.n_rows() : directions->n_rows();
    Call call{settings, matrix(queries),
              directions == nullptr ? matrix(queries) : matrix(*directions),
              cuda::make_question(
                  goal, settings.tolerance, n_features(), set_.radius(), set_.half_widths().data(),
                  hullspace::tolerances::single_score_error(n_features(), set_.radius()))};
    Answers out = empty(goal, n);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      if (answer(call, i, std::min(settings.most_support, n_features() + 1), out)) continue;
      ++n_overflows_;
      REQUIRE(answer(call, i, n_features() + 1, out));
    }
    return out;
  }

 private:
  using Team = cuda::SerialTeam;
  struct Call {
    SerialSettings settings;
    cuda::DeviceMatrix queries;
    cuda::DeviceMatrix directions;
    cuda::Question question;
  };
  // What a scan is to find.
  struct Wanted {
    std::vector<double> direction;
    double half_norm_weight;
    double threshold;
    int keep;
    std::int32_t excluded;
  };
  struct Found {
    std::vector<std::int32_t> ids;
    std::vector<T> rows;  // gathered
    double bound = 0.0;
  };

  int n_features() const { return static_cast<int>(points_.n_features); }
  template <class U>
  static cuda::DeviceMatrix matrix(const clouds::Rows<U>& rows) {
    return {rows.values.data(), rows.n_rows(), rows.n_features, sizeof(U) == 8};
  }

  Answers empty(Goal goal, std::ptrdiff_t n) const {
    const auto size = static_cast<std::size_t>(n);
    Answers out;
    if (goal != Goal::kContain) out.points.resize(size * std::size_t(n_features()));
    if (goal != Goal::kContain) out.distances.resize(size);
    if (goal == Goal::kContain) out.residuals.resize(size);
    out.normals.resize(size * std::size_t(n_features()));
    out.gaps.resize(size);
    out.status.resize(size);
    out.row_starts = {0};
    return out;
  }

  // False if the support needs more memory.
  bool answer(const Call& call, std::ptrdiff_t i, int most_support, Answers& out) {
    const bool is_ray = call.question.goal == Goal::kRay;
    const cuda::QueryShape shape{{n_features(), most_support, sizeof(T) == 8}, is_ray};
    cuda::Carver near_size(nullptr);
    cuda::Carver far_size(nullptr);
    static_cast<void>(cuda::QueryMemory(shape, near_size, far_size));
    // Nothing is there that was not put there.
    std::vector<unsigned char> near_bytes(std::size_t(near_size.used()), 0xff);
    std::vector<unsigned char> far_bytes(std::size_t(far_size.used()), 0xff);
    cuda::Carver near(near_bytes.data());
    cuda::Carver far(far_bytes.data());
    const cuda::QueryMemory memory(shape, near, far);
    const std::int64_t row = call.queries.n_rows == 1 ? 0 : i;
    const double far_unit =
        cuda::load_query(Team(), call.queries, frame_, set_.radius(), row, memory.active.query);
    const double length =
        is_ray ? cuda::load_direction(Team(), call.directions, i, memory.ray.direction) : 0.0;
    cuda::Query<Team, true>(Team(), memory, shape, frame_, call.question).start(far_unit, length);
    const auto excluded = static_cast<std::int32_t>(call.settings.leaves_out ? i : -1);
    const bool is_answered = is_ray ? run<true>(call, shape, memory, excluded)
                                    : run<false>(call, shape, memory, excluded);
    if (is_answered) write(call, memory, i, out);
    return is_answered;
  }

  // Rounds of a scan and a step.
  template <bool kRays>
  bool run(const Call& call, const cuda::QueryShape& shape, const cuda::QueryMemory& memory,
           std::int32_t excluded) {
    constexpr int kMostRounds = 1000;
    Wanted wanted = wanted_at_start(memory, excluded);
    bool is_exact = false;
    for (int round = 0; round < kMostRounds; ++round) {
      const bool is_part = round < call.settings.n_part_rounds && set_.n_panels() > 1;
      const Found found = is_exact ? scan_all(wanted) : scan(wanted, is_part, call.question);
      cuda::Listed listed{matrix(points_),       found.ids.data(), 0,      false,
                          int(found.ids.size()), found.bound,      is_part};
      if (call.settings.is_gathered) gather(found, listed);
      cuda::Query<Team, kRays> query(Team(), memory, shape, frame_, call.question);
      const cuda::Stage stage = query.advance(listed);
      if (stage == cuda::Stage::kAnswered) return true;
      if (stage == cuda::Stage::kOverflowed) return false;
      is_exact = stage != cuda::Stage::kFull;
      wanted.direction.assign(memory.active.direction, memory.active.direction + n_features());
      wanted.half_norm_weight = 0.0;
      wanted.threshold = hullspace::decide::rounded_up(query.threshold());
      wanted.keep = query.n_wanted();
      REQUIRE(wanted.keep <= shape.most_listed());
    }
    FAIL("a query goes on for ever");
    return false;
  }

  // Nearest points score lowest against the negative query.
  Wanted wanted_at_start(const cuda::QueryMemory& memory, std::int32_t excluded) const {
    Wanted wanted{{}, 1.0, cuda::kInfinity, cuda::kStartPoints, excluded};
    for (int j = 0; j < n_features(); ++j) wanted.direction.push_back(-memory.active.query[j]);
    return wanted;
  }

  Found scan(const Wanted& wanted, bool is_part, const cuda::Question& question) {
    ++n_scans_;
    hullspace::Selection selection;
    selection.exclude(wanted.excluded);
    selection.reset(std::size_t(wanted.keep), wanted.threshold);
    const hullspace::ScanRequest request{wanted.direction.data(), wanted.half_norm_weight,
                                         &selection};
    REQUIRE(scanner_.scan({&request, 1}, is_part ? 2 : 1, hullspace::StopFlag{false}));
    return found_by(selection, question.scan_error);
  }
  // The lowest point, in double precision.
  Found scan_all(const Wanted& wanted) {
    ++n_exact_scans_;
    hullspace::Selection selection;
    selection.exclude(wanted.excluded);
    selection.reset(1, cuda::kInfinity);
    REQUIRE(scan_exactly(set_, wanted.direction.data(), selection, hullspace::StopFlag{false}));
    return found_by(selection, 0.0);
  }
  static Found found_by(const hullspace::Selection& selection, double error) {
    std::vector<hullspace::Candidate> listed = selection.candidates();
    std::sort(listed.begin(), listed.end());
    Found found;
    for (const hullspace::Candidate& candidate : listed) found.ids.push_back(candidate.point);
    found.bound = hullspace::decide::unlisted_score(selection.threshold(), error);
    return found;
  }
  void gather(const Found& found, cuda::Listed& listed) {
    gathered_ = {{}, points_.n_features};
    for (const std::int32_t id : found.ids) {
      gathered_.values.insert(gathered_.values.end(), points_.row(id), points_.row(id + 1));
    }
    listed.rows = matrix(gathered_);
    listed.in_order = true;
  }

  void write(const Call& call, const cuda::QueryMemory& memory, std::ptrdiff_t i,
             Answers& out) const {
    const Goal goal = call.question.goal;
    cuda::AnswerArrays arrays{};
    arrays.points = out.points.data();
    arrays.distances = out.distances.data();
    arrays.normals = out.normals.data();
    arrays.gaps = out.gaps.data();
    arrays.residuals = out.residuals.data();
    arrays.status = out.status.data();
    std::vector<double> values(std::size_t(n_features()) + 1);
    std::vector<std::int32_t> columns(values.size());
    arrays.values = values.data();
    arrays.columns = columns.data();
    const cuda::AnswerWriter<Team> writer(Team(), frame_, n_features(), goal, arrays);
    writer.write(memory, i);
    const int count = writer.n_weights(memory);
    REQUIRE(count <= n_features() + 1);
    writer.write_weights(memory, count, 0);
    std::vector<std::size_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](std::size_t k) { return columns[k]; });
    for (const std::size_t k : order) {
      out.values.push_back(values[k]);
      out.columns.push_back(columns[k]);
    }
    out.row_starts.push_back(std::ssize(out.values));
  }

  const clouds::Rows<T>& points_;
  hullspace::PointSet set_;
  hullspace::Scanner scanner_;
  cuda::Frame frame_;
  clouds::Rows<T> gathered_{{}, 1};
  int n_scans_ = 0;
  int n_exact_scans_ = 0;
  int n_overflows_ = 0;
};

}  // namespace tests
