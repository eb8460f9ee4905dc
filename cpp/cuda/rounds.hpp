// Many queries at once on a device: rounds of one scan for all, then a step of each query's active
// set. Only how many queries are left travels to the host between rounds.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/answers.hpp"
#include "cuda/point_set.hpp"
#include "cuda/query.hpp"
#include "cuda/scan.hpp"

namespace hullspace::cuda {

// Queries that wait for a scan; `slots` says which. The arrays are those that the scans take.
struct Waiting {
  std::int32_t* slots;  // for single-precision scans
  float* directions;    // packed
  float* thresholds;
  int* keep;
  std::int32_t* excluded;
  std::int32_t* exact_slots;
  double* exact_directions;  // (n, n_features)
  std::int32_t* exact_excluded;
};

// What a round leaves, counted by the device.
struct Counts {
  int n_waiting;
  int n_exact;
  int n_overflowed;
  int most_wanted;  // points that a list is to hold
};

// Memory of the queries that are under way: of each what is used most, then the rest.
struct Slots {
  QueryShape shape;
  unsigned char* memory;
  std::int64_t near_bytes;
  std::int64_t far_bytes;
  std::int32_t* queries;  // (n slots): rows of the queries

  HULLSPACE_DEVICE unsigned char* at(int slot) const {
    return memory + (near_bytes + far_bytes) * slot;
  }
};

// What a call asks.
struct HullCall {
  Question question;
  DeviceMatrix queries;           // of rays the origins, one for all or one each
  DeviceMatrix directions;        // of rays
  std::int64_t first_point = -1;  // query i is this point plus i of the set, if not negative
};

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
