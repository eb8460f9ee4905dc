// What the kernels of queries work on between scans, and functions that start them.
#pragma once

#include <cstdint>

#include "cuda/answers.hpp"
#include "cuda/frame.hpp"
#include "cuda/query.hpp"
#include "cuda/runtime.hpp"
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

// What a step's kernel needs to know.
struct Step {
  Slots slots;
  Frame frame;
  HullCall call;
  double radius;
  int n_rows;  // of a packed direction
  Merged merged;
  const Extreme* lowest;  // of exact scans, (n, kExactShares), the first being the lowest
  DeviceMatrix rows;      // of all points, or those that were gathered, in order
  bool in_order;
  bool is_part;  // whether the scan was one of a part of the points
  Waiting now;
  int n_waiting;
  int n_exact;
  Waiting next;
  Counts* counts;
  std::int32_t* overflowed;
};

// A team for each of n slots: begin with the queries, and write the answers.
template <class Team>
void start(const Step& step, int n, cudaStream_t stream);
template <class Team>
void write(const Step& step, int n, const AnswerArrays& answers, cudaStream_t stream);

// A team for each query that waits: use what the scan listed, and ask for the next one.
template <class Team, bool kRays>
void advance(const Step& step, cudaStream_t stream);

}  // namespace hullspace::cuda
