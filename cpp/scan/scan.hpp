// The oracle under every hull question: which points of the set score lowest against a direction?
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "scan/point_set.hpp"

namespace hullspace {

struct Candidate {
  double score;
  std::int32_t point;

  // Scores tie often (duplicates, integer data); the index makes the order total.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score < b.score : a.point < b.point;
  }
};

// The lowest scores seen so far below a threshold, at most `keep` of them (up to three times as
// many while they are collected). The threshold falls whenever some have to be dropped.
class Selection {
 public:
  void reset(std::size_t keep, double threshold);
  // A point that is never listed, or -1.
  void exclude(std::int32_t point) { excluded_ = point; }
  double threshold() const { return threshold_; }
  void offer(double score, std::int32_t point);
  // Drop what exceeds `keep`. Every point that is not listed afterwards scores at least
  // threshold().
  void finish();
  const std::vector<Candidate>& candidates() const { return candidates_; }

 private:
  void thin_out();

  std::size_t keep_ = 0;
  double threshold_ = 0.0;
  std::int32_t excluded_ = -1;
  std::vector<Candidate> candidates_;
};

// One direction of a scan: score(p) = direction . p + half_norm_weight * |p|^2 / 2.
struct ScanRequest {
  const double* direction = nullptr;  // in the set's coordinates, n_features
  double half_norm_weight = 0.0;
  Selection* selection = nullptr;
};

// Scans in single precision, many directions at a time. One scanner belongs to one thread.
class Scanner {
 public:
  explicit Scanner(const PointSet& points) : points_(points), kernels_(kernels()) {}

  // Offer the points of every `stride`th panel to every request's selection; scores err by
  // single_score_error. Returns false, with the selections incomplete, once `stop` is set.
  bool scan(std::span<const ScanRequest> requests, std::ptrdiff_t stride, const StopFlag& stop);

 private:
  void pack(std::span<const ScanRequest> requests);
  void select(std::ptrdiff_t panel, std::ptrdiff_t tile, std::uint32_t mask,
              std::span<const ScanRequest> requests);

  const PointSet& points_;
  const Kernels& kernels_;
  std::vector<float> tiles_;
  std::vector<float> thresholds_;
  float scores_[kMaxTileDirections * kPanelPoints] = {};
  std::uint64_t hits_[kMaxTileDirections] = {};
};

// Scan one plain direction in double precision; scores err by double_score_error. For the rare
// direction that single precision cannot settle. Returns false once `stop` is set.
bool scan_exactly(const PointSet& points, const double* direction, Selection& selection,
                  const StopFlag& stop);

}  // namespace hullspace
