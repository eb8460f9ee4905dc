// Devices and memory through the interface of the CUDA library, on emulated devices.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "cuda/calls.hpp"
#include "cuda/interface.h"
#include "cuda/runtime.hpp"
#include "devices.hpp"
#include "gaussian.hpp"

namespace {

using tests::Setting;

const HscInterface& cuda() { return *hullspace_cuda(HULLSPACE_CUDA_VERSION); }
bool says(const char* what) { return tests::mentions(cuda().last_error(), what); }
HscCall on(int device) { return {device, nullptr, std::int64_t{1} << 30, nullptr, nullptr}; }

}  // namespace

TEST_CASE("only the known version is served") {
  CHECK(hullspace_cuda(HULLSPACE_CUDA_VERSION + 1) == nullptr);
  CHECK(hullspace_cuda(0) == nullptr);
  CHECK(cuda().version == HULLSPACE_CUDA_VERSION);
}

TEST_CASE("devices are counted and described") {
  int count = 0;
  CHECK(cuda().count_devices(&count) == HSC_OK);
  CHECK(count == 2);
  HscDevice device;
  CHECK(cuda().describe_device(1, &device) == HSC_OK);
  CHECK(std::string(device.name) == "Emulated device 1");
  CHECK(device.capability == 90);
  CHECK(device.n_multiprocessors == 4);
  CHECK(device.total_memory == std::int64_t{1} << 30);
  CHECK(device.free_memory == device.total_memory);
  CHECK(cuda().describe_device(2, &device) == HSC_DEVICE);
  CHECK(says("invalid device ordinal"));
  CHECK(cuda().describe_device(-1, &device) == HSC_DEVICE);
  CHECK(says("invalid device ordinal"));
}

TEST_CASE("without devices there is a reason") {
  const Setting none("HULLSPACE_EMULATED_DEVICES", "0");
  int count = -1;
  CHECK(cuda().count_devices(&count) == HSC_DEVICE);
  CHECK(count == 0);
  CHECK(says("counting devices: no CUDA-capable device is detected"));
  const HscCall call = on(0);
  void* memory = nullptr;
  CHECK(cuda().allocate(&call, 8, &memory) == HSC_DEVICE);
  CHECK(says("no CUDA-capable device"));
}

TEST_CASE("old devices are described but not used") {
  const Setting old("HULLSPACE_EMULATED_CAPABILITY", "75");
  HscDevice device;
  CHECK(cuda().describe_device(0, &device) == HSC_OK);
  CHECK(device.capability == 75);
  const HscCall call = on(1);
  void* memory = nullptr;
  CHECK(cuda().allocate(&call, 8, &memory) == HSC_DEVICE);
  CHECK(says("device 1 has compute capability 7.5, but 8.0 or more is needed"));
}

TEST_CASE("memory goes from anywhere to anywhere") {
  const std::vector<double> values = tests::gaussian<double>(1000, 1);
  const auto n_bytes = static_cast<std::int64_t>(values.size() * sizeof(double));
  const HscCall first = on(0);
  const HscCall second = on(1);
  void* a = nullptr;
  void* b = nullptr;
  CHECK(cuda().allocate(&first, n_bytes, &a) == HSC_OK);
  CHECK(cuda().allocate(&second, n_bytes, &b) == HSC_OK);
  HscDevice device;
  CHECK(cuda().describe_device(1, &device) == HSC_OK);
  CHECK(device.free_memory == device.total_memory - n_bytes);
  std::vector<double> returned(values.size());
  CHECK(cuda().copy(&first, a, values.data(), n_bytes) == HSC_OK);
  CHECK(cuda().copy(&first, b, a, n_bytes) == HSC_OK);
  CHECK(cuda().copy(&second, returned.data(), b, n_bytes) == HSC_OK);
  CHECK(returned == values);
  CHECK(cuda().copy(&second, nullptr, nullptr, 0) == HSC_OK);
  cuda().release(0, a);
  cuda().release(1, b);
  cuda().release(1, nullptr);
  CHECK(cuda().describe_device(1, &device) == HSC_OK);
  CHECK(device.free_memory == device.total_memory);
}

TEST_CASE("what was current stays so") {
  CHECK(cudaSetDevice(1) == cudaSuccess);
  const HscCall call = on(0);
  void* memory = nullptr;
  CHECK(cuda().allocate(&call, 8, &memory) == HSC_OK);
  cuda().release(0, memory);
  int device = -1;
  CHECK(cudaGetDevice(&device) == cudaSuccess);
  CHECK(device == 1);
  CHECK(cudaSetDevice(0) == cudaSuccess);
}

TEST_CASE("failures have codes and messages") {
  const HscCall call = on(0);
  void* memory = &memory;
  CHECK(cuda().allocate(&call, std::int64_t{1} << 31, &memory) == HSC_MEMORY);
  CHECK(memory == nullptr);
  CHECK(says("allocating 2147483648 bytes: out of memory"));
  CHECK(cudaPeekAtLastError() == cudaSuccess);
  CHECK(cuda().allocate(&call, -1, &memory) == HSC_ARGUMENT);
  CHECK(says("n_bytes"));
  CHECK(cuda().copy(&call, nullptr, &call, 1) == HSC_ARGUMENT);
  CHECK(says("nothing to copy"));

  int n_asked = 0;
  HscCall interrupted = on(0);
  interrupted.interrupted_data = &n_asked;
  interrupted.interrupted = [](void* asked) { return ++*static_cast<int*>(asked); };
  int to = 0;
  CHECK(cuda().copy(&interrupted, &to, &n_asked, 4) == HSC_INTERRUPTED);
  CHECK(n_asked == 1);
  CHECK(to == 0);
  CHECK(says("interrupted"));
}

TEST_CASE("messages are a threads own") {
  const HscCall call = on(7);
  void* memory = nullptr;
  CHECK(cuda().allocate(&call, 8, &memory) == HSC_DEVICE);
  std::string elsewhere = "?";
  std::thread([&] { elsewhere = cuda().last_error(); }).join();
  CHECK(elsewhere.empty());
  CHECK(says("invalid device ordinal"));
}
