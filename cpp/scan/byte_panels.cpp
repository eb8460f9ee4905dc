#include "scan/byte_panels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>

#include "common/tolerances.hpp"

namespace hullspace {
namespace {

constexpr double kLargest = 127.0;
constexpr double kSmallestScaled = 0x1p-900;  // directions below score nothing but their rest
constexpr std::ptrdiff_t kMiddleRows = 4096;  // rows that the middle is the mean of, at most
// Thresholds are at most this, and so are the sums of fewer features: their difference fits 32
// bits.
constexpr double kLargestThreshold = 0x1p30;
constexpr std::ptrdiff_t kMostFeatures = 32768;

double squared(double x) { return x * x; }

// Nearest integer of a number far below 2^51, halves to even; unlike the library's, a loop over it
// becomes one over vectors everywhere.
double nearest_integer(double x) {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

}  // namespace

BytePanels::BytePanels(const PointSet& points, const Context& context)
    : n_features_(points.n_features()) {
  if (kernels().score_byte_tile == nullptr || n_features_ > kMostFeatures) return;
  scales_.assign(points.half_widths().begin(), points.half_widths().end());
  for (double& scale : scales_) scale /= kLargest;
  middle_.assign(static_cast<std::size_t>(n_features_), 0.0);
  std::vector<double> row(static_cast<std::size_t>(n_features_));
  const std::ptrdiff_t stride = (points.n_points() + kMiddleRows - 1) / kMiddleRows;
  const std::ptrdiff_t n_rows = (points.n_points() + stride - 1) / stride;
  for (std::ptrdiff_t i = 0; i < points.n_points(); i += stride) {
    points.load(i, row.data());
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
      if (scales_[j] > 0.0) middle_[j] += row[j] / scales_[j] / static_cast<double>(n_rows);
    }
  }
  pack(points, 0, context);
}

void BytePanels::append(const PointSet& points, std::ptrdiff_t n_before, const Context& context) {
  if (!empty()) pack(points, n_before / kPanelPoints, context);
}

void BytePanels::pack(const PointSet& points, std::ptrdiff_t first_panel, const Context& context) {
  const std::ptrdiff_t size = n_groups() * 4 * kPanelPoints;
  const std::ptrdiff_t n_panels = points.n_panels();
  if (n_panels > capacity_) {
    const std::ptrdiff_t capacity = first_panel == 0 ? n_panels : n_panels + n_panels / 2;
    auto panels =
        std::make_unique_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(capacity * size));
    std::copy_n(panels_.get(), first_panel * size, panels.get());
    panels_ = std::move(panels);
    capacity_ = capacity;
  }
  Errors largest{rounding_ * rounding_, spread_ * spread_};
  std::mutex mutex;
  const auto pack_range = [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    Errors part;
    std::vector<double> row(static_cast<std::size_t>(n_features_));
    std::fill_n(&panels_[(first_panel + first) * size], (last - first) * size, std::uint8_t{128});
    const std::ptrdiff_t end = std::min((first_panel + last) * kPanelPoints, points.n_points());
    for (std::ptrdiff_t i = (first_panel + first) * kPanelPoints; i < end; ++i) {
      points.load(i, row.data());
      part.raise(pack_point(row.data(), &panels_[i / kPanelPoints * size + i % kPanelPoints * 4]));
    }
    const std::lock_guard<std::mutex> lock(mutex);
    largest.raise(part);
  };
  for_ranges(context, n_panels - first_panel, 64, pack_range);
  n_panels_ = n_panels;
  // The square of a root may have lost the last bits.
  rounding_ = std::sqrt(largest.rounding) * (1.0 + 4.0 * tolerances::kRoundoffDouble);
  spread_ = std::sqrt(largest.spread) * (1.0 + 4.0 * tolerances::kRoundoffDouble);
}

// Pack a point, whose bytes begin at `out`.
BytePanels::Errors BytePanels::pack_point(const double* row, std::uint8_t* out) const {
  Errors errors;
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    const double exact = scales_[j] > 0.0 ? row[j] / scales_[j] : 0.0;
    const double v = std::clamp(nearest_integer(exact), -kLargest, kLargest);
    out[j / 4 * 4 * kPanelPoints + j % 4] = static_cast<std::uint8_t>(v + 128.0);
    errors.rounding += squared(exact - v);
    errors.spread += squared(v - middle_[j]);
  }
  return errors;
}

const std::uint8_t* BytePanels::panel(std::ptrdiff_t i) const {
  return panels_.get() + i * n_groups() * 4 * kPanelPoints;
}

void BytePanels::quantize(const double* direction, Direction& out) const {
  out.bytes.assign(static_cast<std::size_t>(4 * n_groups()), 0);
  double largest = 0.0;
  double square = 0.0;
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    const double scaled = direction[j] * scales_[j];
    largest = std::max(largest, std::abs(scaled));
    square += squared(scaled);
  }
  const bool usable = largest > kSmallestScaled;
  out.step = usable ? largest / kLargest : 1.0;
  const double inverse = usable ? kLargest / largest : 1.0;
  out.total = 0.0;
  out.offset = 0.0;
  double left = 0.0;
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    const double scaled = direction[j] * scales_[j];
    const double w = nearest_integer(scaled * inverse);
    out.bytes[j] = static_cast<std::int8_t>(w);
    out.total += w;
    const double rest = scaled - out.step * w;
    out.offset += middle_[j] * rest;
    left += squared(rest);
  }
  out.error = tolerances::byte_score_error(rounding_ * std::sqrt(square), spread_ * std::sqrt(left),
                                           n_features_);
}

std::int32_t ByteScanner::integer_threshold(const BytePanels::Direction& direction,
                                            double threshold) const {
  const double sum = (threshold - direction.offset) / direction.step + 128.0 * direction.total;
  return static_cast<std::int32_t>(
      std::clamp(std::ceil(sum) + 1.0, -kLargestThreshold, kLargestThreshold));
}

void ByteScanner::pack(std::span<const Request> requests) {
  const std::ptrdiff_t width = kernels_.tile_directions;
  const std::ptrdiff_t n_groups = panels_.n_groups();
  const std::ptrdiff_t n_requests = std::ssize(requests);
  const std::ptrdiff_t n_tiles = (n_requests + width - 1) / width;
  tiles_.assign(static_cast<std::size_t>(n_tiles * width * n_groups * 4), 0);
  // A direction that only fills up a tile never hits.
  thresholds_.assign(static_cast<std::size_t>(n_tiles * width),
                     -static_cast<std::int32_t>(kLargestThreshold));
  for (std::ptrdiff_t i = 0; i < n_requests; ++i) {
    const BytePanels::Direction& direction = *requests[i].direction;
    std::int8_t* out = tiles_.data() + (i / width * width * n_groups + i % width) * 4;
    for (std::ptrdiff_t g = 0; g < n_groups; ++g) {
      std::copy_n(&direction.bytes[g * 4], 4, out + g * width * 4);
    }
    thresholds_[i] = integer_threshold(direction, requests[i].selection->threshold());
  }
}

void ByteScanner::select(std::ptrdiff_t panel, std::ptrdiff_t tile, std::uint32_t mask,
                         std::span<const Request> requests) {
  const std::uint64_t real_points = points_.panel_mask(panel);
  for (; mask != 0; mask &= mask - 1) {
    const int j = std::countr_zero(mask);
    const std::ptrdiff_t request = tile * kernels_.tile_directions + j;
    const BytePanels::Direction& direction = *requests[request].direction;
    Selection& selection = *requests[request].selection;
    for (std::uint64_t bits = hits_[j] & real_points; bits != 0; bits &= bits - 1) {
      const int i = std::countr_zero(bits);
      const double sum = sums_[j * kPanelPoints + i] - 128.0 * direction.total;
      selection.offer(direction.step * sum + direction.offset,
                      static_cast<std::int32_t>(panel * kPanelPoints + i));
    }
    thresholds_[request] = integer_threshold(direction, selection.threshold());
  }
}

bool ByteScanner::scan(std::span<const Request> requests, const StopFlag& stop) {
  pack(requests);
  const std::ptrdiff_t tile_size = kernels_.tile_directions * panels_.n_groups() * 4;
  const std::ptrdiff_t n_tiles = std::ssize(tiles_) / tile_size;
  for (std::ptrdiff_t panel = 0; panel < panels_.n_panels(); ++panel) {
    if (stop.load(std::memory_order_relaxed)) return false;
    for (std::ptrdiff_t tile = 0; tile < n_tiles; ++tile) {
      const std::uint32_t mask = kernels_.score_byte_tile(
          panels_.panel(panel), tiles_.data() + tile * tile_size, panels_.n_groups(),
          thresholds_.data() + tile * kernels_.tile_directions, sums_, hits_);
      if (mask != 0) select(panel, tile, mask, requests);
    }
  }
  for (const Request& request : requests) request.selection->finish();
  return true;
}

}  // namespace hullspace
