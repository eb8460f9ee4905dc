#include "scan/scan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "decide/scan.hpp"

namespace hullspace {
void Selection::reset(std::size_t keep, double threshold) {
  keep_ = keep;
  threshold_ = threshold;
  candidates_.clear();
}

void Selection::offer(double score, std::int32_t point) {
  if (!(score < threshold_) || point == excluded_) return;
  candidates_.push_back({score, point});
  if (candidates_.size() >= 3 * keep_) thin_out();
}

// Drop about half of the candidates, those that score at least as high as the median of a few.
// One pass without branches costs a fraction of an exact selection, and any threshold is valid.
void Selection::thin_out() {
  constexpr std::size_t kSample = 9;
  double sample[kSample];
  for (std::size_t i = 0; i < kSample; ++i) {
    sample[i] = candidates_[i * candidates_.size() / kSample].score;
  }
  std::nth_element(sample, sample + kSample / 2, sample + kSample);
  const double pivot = sample[kSample / 2];
  const auto below = [pivot](const Candidate& candidate) { return candidate.score < pivot; };
  // Scores that tie, or an unlucky sample, would leave too few or drop none.
  const auto left = static_cast<std::size_t>(std::ranges::count_if(candidates_, below));
  if (left < keep_ || left == candidates_.size()) return finish();
  Candidate* out = candidates_.data();
  for (const Candidate& candidate : candidates_) {
    *out = candidate;
    out += below(candidate) ? 1 : 0;
  }
  candidates_.resize(left);
  threshold_ = pivot;
}

void Selection::finish() {
  if (candidates_.size() <= keep_) return;
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(keep_);
  std::nth_element(candidates_.begin(), end - 1, candidates_.end());
  threshold_ = (end - 1)->score;
  candidates_.erase(end, candidates_.end());
}

void Scanner::pack(std::span<const ScanRequest> requests) {
  const std::ptrdiff_t width = kernels_.tile_directions;
  const std::ptrdiff_t n_rows = points_.n_scan_rows();
  const std::ptrdiff_t n_requests = std::ssize(requests);
  const std::ptrdiff_t n_tiles = (n_requests + width - 1) / width;
  tiles_.assign(static_cast<std::size_t>(n_tiles * width * n_rows), 0.0F);
  // A direction that only fills up a tile never hits.
  thresholds_.assign(static_cast<std::size_t>(n_tiles * width),
                     -std::numeric_limits<float>::infinity());
  for (std::ptrdiff_t i = 0; i < n_requests; ++i) {
    float* out = tiles_.data() + (i / width) * width * n_rows + i % width;
    for (std::ptrdiff_t k = 0; k + 1 < n_rows; ++k) {
      out[k * width] = static_cast<float>(requests[i].direction[k]);
    }
    out[(n_rows - 1) * width] = static_cast<float>(requests[i].half_norm_weight);
    thresholds_[i] = decide::rounded_up(requests[i].selection->threshold());
  }
}

void Scanner::select(std::ptrdiff_t panel, std::ptrdiff_t tile, std::uint32_t mask,
                     std::span<const ScanRequest> requests) {
  const std::uint64_t real_points = points_.panel_mask(panel);
  for (; mask != 0; mask &= mask - 1) {
    const int j = std::countr_zero(mask);
    const std::ptrdiff_t request = tile * kernels_.tile_directions + j;
    Selection& selection = *requests[request].selection;
    for (std::uint64_t bits = hits_[j] & real_points; bits != 0; bits &= bits - 1) {
      const int i = std::countr_zero(bits);
      selection.offer(scores_[j * kPanelPoints + i],
                      static_cast<std::int32_t>(panel * kPanelPoints + i));
    }
    thresholds_[request] = decide::rounded_up(selection.threshold());
  }
}

bool Scanner::scan(std::span<const ScanRequest> requests, std::ptrdiff_t stride,
                   const StopFlag& stop) {
  pack(requests);
  const std::ptrdiff_t n_rows = points_.n_scan_rows();
  const std::ptrdiff_t tile_size = kernels_.tile_directions * n_rows;
  const std::ptrdiff_t n_tiles = std::ssize(tiles_) / tile_size;
  for (std::ptrdiff_t panel = 0; panel < points_.n_panels(); panel += stride) {
    if (stop.load(std::memory_order_relaxed)) return false;
    for (std::ptrdiff_t tile = 0; tile < n_tiles; ++tile) {
      const std::uint32_t mask =
          kernels_.score_tile(points_.panel(panel), tiles_.data() + tile * tile_size, n_rows,
                              thresholds_.data() + tile * kernels_.tile_directions, scores_, hits_);
      if (mask != 0) select(panel, tile, mask, requests);
    }
  }
  for (const ScanRequest& request : requests) request.selection->finish();
  return true;
}

bool scan_exactly(const PointSet& points, const double* direction, Selection& selection,
                  const StopFlag& stop) {
  const std::ptrdiff_t n_features = points.n_features();
  // Rows at a time: enough for the kernel, few enough for the cache.
  constexpr std::ptrdiff_t kRows = 32;
  std::vector<double> rows(static_cast<std::size_t>(kRows * n_features));
  double scores[kRows];
  for (std::ptrdiff_t first = 0; first < points.n_points(); first += kRows) {
    if (stop.load(std::memory_order_relaxed)) return false;
    const std::ptrdiff_t count = std::min(kRows, points.n_points() - first);
    for (std::ptrdiff_t i = 0; i < count; ++i) points.load(first + i, &rows[i * n_features]);
    kernels().dots(rows.data(), n_features, count, direction, n_features, scores);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      selection.offer(scores[i], static_cast<std::int32_t>(first + i));
    }
  }
  selection.finish();
  return true;
}

}  // namespace hullspace
