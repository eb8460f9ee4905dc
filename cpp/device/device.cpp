#include <new>

#include "device/library.hpp"
#include "hullspace/error.hpp"

namespace hullspace {

DeviceCount count_devices() {
  DeviceCount count;
  try {
    check(cuda_library().count_devices(&count.n));
    if (count.n == 0) count.reason = "the driver has no CUDA device";
  } catch (const DeviceError& error) {
    count = {0, error.what()};
  }
  return count;
}

DeviceInfo describe_device(int device) {
  HscDevice found{};
  check(cuda_library().describe_device(device, &found));
  return {found.name, found.capability, found.n_multiprocessors, found.total_memory,
          found.free_memory};
}

std::shared_ptr<void> allocate(std::int64_t n_bytes, Place place, const DeviceContext& context) {
  if (n_bytes == 0) return nullptr;
  if (place == Place::kHost) {
    return {::operator new(static_cast<std::size_t>(n_bytes)),
            [](void* p) { ::operator delete(p); }};
  }
  const Call call(context);
  void* memory = nullptr;
  check(cuda_library().allocate(call.get(), n_bytes, &memory));
  return {memory, [device = context.device](void* p) { cuda_library().release(device, p); }};
}

void copy(void* to, const void* from, std::int64_t n_bytes, const DeviceContext& context) {
  if (n_bytes == 0) return;
  const Call call(context);
  check(cuda_library().copy(call.get(), to, from, n_bytes));
}

DeviceCenters chebyshev_centers(const Polyhedra& polyhedra, Place from, Place to,
                                const DeviceContext& context) {
  const std::int64_t n = polyhedra.n_polyhedra();
  const std::int64_t n_features = polyhedra.rows.cols;
  DeviceContext limited = context;
  limited.memory_limit = memory_limit(context);
  DeviceCenters found;
  found.centers = allocate_buffer<double>(n * n_features, to, limited);
  found.radii = allocate_buffer<double>(n, to, limited);
  found.duals = allocate_buffer<double>(std::ssize(polyhedra.bounds), to, limited);
  found.gaps = allocate_buffer<double>(n, to, limited);
  found.rays = allocate_buffer<double>(n * n_features, to, limited);
  found.status = allocate_buffer<std::int8_t>(n, to, limited);
  if (n == 0) return found;
  const HscPolyhedra given{polyhedra.rows.data, polyhedra.bounds.data(), polyhedra.starts.data(), n,
                           polyhedra.rows.rows, polyhedra.rows.cols,     from == Place::kDevice};
  const HscCenters out{found.centers.data.get(), found.radii.data.get(), found.duals.data.get(),
                       found.gaps.data.get(),    found.rays.data.get(),  found.status.data.get()};
  const Call call(limited);
  check(cuda_library().chebyshev_centers(call.get(), &given, &out));
  wait_for(found.status, limited);
  return found;
}

}  // namespace hullspace
