#include "scan/point_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

#include "common/kernels.hpp"
#include "common/tolerances.hpp"
#include "hullspace/error.hpp"

namespace hullspace {
namespace {

// Rows that a worker handles between looks at the stop flag.
constexpr std::ptrdiff_t kRowsPerTask = 4096;

struct Box {
  std::vector<double> low;
  std::vector<double> high;

  explicit Box(std::ptrdiff_t n_features)
      : low(n_features, std::numeric_limits<double>::infinity()),
        high(n_features, -std::numeric_limits<double>::infinity()) {}

  template <class T>
  void include(const T* row) {
    for (std::size_t j = 0; j < low.size(); ++j) {
      low[j] = std::min(low[j], static_cast<double>(row[j]));
      high[j] = std::max(high[j], static_cast<double>(row[j]));
    }
  }
  void include(const Box& other) {
    include(other.low.data());
    include(other.high.data());
  }
};

}  // namespace

PointSet::PointSet(const AnyMatrix& points, const Context& context)
    : points_(points), n_points_(rows(points)), n_features_(cols(points)) {
  if (n_points_ < 1) throw ArgumentError("points must have at least one row");
  if (n_points_ > std::numeric_limits<std::int32_t>::max()) {
    throw ArgumentError("points must have at most 2147483647 rows, got " +
                        std::to_string(n_points_));
  }
  require_valid(points, "points", -1, context);
  find_center_and_unit(context);
  pack(0, context);
}

void PointSet::find_center_and_unit(const Context& context) {
  Box box(n_features_);
  std::mutex mutex;
  for_ranges(context, n_points_, kRowsPerTask, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    Box part(n_features_);
    std::visit(
        [&](const auto& view) {
          for (std::ptrdiff_t i = first; i < last; ++i) part.include(view.row(i));
        },
        points_);
    const std::lock_guard<std::mutex> lock(mutex);
    box.include(part);
  });
  double reach = 0.0;
  double offset = 0.0;
  center_.resize(n_features_);
  half_widths_.resize(n_features_);
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    center_[j] = decide::middle(box.low[j], box.high[j]);
    half_widths_[j] = decide::half_width(box.low[j], box.high[j], center_[j]);
    reach = std::max(reach, half_widths_[j]);
    offset = std::max(offset, std::abs(center_[j]));
  }
  unit_ = decide::unit_of(reach, offset);
  for (double& width : half_widths_) width = unit_.to_set(width);
}

void PointSet::load(std::ptrdiff_t i, double* out) const {
  const Kernels& table = kernels();
  if (const auto* floats = std::get_if<MatrixView<float>>(&points_)) {
    table.center_floats(floats->row(i), center_.data(), unit_.high, unit_.low, out, n_features_);
  } else {
    table.center_doubles(std::get<MatrixView<double>>(points_).row(i), center_.data(), unit_.high,
                         unit_.low, out, n_features_);
  }
}

void PointSet::touch(std::ptrdiff_t i) const {
  constexpr std::ptrdiff_t kCacheLine = 64;
  constexpr std::ptrdiff_t kMostLines = 16;  // the processor follows longer rows by itself
  std::visit(
      [&](const auto& view) {
        const auto* row = reinterpret_cast<const char*>(view.row(i));
        const std::ptrdiff_t size = n_features_ * static_cast<std::ptrdiff_t>(sizeof(*view.data));
        for (std::ptrdiff_t at = 0; at < std::min(size, kMostLines * kCacheLine);
             at += kCacheLine) {
          static_cast<void>(*static_cast<const volatile char*>(row + at));
        }
      },
      points_);
}

double PointSet::load_query(const AnyMatrix& matrix, std::ptrdiff_t i, double* out) const {
  double largest = 0.0;
  std::visit(
      [&](const auto& view) {
        const auto* row = view.row(i);
        for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
          const auto x = static_cast<double>(row[j]);
          largest = std::max(largest, std::abs(decide::quarter_offset(x, center_[j])));
          out[j] = decide::query_coordinate(x, center_[j], unit_);
        }
      },
      matrix);
  const double farthest = decide::farthest_coordinate(radius_);
  if (!decide::is_far(largest, farthest, unit_)) return 0.0;
  std::visit(
      [&](const auto& view) {
        const auto* row = view.row(i);
        for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
          const double quarter = decide::quarter_offset(static_cast<double>(row[j]), center_[j]);
          out[j] = decide::moved_in(quarter, largest, farthest);
        }
      },
      matrix);
  return decide::far_unit(largest, farthest);
}

double PointSet::load_direction(const AnyMatrix& matrix, std::ptrdiff_t i, double* out) const {
  double largest = 0.0;
  std::visit(
      [&](const auto& view) {
        const auto* row = view.row(i);
        for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
          out[j] = static_cast<double>(row[j]);
          largest = std::max(largest, std::abs(out[j]));
        }
      },
      matrix);
  if (largest == 0.0) return 0.0;
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) out[j] /= largest;
  const double length = norm(out, n_features_);
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) out[j] /= length;
  return largest * length;
}

void PointSet::point_to_data(const double* point, double* out) const {
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    out[j] = center_[j] + unit_.to_data(point[j]);
  }
}

std::ptrdiff_t PointSet::n_panels() const { return (n_points_ + kPanelPoints - 1) / kPanelPoints; }

const float* PointSet::panel(std::ptrdiff_t i) const {
  return panels_.get() + i * n_scan_rows() * kPanelPoints;
}

std::uint64_t PointSet::panel_mask(std::ptrdiff_t i) const {
  const std::ptrdiff_t n = std::min<std::ptrdiff_t>(n_points_ - i * kPanelPoints, kPanelPoints);
  return (std::uint64_t{1} << n) - 1;
}

double PointSet::pack_panel(std::ptrdiff_t panel, std::vector<double>& row) {
  float* out = panels_.get() + panel * n_scan_rows() * kPanelPoints;
  const std::ptrdiff_t first = panel * kPanelPoints;
  const std::ptrdiff_t last = std::min(first + kPanelPoints, n_points_);
  if (last - first < kPanelPoints) std::fill_n(out, n_scan_rows() * kPanelPoints, 0.0F);
  double largest = 0.0;
  for (std::ptrdiff_t i = first; i < last; ++i) {
    load(i, row.data());
    double square = 0.0;
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
      square += row[j] * row[j];
      out[j * kPanelPoints + (i - first)] = static_cast<float>(row[j]);
    }
    out[n_features_ * kPanelPoints + (i - first)] = static_cast<float>(0.5 * square);
    largest = std::max(largest, square);
  }
  return largest;
}

void PointSet::pack(std::ptrdiff_t first_panel, const Context& context) {
  if (n_panels() > capacity_) {
    const std::ptrdiff_t capacity = first_panel == 0 ? n_panels() : n_panels() + n_panels() / 2;
    const auto size = [this](std::ptrdiff_t n) {
      return static_cast<std::size_t>(n * n_scan_rows() * kPanelPoints);
    };
    // Not initialized here: touching so much memory takes long, and only workers can be stopped.
    auto panels = std::make_unique_for_overwrite<float[]>(size(capacity));
    std::copy_n(panels_.get(), size(first_panel), panels.get());
    panels_ = std::move(panels);
    capacity_ = capacity;
  }
  double largest = radius_ * radius_;
  std::mutex mutex;
  const std::ptrdiff_t step = std::max<std::ptrdiff_t>(1, kRowsPerTask / kPanelPoints);
  const auto pack_range = [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    std::vector<double> row(n_features_);
    double part = 0.0;
    for (std::ptrdiff_t i = first; i < last; ++i) {
      part = std::max(part, pack_panel(first_panel + i, row));
    }
    const std::lock_guard<std::mutex> lock(mutex);
    largest = std::max(largest, part);
  };
  for_ranges(context, n_panels() - first_panel, step, pack_range);
  radius_ = std::sqrt(largest);
  if (radius_ == 0.0) {
    double square = 0.0;
    for (const double c : center_) {
      const double scaled = unit_.to_set(c);
      square += scaled * scaled;
    }
    radius_ = decide::lone_radius(square, unit_);
  }
}

bool PointSet::append(const AnyMatrix& points, const Context& context) {
  std::vector<double> row(n_features_);
  const AnyMatrix before = points_;
  points_ = points;
  for (std::ptrdiff_t i = n_points_; i < rows(points); ++i) {
    load(i, row.data());
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
      if (!(std::abs(row[j]) <= tolerances::kBoxSlack * half_widths_[j])) {
        points_ = before;
        return false;
      }
    }
  }
  const std::ptrdiff_t first_panel = n_points_ / kPanelPoints;
  n_points_ = rows(points);
  try {
    pack(first_panel, context);
  } catch (...) {
    truncate(before);
    throw;
  }
  return true;
}

void PointSet::truncate(const AnyMatrix& points) {
  points_ = points;
  n_points_ = rows(points);
}

void require_valid(const AnyMatrix& matrix, const char* name, std::ptrdiff_t n_features,
                   const Context& context) {
  const std::ptrdiff_t n_columns = cols(matrix);
  if (n_columns < 1) throw ArgumentError(std::string(name) + " must have at least one column");
  if (n_features >= 0 && n_columns != n_features) {
    throw ArgumentError(std::string(name) + " must have " + std::to_string(n_features) +
                        " columns (n_features), got " + std::to_string(n_columns));
  }
  for_ranges(context, rows(matrix), kRowsPerTask, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    std::visit(
        [&](const auto& view) {
          for (std::ptrdiff_t i = first; i < last; ++i) {
            const auto* row = view.row(i);
            const auto* bad =
                std::find_if(row, row + n_columns, [](auto x) { return !std::isfinite(x); });
            if (bad == row + n_columns) continue;
            const char* what = std::isnan(*bad) ? "nan" : *bad > 0 ? "inf" : "-inf";
            throw ArgumentError(std::string(name) + " must be finite, got " + what + " at [" +
                                std::to_string(i) + ", " + std::to_string(bad - row) + "]");
          }
        },
        matrix);
  });
}

}  // namespace hullspace
