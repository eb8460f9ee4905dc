// The CUDA library as the core opens it. It must load where there is neither driver nor device, and
// say so.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda/interface.h"

TEST_CASE("library counts devices or says why not") {
  const char* path = std::getenv("HULLSPACE_CUDA_LIBRARY");
  REQUIRE_MESSAGE(path != nullptr, "HULLSPACE_CUDA_LIBRARY must name the library");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(library != nullptr, dlerror());
  using Entry = const HscInterface* (*)(int);
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "hullspace_cuda"));
  REQUIRE((entry != nullptr));
  CHECK(entry(HULLSPACE_CUDA_VERSION + 1) == nullptr);
  const HscInterface* cuda = entry(HULLSPACE_CUDA_VERSION);
  REQUIRE(cuda != nullptr);
  CHECK(cuda->version == HULLSPACE_CUDA_VERSION);

  int count = -1;
  const int code = cuda->count_devices(&count);
  std::printf("%d devices: %s\n", count, cuda->last_error());
  if (code == HSC_OK) {
    CHECK(count > 0);
    return;
  }
  CHECK(code == HSC_DEVICE);
  CHECK(count == 0);
  CHECK(std::strncmp(cuda->last_error(), "counting devices: ", 18) == 0);
  // Nothing else crashes, either.
  HscDevice device;
  CHECK(cuda->describe_device(0, &device) == HSC_DEVICE);
  const HscCall call{0, nullptr, 0, nullptr, nullptr};
  void* memory = &count;
  CHECK(cuda->allocate(&call, 8, &memory) == HSC_DEVICE);
  CHECK(memory == nullptr);
  CHECK(cuda->copy(&call, &memory, &count, 4) == HSC_DEVICE);
  cuda->release(0, nullptr);
}
