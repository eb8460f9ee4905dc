// What an active set is made of, in memory that the caller carves.
#pragma once

#include <cstdint>

#include "cuda/carver.hpp"
#include "cuda/thin_qr.hpp"
#include "decide/support.hpp"

namespace hullspace::cuda {

// Points that enter a pool after a scan.
inline constexpr int kEnteringPoints = 6;

// Sizes of active sets.
struct ActiveSetShape {
  int n_features = 0;
  int most_support = 0;
  bool is_double = false;  // of the points as given

  HULLSPACE_HOST_DEVICE int most_pool() const { return most_support + kEnteringPoints; }
};

// What an active set is between calls.
struct ActiveSetState {
  double distance;
  int n_pool;
  int n_support;
};

struct ActiveSetMemory {
  unsigned char* pool;  // (most_pool, n_features), rows as given
  std::int32_t* ids;    // (most_pool): their indices in the set
  Occupant* occupants;  // (most_pool)
  std::int8_t* barred;  // (most_pool): points that may not enter until the distance falls
  ThinQrMemory qr;      // of the lifted support
  std::int32_t* support;
  double* weights;
  double* coordinates;  // of the residual along the support
  double* step;
  double* query;  // (n_features)
  double* nearest;
  double* direction;
  double* residual;  // (n_features + 1): query - nearest, lifted
  ActiveSetState* state;

  // What every step reads comes out of `near`.
  HULLSPACE_HOST_DEVICE ActiveSetMemory(const ActiveSetShape& shape, Carver& near, Carver& far) {
    const std::int64_t n = shape.n_features;
    const std::int64_t support_size = shape.most_support;
    const std::int64_t pool_size = shape.most_pool();
    pool = far.take<unsigned char>(pool_size * n * (shape.is_double ? 8 : 4));
    qr.q = far.take<double>(support_size * (n + 1));
    qr.r = near.take<double>(support_size * (support_size + 1) / 2);
    ids = near.take<std::int32_t>(pool_size);
    occupants = near.take<Occupant>(pool_size);
    barred = near.take<std::int8_t>(pool_size);
    support = near.take<std::int32_t>(support_size);
    weights = near.take<double>(support_size);
    coordinates = near.take<double>(support_size);
    step = near.take<double>(support_size);
    qr.work = near.take<double>(support_size);
    query = near.take<double>(n);
    nearest = near.take<double>(n);
    direction = near.take<double>(n);
    residual = near.take<double>(n + 1);
    state = near.take<ActiveSetState>(1);
  }
};

}  // namespace hullspace::cuda
