// A point set made ready for scanning: centred, scaled to norm about one, packed in panels.
//
// Everything above works in the set's own coordinates, p' = (p - center) * unit, where `unit` is
// a power of two: subtraction is the only rounding, so no units of the data over- or underflow.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/parallel.hpp"
#include "decide/units.hpp"
#include "hullspace/context.hpp"
#include "hullspace/view.hpp"

namespace hullspace {

class PointSet {
 public:
  PointSet(const AnyMatrix& points, const Context& context);

  // Look at `points` from now on, whose first rows are those of before. False, with nothing
  // changed, if the new ones reach beyond the box that the coordinates were chosen for.
  bool append(const AnyMatrix& points, const Context& context);
  // Look at the first points only, which are `points`.
  void truncate(const AnyMatrix& points);

  // The points as they were given.
  const AnyMatrix& data() const { return points_; }

  std::ptrdiff_t n_points() const { return n_points_; }
  std::ptrdiff_t n_features() const { return n_features_; }
  // Largest norm of a point, in the set's coordinates; never zero.
  double radius() const { return radius_; }

  // Half the bounding box's width, in the set's coordinates: no coordinate of a point is larger,
  // but of appended ones by tolerances::kBoxSlack.
  const std::vector<double>& half_widths() const { return half_widths_; }

  // Point i in the set's coordinates, n_features doubles.
  void load(std::ptrdiff_t i, double* out) const;
  // Bring point i into the cache. It reads the point, once per cache line: the processor drops
  // prefetches when many are under way.
  void touch(std::ptrdiff_t i) const;

  // A row of `matrix` in the set's coordinates. A query beyond kFarthestQuery radii is moved in
  // along its ray; the result is the data's length of a unit of its coordinates then, or 0.
  double load_query(const AnyMatrix& matrix, std::ptrdiff_t i, double* out) const;

  // A row of `matrix` as a unit vector, or zero; returns its length in the data.
  double load_direction(const AnyMatrix& matrix, std::ptrdiff_t i, double* out) const;

  // The center in the data, and the unit's exponent of two.
  const std::vector<double>& center() const { return center_; }
  int unit_exponent() const { return std::ilogb(unit_.high) + std::ilogb(unit_.low); }
  const decide::Unit& unit() const { return unit_; }

  // From the set's coordinates to the data's.
  double length_to_data(double length) const { return unit_.to_data(length); }
  void point_to_data(const double* point, double* out) const;

  // Panels of kPanelPoints points. A panel holds n_scan_rows() rows of kPanelPoints floats: the
  // coordinates, then half the squared norm, for finding nearest points. The last is zero-padded.
  std::ptrdiff_t n_panels() const;
  std::ptrdiff_t n_scan_rows() const { return n_features_ + 1; }
  const float* panel(std::ptrdiff_t i) const;
  // Bit j says whether panel i has a point j.
  std::uint64_t panel_mask(std::ptrdiff_t i) const;

 private:
  void find_center_and_unit(const Context& context);
  void pack(std::ptrdiff_t first_panel, const Context& context);
  double pack_panel(std::ptrdiff_t panel, std::vector<double>& row);

  AnyMatrix points_;
  std::ptrdiff_t n_points_;
  std::ptrdiff_t n_features_;
  std::vector<double> center_;
  std::vector<double> half_widths_;
  decide::Unit unit_;
  double radius_ = 0.0;
  std::ptrdiff_t capacity_ = 0;  // panels
  std::unique_ptr<float[]> panels_;
};

// Throws ArgumentError naming `name` unless `matrix` has at least one column and only finite
// elements; with `n_features` >= 0 it must have that many columns.
void require_valid(const AnyMatrix& matrix, const char* name, std::ptrdiff_t n_features,
                   const Context& context);

}  // namespace hullspace
