// A point set in eight bits a coordinate, with rigorous bounds: a scan of it costs a fraction of
// one in single precision and leaves only the points near the threshold to be scored exactly.
//
// Coordinate j of a point, p'_j in the set's coordinates, is scale_j * (v_j + e_j) with an integer
// |v_j| <= 127 and |e_j| <= 1/2. A direction d, times the scales, is step * (w_j + f_j) with an
// integer |w_j| <= 127. Then, for any vector m,
//   d . p' = step * (v . w) + m . (step f) + (v - m) . (step f) + (scale d) . e,
// where the first two terms are computed and Cauchy-Schwarz bounds the last two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "hullspace/context.hpp"
#include "scan/point_set.hpp"
#include "scan/scan.hpp"

namespace hullspace {

class BytePanels {
 public:
  // Empty where the machine has no fast kernel for bytes.
  BytePanels(const PointSet& points, const Context& context);

  // Take in the points that were appended to the set after the first `n_before`.
  void append(const PointSet& points, std::ptrdiff_t n_before, const Context& context);

  bool empty() const { return panels_ == nullptr; }
  // Coordinates are scored four at a time.
  std::ptrdiff_t n_groups() const { return (n_features_ + 3) / 4; }
  std::ptrdiff_t n_panels() const { return n_panels_; }
  const std::uint8_t* panel(std::ptrdiff_t i) const;

  // A direction as the kernel takes it: score = step * (sum - 128 * total) + offset.
  struct Direction {
    std::vector<std::int8_t> bytes;  // 4 * n_groups()
    double step = 0.0;
    double total = 0.0;
    double offset = 0.0;
    double error = 0.0;  // no score is wrong by more
  };
  void quantize(const double* direction, Direction& out) const;

 private:
  // Squares of the norms below.
  struct Errors {
    double rounding = 0.0;
    double spread = 0.0;

    void raise(const Errors& other) {
      rounding = std::max(rounding, other.rounding);
      spread = std::max(spread, other.spread);
    }
  };
  void pack(const PointSet& points, std::ptrdiff_t first_panel, const Context& context);
  Errors pack_point(const double* row, std::uint8_t* out) const;

  std::ptrdiff_t n_features_;
  std::ptrdiff_t n_panels_ = 0;
  std::vector<double> scales_;
  std::vector<double> middle_;   // m, close to the mean of v
  double rounding_ = 0.0;        // largest norm of e
  double spread_ = 0.0;          // largest norm of v - m
  std::ptrdiff_t capacity_ = 0;  // panels
  std::unique_ptr<std::uint8_t[]> panels_;
};

// Scans bytes, many directions at a time. One scanner belongs to one thread.
class ByteScanner {
 public:
  ByteScanner(const PointSet& points, const BytePanels& panels)
      : points_(points), panels_(panels), kernels_(kernels()) {}

  struct Request {
    const BytePanels::Direction* direction = nullptr;
    Selection* selection = nullptr;
  };
  // Offer every point to every request's selection. Returns false once `stop` is set.
  bool scan(std::span<const Request> requests, const StopFlag& stop);

 private:
  void pack(std::span<const Request> requests);
  void select(std::ptrdiff_t panel, std::ptrdiff_t tile, std::uint32_t mask,
              std::span<const Request> requests);
  std::int32_t integer_threshold(const BytePanels::Direction& direction, double threshold) const;

  const PointSet& points_;
  const BytePanels& panels_;
  const Kernels& kernels_;
  std::vector<std::int8_t> tiles_;
  std::vector<std::int32_t> thresholds_;
  std::int32_t sums_[kMaxTileDirections * kPanelPoints] = {};
  std::uint64_t hits_[kMaxTileDirections] = {};
};

}  // namespace hullspace
