// Runs the tests of one area where there is a device, and says that it skips them elsewhere.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cstdio>

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;  // CTest's SKIP_RETURN_CODE
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return doctest::Context(argc, argv).run();
  std::printf("skipped: %s\n", cudaGetErrorString(error));
  return kSkipped;
}
