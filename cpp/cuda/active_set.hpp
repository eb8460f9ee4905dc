// The nearest point to one query in the hull of a small pool of points, by a team of threads.
//
// Wolfe's method as in hull/active_set.hpp, on a QR factorization of the lifted support. All memory
// belongs to the caller, so that the state of many queries can lie on a device from one scan to the
// next.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cuda/active_set_memory.hpp"
#include "cuda/frame.hpp"
#include "cuda/team.hpp"
#include "cuda/thin_qr.hpp"
#include "decide/query.hpp"
#include "decide/support.hpp"

namespace hullspace::cuda {

template <class Team>
class ActiveSet {
 public:
  HULLSPACE_DEVICE ActiveSet(const Team& team, const ActiveSetMemory& memory,
                             const ActiveSetShape& shape, const Frame& frame)
      : team_(team),
        m_(memory),
        shape_(shape),
        frame_(frame),
        n_(shape.n_features),
        qr_(team, memory.qr, shape.n_features + 1) {
    pool_ = {memory.pool, shape.most_pool(), n_, shape.is_double};
  }

  // Forget everything; the query is in memory.
  HULLSPACE_DEVICE void reset() {
    distance_ = kInfinity;
    n_pool_ = 0;
    qr_.set_size(0);
  }
  // Go on where save() was called.
  HULLSPACE_DEVICE void restore() {
    distance_ = m_.state->distance;
    n_pool_ = m_.state->n_pool;
    qr_.set_size(m_.state->n_support);
  }
  HULLSPACE_DEVICE void save() const {
    team_.sync();
    if (team_.lane() == 0) *m_.state = {distance_, n_pool_, n_support()};
  }

  // The query in memory is another: move to the support's point nearest to it. The pool stays.
  HULLSPACE_DEVICE void retarget() {
    recompute_residual();
    find_coordinates();
    optimize_weights(-1);
    settle();
  }

  HULLSPACE_DEVICE double distance() const { return distance_; }
  HULLSPACE_DEVICE int n_support() const { return qr_.size(); }
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
      const bool open = exists && (place >= n_pool_ || m_.occupants[place] != Occupant::kSupport);
      int n_open = 0;
      const int k = filled + team_.rank(open, n_open);
      const bool taken = open && k < count;
      if (exists && open) m_.occupants[place] = taken ? Occupant::kIdle : Occupant::kNone;
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
    bool begins = n_support() == 0;
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
  HULLSPACE_DEVICE double point(int place, int j) const { return framed(pool_, frame_, place, j); }

  // Copy the rows of points that are new in the pool; their bars say which.
  HULLSPACE_DEVICE void copy_rows(const DeviceMatrix& source, const std::int64_t* rows) {
    for (int place = 0; place < n_pool_; ++place) {
      if (m_.occupants[place] != Occupant::kIdle) continue;
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
    for (int i = team_.lane(); i < n_support(); i += team_.size()) total += m_.weights[i];
    total = team_.sum(total);
    for (int i = team_.lane(); i < n_support(); i += team_.size()) m_.weights[i] /= total;
    team_.sync();
    double square = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      double nearest = 0.0;
      for (int i = 0; i < n_support(); ++i) nearest += m_.weights[i] * point(m_.support[i], j);
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
  HULLSPACE_DEVICE void find_coordinates() { qr_.coordinates(m_.residual, m_.coordinates); }

  // Give the residual the lifted coordinate for which a step along the coordinates keeps the sum of
  // the weights.
  HULLSPACE_DEVICE void level_coordinates() {
    double along = 0.0;
    double whole = 0.0;
    for (int i = team_.lane(); i < n_support(); i += team_.size()) {
      along += qr_.q(i)[n_] * m_.coordinates[i];
      whole += qr_.q(i)[n_] * qr_.q(i)[n_];
    }
    const double shift = -team_.sum(along) / team_.sum(whole);
    if (team_.lane() == 0) m_.residual[n_] += shift;
    for (int i = team_.lane(); i < n_support(); i += team_.size()) {
      m_.coordinates[i] += shift * qr_.q(i)[n_];
    }
    team_.sync();
  }

  // Take a share of the coordinates out of the residual, again where rounding asks for it.
  HULLSPACE_DEVICE void advance_residual(double share) {
    double* shares = m_.qr.work;
    double before = distance_;
    for (;;) {
      for (int i = team_.lane(); i < n_support(); i += team_.size()) {
        shares[i] = share * m_.coordinates[i];
        m_.coordinates[i] -= shares[i];
      }
      team_.sync();
      distance_ = sqrt(qr_.subtract(shares, n_, m_.residual));
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
      if (m_.occupants[place] != Occupant::kIdle || m_.barred[place] != 0) continue;
      const Extreme mine{score(place), place};
      if (mine.value < level && is_lower(mine, best)) best = mine;
    }
    return team_.lowest(best).place;
  }

  // On return the weights are those of the point nearest to the query in the affine hull of the new
  // support. False, with nothing changed, if the point cannot enter for rounding or want of memory.
  HULLSPACE_DEVICE bool enter(int place) {
    if (n_support() == shape_.most_support) {
      // More points than coordinates of the lifted space depend on each other.
      overflowed_ = shape_.most_support <= n_;
      return false;
    }
    const auto lifted = [&](int j) { return j < n_ ? point(place, j) : 1.0; };
    if (!qr_.append(lifted)) return false;
    const int last = n_support() - 1;
    const double along =
        n_support() == 1 ? 0.0 : inner_product(team_, qr_.q(last), m_.residual, n_ + 1);
    if (team_.lane() == 0) {
      m_.support[last] = place;
      m_.occupants[place] = Occupant::kSupport;
      m_.coordinates[last] = along;
      m_.weights[last] = n_support() == 1 ? 1.0 : 0.0;
    }
    team_.sync();
    return n_support() == 1 || optimize_weights(last);
  }

  // Go to the optimum of the support, or of what is left of it on the way. False, with nothing
  // changed, if the one that `entered` last (or -1) gets no weight.
  HULLSPACE_DEVICE bool optimize_weights(int entered) {
    for (;;) {
      find_step();
      const bool stays_out = entered >= 0 && !decide::gains_weight(m_.step[entered]);
      if (!stays_out && take_step()) return true;
      for (int i = n_support() - 1; i >= 0; --i) {
        const bool leaves =
            stays_out ? i == entered : decide::leaves(m_.weights[i], n_support() == 1);
        if (leaves) remove_support(i);
      }
      if (stays_out) return false;
      if (n_support() == 1) return true;
      entered = -1;
    }
  }

  // Change of the weights that leads to the point of the support's affine hull nearest the query.
  HULLSPACE_DEVICE void find_step() {
    level_coordinates();
    qr_.solve(m_.coordinates, m_.step);
  }

  // Go along the step as far as the weights allow; true if that is its end.
  HULLSPACE_DEVICE bool take_step() {
    Extreme first{1.0, -1};
    for (int i = team_.lane(); i < n_support(); i += team_.size()) {
      if (decide::stays_positive(m_.weights[i], m_.step[i])) continue;
      const Extreme limit{decide::share_to_zero(m_.weights[i], m_.step[i]), i};
      if (is_lower(limit, first)) first = limit;
    }
    first = team_.lowest(first);
    const bool blocked = first.place >= 0;
    const double length = blocked && first.value < 1.0 ? first.value : 1.0;
    for (int i = team_.lane(); i < n_support(); i += team_.size()) {
      m_.weights[i] = i == first.place ? 0.0 : m_.weights[i] + length * m_.step[i];
    }
    team_.sync();
    advance_residual(length);
    return !blocked;
  }

  HULLSPACE_DEVICE void remove_support(int removed) {
    qr_.remove(removed, m_.coordinates);
    if (team_.lane() == 0) m_.occupants[m_.support[removed]] = Occupant::kIdle;
    team_.sync();
    for (int first = removed; first < n_support(); first += team_.size()) {
      const int i = first + team_.lane();
      const bool moves = i < n_support();
      const std::int32_t place = moves ? m_.support[i + 1] : 0;
      const double weight = moves ? m_.weights[i + 1] : 0.0;
      team_.sync();
      if (moves) m_.support[i] = place;
      if (moves) m_.weights[i] = weight;
      team_.sync();
    }
  }

  Team team_;
  const ActiveSetMemory& m_;
  const ActiveSetShape& shape_;
  const Frame& frame_;
  int n_;
  DeviceMatrix pool_;
  ThinQr<Team> qr_;
  double distance_ = 0.0;
  int n_pool_ = 0;
  bool overflowed_ = false;
};

}  // namespace hullspace::cuda
