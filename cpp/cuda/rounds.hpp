// Many queries at once on a device: rounds of one scan for all, then a step of each query's active
// set. Only how many queries are left travels to the host between rounds.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/point_set.hpp"
#include "cuda/scan.hpp"
#include "cuda/steps.hpp"

namespace hullspace::cuda {

class Rounds {
 public:
  Rounds(PointSet& points, const HscCall& call, const HullCall& what, const ScanKind& scan);

  // Bytes that a batch of n queries takes, with supports of at most so many points.
  std::int64_t n_bytes(std::int64_t n, int most_support) const;
  // Answer these queries in `memory`, of at least n_bytes; returns those whose support is larger.
  std::vector<std::int32_t> run(const std::vector<std::int32_t>& queries, int most_support,
                                unsigned char* memory, const AnswerArrays& answers);

 private:
  struct Batch;
  Batch carve(std::int64_t n, int most_support, unsigned char* memory) const;
  void carve_waiting(std::int64_t n, Carver& carver, Batch& batch) const;
  Step first_step(const Batch& batch, int n) const;
  std::int64_t go_on(const Batch& batch, Step& step);
  bool by_warps() const;
  Lists empty_lists(const Batch& batch, const Waiting& waiting, const Counts& counts,
                    std::int64_t n_points) const;
  void scan(const Batch& batch, const Waiting& waiting, const Counts& counts, const Panels* part);
  Counts read_counts(const Batch& batch) const;

  PointSet& points_;
  const HscCall& call_;
  const HullCall& what_;
  ScanKind scan_;
  cudaStream_t stream_;
  int n_multiprocessors_;
};

}  // namespace hullspace::cuda
