/* What the core asks of the CUDA library, in C, so that the library can be built by another
 * compiler and opened while the program runs.
 *
 * The library exports one function, hullspace_cuda(version), which returns its table, or null if it
 * does not know that version. Calls return a code; last_error() tells the calling thread more. No
 * call assumes a device: each names its device and works on the caller's stream. */
#ifndef HULLSPACE_CUDA_INTERFACE_H
#define HULLSPACE_CUDA_INTERFACE_H

#include <stdint.h>

/* Raised whenever anything below changes. */
#define HULLSPACE_CUDA_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

enum {
  HSC_OK = 0,
  HSC_ARGUMENT = 1, /* the message names the argument */
  HSC_DEVICE = 2,   /* no driver, no such device, or one that failed */
  HSC_MEMORY = 3,   /* more device memory is needed than there is or than the limit allows */
  HSC_INTERRUPTED = 4,
};

typedef struct {
  char name[256];
  int capability; /* 10 * major + minor */
  int n_multiprocessors;
  int64_t total_memory; /* bytes */
  int64_t free_memory;
} HscDevice;

/* Where and how a call works. */
typedef struct {
  int device;
  void* stream;         /* a cudaStream_t of that device; null is its default stream */
  int64_t memory_limit; /* bytes of device memory that the library may hold at a time */
  /* Asked between pieces of work; nonzero ends the call with HSC_INTERRUPTED. May be null. */
  int (*interrupted)(void* data);
  void* interrupted_data;
} HscCall;

/* C-contiguous numbers in memory of the call's device or of the host. */
typedef struct {
  const void* data;
  int64_t n_rows;
  int64_t n_columns;
  int element_size; /* 4: float, 8: double */
  int on_device;
  int64_t first_row; /* what messages count rows from */
} HscMatrix;

typedef struct HscHull HscHull;
typedef struct HscAnswers HscAnswers;

typedef struct {
  double scale;    /* as Hull::scale() of the core */
  int is_streamed; /* whether the points stay in the host's memory and pass through the device's */
} HscHullInfo;

enum { HSC_PROJECT = 0, HSC_CONTAIN = 1, HSC_RAY = 2 };

/* Where answers go: memory of the call's device or of the host, or null. Values are those of the
 * core's Projections, Memberships and Rays. */
typedef struct {
  double* points;      /* (n_queries, n_features) */
  double* distances;   /* (n_queries); steps of rays */
  double* normals;     /* (n_queries, n_features) */
  double* gaps;        /* (n_queries); margins of memberships, offsets of rays */
  double* residuals;   /* (n_queries) */
  int8_t* status;      /* (n_queries) */
  double* values;      /* (n_weights) */
  int32_t* columns;    /* (n_weights), ascending within a row */
  int64_t* row_starts; /* (n_queries + 1), from 0 */
} HscHullAnswers;

/* As Polyhedra of the core; rows, bounds and starts are in one place, the device or the host. */
typedef struct {
  const double* rows; /* (n_rows, n_features) */
  const double* bounds;
  const int64_t* starts; /* (n_polyhedra + 1), in the host's memory */
  int64_t n_polyhedra;
  int64_t n_rows;
  int64_t n_features;
  int on_device;
} HscPolyhedra;

/* As ChebyshevCenters of the core; memory of the call's device or of the host. */
typedef struct {
  double* centers;
  double* radii;
  double* duals;
  double* gaps;
  double* rays;
  int8_t* status;
} HscCenters;

typedef struct {
  int version;
  const char* (*last_error)(void);

  /* HSC_DEVICE, with the reason, where there is no driver; devices that no code was built for are
   * counted. */
  int (*count_devices)(int* count);
  int (*describe_device)(int device, HscDevice* out);

  int (*allocate)(const HscCall* call, int64_t n_bytes, void** out);
  void (*release)(int device, void* memory);
  /* From anywhere to anywhere; the host's memory may be used as soon as the call returns. */
  int (*copy)(const HscCall* call, void* to, const void* from, int64_t n_bytes);

  /* The points must outlive the hull and must not change. */
  int (*make_hull)(const HscCall* call, const HscMatrix* points, HscHull** out);
  void (*free_hull)(HscHull* hull);
  int (*describe_hull)(const HscHull* hull, HscHullInfo* out);
  /* How many queries solve_hull can take at a time within the memory limit. */
  int (*most_queries)(HscHull* hull, const HscCall* call, int64_t* out);
  /* The tolerance is relative to the scale. Query i is point first_point + i of the set, and left
   * out of it, if first_point is not negative. Directions are null unless the goal is HSC_RAY; then
   * queries are the origins, as many as directions or one for all. */
  int (*solve_hull)(HscHull* hull, const HscCall* call, int goal, const HscMatrix* queries,
                    const HscMatrix* directions, int64_t first_point, double tolerance,
                    HscAnswers** out);
  int64_t (*count_weights)(const HscAnswers* answers);
  int (*fetch_answers)(const HscAnswers* answers, const HscCall* call, const HscHullAnswers* to);
  void (*free_answers)(HscAnswers* answers);
  /* As Hull::support of the core; `out`, (n_rows) of directions, is in the host's memory or the
   * device's. */
  int (*find_supports)(HscHull* hull, const HscCall* call, const HscMatrix* directions,
                       int32_t* out);

  int (*chebyshev_centers)(const HscCall* call, const HscPolyhedra* polyhedra,
                           const HscCenters* to);
} HscInterface;

const HscInterface* hullspace_cuda(int version);

#ifdef __cplusplus
}
#endif

#endif
