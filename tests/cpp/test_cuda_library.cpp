// The CUDA library as the core opens it. It must load where there is neither driver nor device, and
// say so.
#include <dlfcn.h>

#include <cstring>

#include "check.hpp"
#include "cuda/interface.h"

static const char* library_path = "";

TEST(library_counts_devices_or_says_why_not) {
  void* library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    check::fail(__FILE__, __LINE__, dlerror());
    return;
  }
  using Entry = const HscInterface* (*)(int);
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "hullspace_cuda"));
  CHECK(entry != nullptr && entry(HULLSPACE_CUDA_VERSION + 1) == nullptr);
  const HscInterface* cuda = entry(HULLSPACE_CUDA_VERSION);
  CHECK(cuda != nullptr && cuda->version == HULLSPACE_CUDA_VERSION);

  int count = -1;
  const int code = cuda->count_devices(&count);
  std::printf("%d devices: %s\n", count, cuda->last_error());
  if (code == HSC_OK) {
    CHECK(count > 0);
    return;
  }
  CHECK(code == HSC_DEVICE && count == 0);
  CHECK(std::strncmp(cuda->last_error(), "counting devices: ", 18) == 0);
  // Nothing else crashes, either.
  HscDevice device;
  CHECK(cuda->describe_device(0, &device) == HSC_DEVICE);
  const HscCall call{0, nullptr, 0, nullptr, nullptr};
  void* memory = &count;
  CHECK(cuda->allocate(&call, 8, &memory) == HSC_DEVICE && memory == nullptr);
  CHECK(cuda->copy(&call, &memory, &count, 4) == HSC_DEVICE);
  cuda->release(0, nullptr);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  library_path = argv[1];
  return check::run_all();
}
