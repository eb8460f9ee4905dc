// GPUs: what there is, memory there, and hulls and polyhedra that are solved there.
//
// The CUDA library is opened by the first call of anything here, never before, and at most once.
// Where a call fails there, DeviceError or DeviceMemoryError says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hullspace/polyhedron.hpp"
#include "hullspace/view.hpp"

struct HscHull;

namespace hullspace {

class Call;

struct DeviceInfo {
  std::string name;
  int capability = 0;  // 10 * major + minor
  int n_multiprocessors = 0;
  std::int64_t total_memory = 0;  // bytes
  std::int64_t free_memory = 0;
};

struct DeviceCount {
  int n = 0;
  std::string reason;  // why there are none, else empty
};
DeviceCount count_devices();

// Takes some of the device's memory, as does all else that works on it.
DeviceInfo describe_device(int device);

// Where the CUDA library is, whether or not it was opened; empty if there is none.
std::string cuda_library_path();

// Where a call runs, on whose stream, and what it may use.
struct DeviceContext {
  int device = 0;
  void* stream = nullptr;  // of that device; null is its default stream
  // Bytes of the device's memory to hold at a time; 0 stands for four fifths of what is free.
  std::int64_t memory_limit = 0;
  // As in Context.
  std::function<bool()> interrupted = nullptr;
};

// What a call reads or writes lies in the memory of its device or of the host.
enum class Place { kHost, kDevice };

// Memory that its last owner frees.
template <class T>
struct DeviceBuffer {
  std::shared_ptr<T> data;
  std::int64_t size = 0;
};

std::shared_ptr<void> allocate(std::int64_t n_bytes, Place place, const DeviceContext& context);
template <class T>
DeviceBuffer<T> allocate_buffer(std::int64_t size, Place place, const DeviceContext& context) {
  const std::int64_t n_bytes = size * static_cast<std::int64_t>(sizeof(T));
  return {std::static_pointer_cast<T>(allocate(n_bytes, place, context)), size};
}
// From anywhere to anywhere; the host's memory may be used as soon as the call returns.
void copy(void* to, const void* from, std::int64_t n_bytes, const DeviceContext& context);

// Wait until what was written before on the context's stream is there, so that answers can be read
// on any stream: a copy to the host waits for its stream.
template <class T>
void wait_for(const DeviceBuffer<T>& last, const DeviceContext& context) {
  T probe{};
  if (last.size > 0) copy(&probe, last.data.get(), sizeof probe, context);
}

struct DeviceWeights {
  DeviceBuffer<double> values;
  DeviceBuffer<std::int32_t> columns;
  DeviceBuffer<std::int64_t> row_starts;
};

// As Projections, Memberships and Rays; only what was asked for is there.
struct DeviceAnswers {
  std::int64_t n_queries = 0;
  DeviceBuffer<double> points;
  DeviceBuffer<double> distances;  // steps of rays
  DeviceBuffer<double> normals;
  DeviceBuffer<double> gaps;  // margins of memberships, offsets of rays
  DeviceBuffer<double> residuals;
  DeviceBuffer<std::int8_t> status;
  DeviceWeights weights;
  double tolerance = 0.0;
};

struct PlacedMatrix {
  AnyMatrix values;
  Place place = Place::kHost;
};

// A point set on a device, as Hull is one on the CPU. Calls from several threads take turns.
class DeviceHull {
 public:
  // The points must outlive the hull and must not change. The context's device and memory limit
  // are those of all calls.
  DeviceHull(const PlacedMatrix& points, const DeviceContext& context);
  ~DeviceHull();
  DeviceHull(const DeviceHull&) = delete;
  DeviceHull& operator=(const DeviceHull&) = delete;

  std::ptrdiff_t n_points() const { return rows(points_.values); }
  std::ptrdiff_t n_features() const { return cols(points_.values); }
  double scale() const { return scale_; }
  // Whether the points stay in the host's memory and pass through the device's.
  bool is_streamed() const { return is_streamed_; }
  std::int64_t memory_limit() const { return memory_limit_; }

  // As the functions of Hull. Answers are written to `to`, and are there when the call returns.
  DeviceAnswers project(const PlacedMatrix& queries, double tolerance, Place to,
                        const DeviceContext& context);
  DeviceAnswers contains(const PlacedMatrix& queries, double tolerance, Place to,
                         const DeviceContext& context);
  DeviceAnswers leave_one_out(double tolerance, Place to, const DeviceContext& context);
  DeviceAnswers ray(const PlacedMatrix& origins, const PlacedMatrix& directions, double tolerance,
                    Place to, const DeviceContext& context);
  DeviceBuffer<std::int32_t> support(const PlacedMatrix& directions, Place to,
                                     const DeviceContext& context);

 private:
  struct Asked;

  DeviceAnswers solve(const Asked& asked, double tolerance, Place to, const DeviceContext& context);
  void require_features(const PlacedMatrix& matrix, const char* name) const;
  // The context of a call on this hull: with its device and limit.
  DeviceContext own(const DeviceContext& context) const;
  // How many queries are asked about at a time.
  std::int64_t most_queries(const Call& call);

  PlacedMatrix points_;
  int device_ = 0;
  std::int64_t memory_limit_ = 0;
  std::unique_ptr<HscHull, void (*)(HscHull*)> hull_;
  std::mutex mutex_;
  double scale_ = 0.0;
  bool is_streamed_ = false;
};

// As ChebyshevCenters.
struct DeviceCenters {
  DeviceBuffer<double> centers;
  DeviceBuffer<double> radii;
  DeviceBuffer<double> duals;
  DeviceBuffer<double> gaps;
  DeviceBuffer<double> rays;
  DeviceBuffer<std::int8_t> status;
};

// The rows and bounds lie in `from`.
DeviceCenters chebyshev_centers(const Polyhedra& polyhedra, Place from, Place to,
                                const DeviceContext& context);

}  // namespace hullspace
