// The nearest point to one query in the hull of a small pool of points.
//
// Wolfe's method ("Finding the nearest point in a polytope", Mathematical Programming 11, 1976):
// a support of affinely independent points with positive weights is kept; the most violating
// point enters, and points leave until the point nearest to the query in the support's affine
// hull has positive weights. Each such point is found from a QR factorization of the support
// lifted by a constant coordinate: the columns (p, 1) are linearly independent exactly when the
// points are affinely independent, and steps keep the weights' sum. Working with steps from the
// current point keeps the accuracy for queries on the boundary and far away.
//
// In many dimensions the steps are first taken on inner products alone (`GramSet`), for as long as
// what they find passes a test in full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/thin_qr.hpp"
#include "decide/support.hpp"
#include "hull/gram_set.hpp"

namespace hullspace {

class ActiveSet {
 public:
  explicit ActiveSet(std::ptrdiff_t n_features);

  // Forget everything and take a new query, n_features doubles, which is copied.
  void reset(const double* query);

  // Take another query, and move to the support's point nearest to it. The pool stays.
  void retarget(const double* query);

  // Drop the pool's points that carry no weight.
  void drop_idle();
  // Add a point, n_features doubles, to the pool.
  void add(std::int32_t id, const double* point);

  // Move to the pool's optimum, until no point of the pool improves the distance by more than
  // `tolerance`. False if rounding ended it before, or `stop` is set.
  bool solve(double tolerance, const StopFlag& stop);

  // Distance from the query to the nearest point.
  double distance() const { return distance_; }
  // Nearest point, n_features.
  const double* nearest() const { return nearest_.data(); }
  // Unit vector from the query to the nearest point, orthogonal to the support's affine hull
  // up to rounding even when the distance is tiny; zero at distance zero.
  const double* direction() const { return direction_.data(); }

  std::ptrdiff_t support_size() const { return std::ssize(support_); }
  std::int32_t support_id(std::ptrdiff_t i) const { return ids_[support_[i]]; }
  double weight(std::ptrdiff_t i) const { return weights_[i]; }

 private:
  const double* pool_point(std::ptrdiff_t i) const { return &pool_[i * stride_]; }
  std::ptrdiff_t nearest_in_pool() const;
  bool solve_by_products(double tolerance);
  void update_products();
  bool optimal_in_pool(double tolerance);
  void leave_products();
  void recompute_residual();
  void settle();
  double residual_norm() const;
  void find_coordinates();
  void level_coordinates();
  void advance_residual(double share);
  void point_along_residual();
  std::ptrdiff_t entering_point(double tolerance);
  bool enter(std::ptrdiff_t pool_index);
  void finish_steps();
  void find_step();
  bool take_step();
  void remove_support(std::ptrdiff_t i);
  void remove_weightless();

  const Kernels& kernels_;
  std::ptrdiff_t n_features_;
  std::ptrdiff_t stride_;  // of the pool's lifted points
  std::vector<double> query_;
  std::vector<double> pool_;
  std::vector<std::int32_t> ids_;
  std::vector<Occupant> occupants_;
  std::vector<std::ptrdiff_t> free_;  // places of the pool to be filled again
  std::vector<char> barred_;  // points of the pool that may not enter until the distance falls
  std::vector<double> scores_;

  bool by_products_ = false;  // the factorization is not in use yet
  GramSet gram_;
  std::vector<char> usable_;           // places that hold a point, for `gram_`
  std::vector<char> unknown_;          // places whose products are to be computed
  std::vector<std::ptrdiff_t> fresh_;  // those of them that hold a point
  std::vector<double> fresh_points_;
  std::vector<double> fresh_products_;
  ThinQr qr_;  // of the lifted support, in the order of support_
  std::vector<std::ptrdiff_t> support_;
  std::vector<double> weights_;
  std::vector<double> coordinates_;  // of the residual along the support, kept up to date
  std::vector<double> shares_;       // of them, on their way out of the residual
  std::vector<double> step_;         // change of the weights that leads to the affine optimum
  std::vector<double> nearest_;
  std::vector<double> residual_;  // query - nearest, lifted
  std::vector<double> direction_;
  double distance_ = 0.0;
};

}  // namespace hullspace
