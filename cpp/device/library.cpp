#include "device/library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>

#include "hullspace/build_info.hpp"
#include "hullspace/error.hpp"

namespace hullspace {
namespace {

constexpr const char* kVariable = "HULLSPACE_CUDA_LIBRARY";
constexpr const char* kFileName = "libhullspace_cuda.so";
constexpr std::chrono::milliseconds kPollInterval{20};

// The table, or why there is none.
struct Library {
  const HscInterface* table = nullptr;
  std::string problem;
};

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::string named_library() {
  const char* named = std::getenv(kVariable);
  return named == nullptr ? std::string() : std::string(named);
}

// The library beside the compiled module that this function is part of.
std::string library_beside() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&library_beside), &info) == 0) return kFileName;
  return (std::filesystem::path(info.dli_fname).parent_path() / kFileName).string();
}

std::string why_missing() {
  const std::string named = named_library();
  if (!named.empty()) return std::string(kVariable) + " names " + named + ", which does not exist";
  const BuildInfo build = build_info();
  if (!build.cuda_built) return "hullspace was built without CUDA: " + build.cuda_reason;
  return "the CUDA library is missing: " + library_beside();
}

Library open_library() {
  const std::string path = cuda_library_path();
  if (path.empty()) return {nullptr, why_missing()};
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return {nullptr, std::string("cannot open the CUDA library: ") + dlerror()};
  const auto ask = reinterpret_cast<decltype(&hullspace_cuda)>(dlsym(handle, "hullspace_cuda"));
  if (ask == nullptr) return {nullptr, path + " is not a CUDA library of hullspace"};
  const HscInterface* table = ask(HULLSPACE_CUDA_VERSION);
  if (table == nullptr || table->version != HULLSPACE_CUDA_VERSION) {
    return {nullptr, path + " does not speak version " + std::to_string(HULLSPACE_CUDA_VERSION) +
                         " of the interface: it belongs to another version of hullspace; "
                         "install hullspace again"};
  }
  return {table, ""};
}

// It stays open: memory that came from it may be freed as late as the process ends.
const Library& library() {
  static const Library opened = open_library();
  return opened;
}

}  // namespace

std::string cuda_library_path() {
  const std::string named = named_library();
  const std::string path = named.empty() ? library_beside() : named;
  return exists(path) ? path : std::string();
}

const HscInterface& cuda_library() {
  if (library().table == nullptr) throw DeviceError(library().problem);
  return *library().table;
}

void check(int code) {
  if (code == HSC_OK) return;
  if (code == HSC_INTERRUPTED) throw Interrupted();
  const std::string message = cuda_library().last_error();
  if (code == HSC_ARGUMENT) throw ArgumentError(message);
  if (code == HSC_MEMORY) throw DeviceMemoryError(message);
  throw DeviceError(message);
}

Call::Call(const DeviceContext& context)
    : interrupted_(context.interrupted),
      next_poll_(std::chrono::steady_clock::now() + kPollInterval) {
  call_.device = context.device;
  call_.stream = context.stream;
  call_.memory_limit =
      context.memory_limit > 0 ? context.memory_limit : std::numeric_limits<std::int64_t>::max();
  call_.interrupted = &Call::is_interrupted;
  call_.interrupted_data = this;
}

int Call::is_interrupted(void* self) {
  auto& call = *static_cast<Call*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (!call.interrupted_ || now < call.next_poll_) return 0;
  call.next_poll_ = now + kPollInterval;
  return call.interrupted_() ? 1 : 0;
}

void Call::poll() {
  if (is_interrupted(this) != 0) throw Interrupted();
}

std::int64_t memory_limit(const DeviceContext& context) {
  if (context.memory_limit > 0) return context.memory_limit;
  return describe_device(context.device).free_memory / 5 * 4;
}

}  // namespace hullspace
