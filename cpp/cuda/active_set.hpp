// The nearest point to one query in the hull of a small pool of points, by a team of threads.
//
// Wolfe's method as in hull/active_set.hpp, on a QR factorization of the support lifted by a
// constant coordinate. All memory belongs to the caller, so that the state of many queries can lie
// on a device from one scan to the next.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cuda/active_set_memory.hpp"
#include "cuda/frame.hpp"
#include "cuda/team.hpp"
#include "decide/query.hpp"
#include "decide/support.hpp"

namespace hullspace::cuda {

// out[i] = sum over j of element(i, j) * x[j]
template <class Team, class Element>
HULLSPACE_DEVICE void dots(const Team& team, int count, int length, const Element& element,
                           const double* x, double* out) {
  constexpr int kAtOnce = 4;  // sums that are under way together
  const auto part = team.own_part();
  for (int first = kAtOnce * team.part(); first < count; first += kAtOnce * team.n_parts()) {
    double sums[kAtOnce] = {};
    for (int j = part.lane(); j < length; j += part.size()) {
      for (int k = 0; k < kAtOnce; ++k) {
        const int i = first + k < count ? first + k : count - 1;
        sums[k] += element(i, j) * x[j];
      }
    }
    for (int k = 0; k < kAtOnce; ++k) {
      const double sum = part.sum(sums[k]);
      if (part.lane() == 0 && first + k < count) out[first + k] = sum;
    }
  }
  team.sync();
}

template <class Team>
class ActiveSet {
 public:
  HULLSPACE_DEVICE ActiveSet(const Team& team, const ActiveSetMemory& memory,
                             const ActiveSetShape& shape, const Frame& frame)
      : team_(team), m_(memory), shape_(shape), frame_(frame), n_(shape.n_features) {
    pool_ = {memory.pool, shape.most_pool(), n_, shape.is_double};
  }

  // Forget everything; the query is in memory.
  HULLSPACE_DEVICE void reset() {
    distance_ = kInfinity;
    n_pool_ = 0;
    n_support_ = 0;
  }
  // Go on where save() was called.
  HULLSPACE_DEVICE void restore() {
    distance_ = m_.state->distance;
    n_pool_ = m_.state->n_pool;
    n_support_ = m_.state->n_support;
  }
  HULLSPACE_DEVICE void save() const {
    team_.sync();
    if (team_.lane() == 0) *m_.state = {distance_, n_pool_, n_support_};
  }

  // The query in memory is another: move to the support's point nearest to it. The pool stays.
  HULLSPACE_DEVICE void retarget() {
    recompute_residual();
    find_coordinates();
    optimize_weights(-1);
    settle();
  }

  HULLSPACE_DEVICE double distance() const { return distance_; }
  HULLSPACE_DEVICE int n_support() const { return n_support_; }
  // Whether a point could not enter for want of memory; nothing said after that counts.
  HULLSPACE_DEVICE bool overflowed() const { return overflowed_; }

  // Put row rows[k] of `source`, for k < count <= kEnteringPoints, into the pool in place of points
  // that carry no weight.
  HULLSPACE_DEVICE void exchange_idle(const DeviceMatrix& source, const std::int64_t* rows,
                                      const std::int32_t* ids, int count) {
    team_.sync();
    int filled = 0;
    int n_used = 0;
    for (int first = 0; first < shape_.most_pool(); first += team_.size()) {
      const int place = first + team_.lane();
      const bool exists = place < shape_.most_pool();
      const bool open = exists && (place >= n_pool_ || m_.places[place] != kSupport);
      int n_open = 0;
      const int k = filled + team_.rank(open, n_open);
      const bool taken = open && k < count;
      if (exists && open) m_.places[place] = taken ? kIdle : kFree;
      if (taken) {
        m_.ids[place] = ids[k];
        // The order of places decides nothing but which of two equal points enters.
        m_.barred[place] = static_cast<std::int8_t>(k);
      }
      filled += n_open;
      n_used = exists && (taken || !open) ? place + 1 : n_used;
    }
    n_pool_ = -static_cast<int>(team_.lowest({-static_cast<double>(n_used), 0}).value);
    team_.sync();
    copy_rows(source, rows);
  }

  // Move to the pool's optimum, until no point of the pool improves the distance by more than
  // `tolerance`. False if rounding ended it before.
  HULLSPACE_DEVICE bool solve(double tolerance) {
    lift_bars();
    // There is one place for each of the long functions, as compilers write them out at every one:
    // of code a multiprocessor has 128 KiB near.
    bool begins = n_support_ == 0;
    double best = distance_;
    for (;;) {
      int entering = 0;
      if (!begins) {
        const bool ends = overflowed_ || decide::is_within(distance_, tolerance);
        entering = ends ? -1 : entering_point(tolerance);
      }
      if (entering >= 0) {
        const bool improves = enter(entering) && distance_ < best;
        if (improves) {
          best = distance_;
          lift_bars();
        } else if (!begins) {
          // Rounding: without progress a point may enter once only, so that the loop ends.
          if (team_.lane() == 0) m_.barred[entering] = 1;
          team_.sync();
        }
        if (!begins) continue;
      }
      settle();
      if (!begins) return !overflowed_;
      begins = false;
      best = distance_;
    }
  }

 private:
  enum Place : std::int8_t { kFree, kIdle, kSupport };

  HULLSPACE_DEVICE double* q(int i) const { return m_.q + std::int64_t{n_ + 1} * i; }
  HULLSPACE_DEVICE double& r(int row, int column) const {
    return m_.r[static_cast<std::int64_t>(column) * (column + 1) / 2 + row];
  }
  HULLSPACE_DEVICE double point(int place, int j) const { return framed(pool_, frame_, place, j); }

  // Copy the rows of points that are new in the pool; their bars say which.
  HULLSPACE_DEVICE void copy_rows(const DeviceMatrix& source, const std::int64_t* rows) {
    for (int place = 0; place < n_pool_; ++place) {
      if (m_.places[place] != kIdle) continue;
      const std::int64_t from = rows[m_.barred[place]] * n_;
      const std::int64_t to = static_cast<std::int64_t>(place) * n_;
      for (int j = team_.lane(); j < n_; j += team_.size()) {
        if (shape_.is_double) {
          reinterpret_cast<double*>(m_.pool)[to + j] =
              static_cast<const double*>(source.data)[from + j];
        } else {
          reinterpret_cast<float*>(m_.pool)[to + j] =
              static_cast<const float*>(source.data)[from + j];
        }
      }
    }
    team_.sync();
  }

  HULLSPACE_DEVICE void lift_bars() {
    team_.sync();
    for (int i = team_.lane(); i < n_pool_; i += team_.size()) m_.barred[i] = 0;
    team_.sync();
  }

  // Compute from the weights what the steps have kept up to date, free of their rounding.
  HULLSPACE_DEVICE void recompute_residual() {
    double total = 0.0;
    for (int i = team_.lane(); i < n_support_; i += team_.size()) total += m_.weights[i];
    total = team_.sum(total);
    for (int i = team_.lane(); i < n_support_; i += team_.size()) m_.weights[i] /= total;
    team_.sync();
    double square = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      double nearest = 0.0;
      for (int i = 0; i < n_support_; ++i) nearest += m_.weights[i] * point(m_.support[i], j);
      const double rest = m_.query[j] - nearest;
      m_.nearest[j] = nearest;
      m_.residual[j] = rest;
      square += rest * rest;
    }
    if (team_.lane() == 0) m_.residual[n_] = 0.0;
    distance_ = sqrt(team_.sum(square));
    team_.sync();
  }

  // The same at the optimum of the support, where what rounding left along it goes.
  HULLSPACE_DEVICE void settle() {
    recompute_residual();
    const double distance = distance_;
    find_coordinates();
    level_coordinates();
    advance_residual(1.0);
    distance_ = distance;
  }

  // Coordinates of the residual along the lifted support.
  HULLSPACE_DEVICE void find_coordinates() {
    dots(
        team_, n_support_, n_ + 1, [this](int i, int j) { return q(i)[j]; }, m_.residual,
        m_.coordinates);
  }

  // Give the residual the lifted coordinate for which a step along the coordinates keeps the sum of
  // the weights.
  HULLSPACE_DEVICE void level_coordinates() {
    double along = 0.0;
    double whole = 0.0;
    for (int i = team_.lane(); i < n_support_; i += team_.size()) {
      along += q(i)[n_] * m_.coordinates[i];
      whole += q(i)[n_] * q(i)[n_];
    }
    const double shift = -team_.sum(along) / team_.sum(whole);
    if (team_.lane() == 0) m_.residual[n_] += shift;
    for (int i = team_.lane(); i < n_support_; i += team_.size()) {
      m_.coordinates[i] += shift * q(i)[n_];
    }
    team_.sync();
  }

  // x -= sum over the first `count` columns of factors[i] * q(i), over all coordinates; returns the
  // square of what is left in the first n_squared.
  HULLSPACE_DEVICE double subtract(const double* factors, int count, int n_squared, double* x) {
    double square = 0.0;
    for (int j = team_.lane(); j <= n_; j += team_.size()) {
      double rest = x[j];
      for (int i = 0; i < count; ++i) rest -= factors[i] * q(i)[j];
      x[j] = rest;
      square += j < n_squared ? rest * rest : 0.0;
    }
    square = team_.sum(square);
    team_.sync();
    return square;
  }

  // Take a share of the coordinates out of the residual, again where rounding asks for it.
  HULLSPACE_DEVICE void advance_residual(double share) {
    double before = distance_;
    for (;;) {
      for (int i = team_.lane(); i < n_support_; i += team_.size()) {
        m_.work[i] = share * m_.coordinates[i];
        m_.coordinates[i] -= m_.work[i];
      }
      team_.sync();
      distance_ = sqrt(subtract(m_.work, n_support_, n_, m_.residual));
      if (decide::is_clear(share, distance_, before)) break;
      before = distance_;
      find_coordinates();
      level_coordinates();
    }
    const double factor = decide::direction_factor(distance_);
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.direction[j] = factor * m_.residual[j];
    team_.sync();
  }

  HULLSPACE_DEVICE int entering_point(double tolerance) {
    const auto part = team_.own_part();
    const auto score = [&](int place) {
      double sum = 0.0;
      for (int j = part.lane(); j < n_; j += part.size()) sum += point(place, j) * m_.direction[j];
      return part.sum(sum);
    };
    Extreme best{score(m_.support[0]) - tolerance, -1};
    const double level = best.value;
    for (int place = team_.part(); place < n_pool_; place += team_.n_parts()) {
      if (m_.places[place] != kIdle || m_.barred[place] != 0) continue;
      const Extreme mine{score(place), place};
      if (mine.value < level && is_lower(mine, best)) best = mine;
    }
    return team_.lowest(best).place;
  }

  // On return the weights are those of the point nearest to the query in the affine hull of the new
  // support. False, with nothing changed, if the point cannot enter for rounding or want of memory.
  HULLSPACE_DEVICE bool enter(int place) {
    if (n_support_ == shape_.most_support) {
      // More points than coordinates of the lifted space depend on each other.
      overflowed_ = shape_.most_support <= n_;
      return false;
    }
    if (!append(place)) return false;
    const int last = n_support_ - 1;
    const double along = n_support_ == 1 ? 0.0 : inner_product(team_, q(last), m_.residual, n_ + 1);
    if (team_.lane() == 0) {
      m_.support[last] = place;
      m_.places[place] = kSupport;
      m_.coordinates[last] = along;
      m_.weights[last] = n_support_ == 1 ? 1.0 : 0.0;
    }
    team_.sync();
    return n_support_ == 1 || optimize_weights(last);
  }

  // Append a point to the factorization: Gram-Schmidt, repeated where needed. False if it depends
  // on the others.
  HULLSPACE_DEVICE bool append(int place) {
    const int k = n_support_;
    double* column = q(k);
    double square = 0.0;
    for (int j = team_.lane(); j <= n_; j += team_.size()) {
      const double x = j < n_ ? point(place, j) : 1.0;
      column[j] = x;
      square += x * x;
    }
    for (int i = team_.lane(); i < k; i += team_.size()) r(i, k) = 0.0;
    square = team_.sum(square);
    team_.sync();
    const double whole = square;
    for (int pass = 0; pass < decide::kMostProjections && k > 0; ++pass) {
      const double before = square;
      dots(team_, k, n_ + 1, [this](int i, int j) { return q(i)[j]; }, column, m_.work);
      for (int i = team_.lane(); i < k; i += team_.size()) r(i, k) += m_.work[i];
      square = subtract(m_.work, k, n_ + 1, column);
      if (decide::is_orthogonal(square, before)) break;
    }
    const double norm = sqrt(square);
    if (decide::is_dependent(norm, whole)) return false;
    const double inverse = 1.0 / norm;
    for (int j = team_.lane(); j <= n_; j += team_.size()) column[j] *= inverse;
    if (team_.lane() == 0) r(k, k) = inverse;
    ++n_support_;
    team_.sync();
    return true;
  }

  // Go to the optimum of the support, or of what is left of it on the way. False, with nothing
  // changed, if the one that `entered` last (or -1) gets no weight.
  HULLSPACE_DEVICE bool optimize_weights(int entered) {
    for (;;) {
      find_step();
      const bool stays_out = entered >= 0 && !decide::gains_weight(m_.step[entered]);
      if (!stays_out && take_step()) return true;
      for (int i = n_support_ - 1; i >= 0; --i) {
        const bool leaves =
            stays_out ? i == entered : decide::leaves(m_.weights[i], n_support_ == 1);
        if (leaves) remove_support(i);
      }
      if (stays_out) return false;
      if (n_support_ == 1) return true;
      entered = -1;
    }
  }

  // Change of the weights that leads to the point of the support's affine hull nearest the query.
  HULLSPACE_DEVICE void find_step() {
    level_coordinates();
    for (int i = team_.lane(); i < n_support_; i += team_.size()) m_.work[i] = m_.coordinates[i];
    team_.sync();
    for (int i = n_support_ - 1; i >= 0; --i) {
      const double x = m_.work[i] * r(i, i);
      for (int k = team_.lane(); k < i; k += team_.size()) m_.work[k] -= x * r(k, i);
      if (team_.lane() == 0) m_.step[i] = x;
      team_.sync();
    }
  }

  // Go along the step as far as the weights allow; true if that is its end.
  HULLSPACE_DEVICE bool take_step() {
    Extreme first{1.0, -1};
    for (int i = team_.lane(); i < n_support_; i += team_.size()) {
      if (decide::stays_positive(m_.weights[i], m_.step[i])) continue;
      const Extreme limit{decide::share_to_zero(m_.weights[i], m_.step[i]), i};
      if (is_lower(limit, first)) first = limit;
    }
    first = team_.lowest(first);
    const bool blocked = first.place >= 0;
    const double length = blocked && first.value < 1.0 ? first.value : 1.0;
    for (int i = team_.lane(); i < n_support_; i += team_.size()) {
      m_.weights[i] = i == first.place ? 0.0 : m_.weights[i] + length * m_.step[i];
    }
    team_.sync();
    advance_residual(length);
    return !blocked;
  }

  // Remove a point of the support and restore the triangle by Givens rotations of rows i and i + 1.
  HULLSPACE_DEVICE void remove_support(int removed) {
    for (int i = removed; i + 1 < n_support_; ++i) {
      const double a = r(i, i + 1);
      const double b = 1.0 / r(i + 1, i + 1);
      const double inverse = 1.0 / sqrt(a * a + b * b);
      team_.sync();
      rotate(i, a * inverse, b * inverse);
      // What was column i + 1 takes the place of column i, which is no longer needed.
      for (int k = team_.lane(); k < i; k += team_.size()) r(k, i) = r(k, i + 1);
      if (team_.lane() == 0) r(i, i) = inverse;
      team_.sync();
    }
    if (team_.lane() == 0) m_.places[m_.support[removed]] = kIdle;
    team_.sync();
    for (int first = removed; first + 1 < n_support_; first += team_.size()) {
      const int i = first + team_.lane();
      const bool moves = i + 1 < n_support_;
      const std::int32_t place = moves ? m_.support[i + 1] : 0;
      const double weight = moves ? m_.weights[i + 1] : 0.0;
      team_.sync();
      if (moves) m_.support[i] = place;
      if (moves) m_.weights[i] = weight;
      team_.sync();
    }
    --n_support_;
  }

  // Rotate what belongs to rows i and i + 1 of the triangle, from column i + 2 on.
  HULLSPACE_DEVICE void rotate(int i, double c, double s) {
    const auto turn = [c, s](double& a, double& b) {
      const double x = a;
      a = c * x + s * b;
      b = c * b - s * x;
    };
    for (int j = i + 2 + team_.lane(); j < n_support_; j += team_.size())
      turn(r(i, j), r(i + 1, j));
    for (int j = team_.lane(); j <= n_; j += team_.size()) turn(q(i)[j], q(i + 1)[j]);
    if (team_.lane() == 0) turn(m_.coordinates[i], m_.coordinates[i + 1]);
  }

  Team team_;
  const ActiveSetMemory& m_;
  const ActiveSetShape& shape_;
  const Frame& frame_;
  int n_;
  DeviceMatrix pool_;
  double distance_ = 0.0;
  int n_pool_ = 0;
  int n_support_ = 0;
  bool overflowed_ = false;
};

}  // namespace hullspace::cuda
