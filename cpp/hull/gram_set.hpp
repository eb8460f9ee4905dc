// Wolfe's method on the inner products of a pool of points alone.
//
// In many dimensions the work of an active set is passes over its points. Given their inner
// products, a step takes none: the normal equations of the lifted support are solved by a Cholesky
// factor that is updated as points enter and leave (Golub and Van Loan, "Matrix Computations", 4th
// ed., section 6.5.4). Products know lengths to half the digits only, so whoever uses the answer
// checks it, and goes on by other means where it is not good enough.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/triangle.hpp"

namespace hullspace {

class GramSet {
 public:
  // Forget all points and take the square of the lifted query's norm.
  void reset(double query_square);

  // Make room for so many points.
  void resize(std::ptrdiff_t n_points);
  // Where to put the inner products of lifted point i with all lifted points; then call set_point.
  double* products(std::ptrdiff_t i) { return &gram_[i * capacity_]; }
  // Take the products, and the one with the lifted query.
  void set_point(std::ptrdiff_t i, double with_query);

  // Find the point nearest to the query in the hull of the points marked in `usable`, until none
  // improves the distance by more than `tolerance` or rounding ends it.
  void solve(const std::vector<char>& usable, double tolerance);

  // Indices of points, and their positive weights, which sum to one.
  std::span<const std::ptrdiff_t> support() const { return support_; }
  std::span<const double> weights() const { return weights_; }

 private:
  std::ptrdiff_t support_size() const { return std::ssize(support_); }
  std::ptrdiff_t nearest(const std::vector<char>& usable) const;
  std::ptrdiff_t entering_point(const std::vector<char>& usable, double tolerance);
  bool enter(std::ptrdiff_t point);
  bool append(std::ptrdiff_t point);
  void find_target();
  bool take_step();
  void remove_weightless();
  double square() const;

  std::ptrdiff_t n_points_ = 0;
  std::ptrdiff_t capacity_ = 0;
  std::vector<double> gram_;        // products of the lifted points
  std::vector<double> with_query_;  // and with the lifted query
  double query_square_ = 0.0;
  Triangle factor_;                    // R of R^T R = the support's products
  std::vector<double> reduced_query_;  // R^-T times the support's products with the query
  std::vector<double> reduced_ones_;   // R^-T times ones
  std::vector<std::ptrdiff_t> support_;
  std::vector<double> weights_;
  std::vector<double> target_;  // the weights of the optimum of the support's affine hull
  double level_ = 0.0;          // product with (nearest point - query) that the support shares
  std::vector<double> values_;  // the same for all points
  std::vector<char> barred_;
};

}  // namespace hullspace
