// The emulation of CUDA, and the teams of team.hpp on it.
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "cuda/runtime.hpp"
#include "cuda/team.hpp"
#include "devices.hpp"
#include "gaussian.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

using namespace hullspace::cuda;

namespace {

using tests::mentions;
using tests::set_order;
using tests::to_device;
using tests::to_host;

const char* const kOrders[] = {"forward", "backward", "shuffled:1", "shuffled:2"};

// What a process writes to stderr that must end by abort().
template <class Body>
std::string message_of_abort(const Body& body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // which the tests' framework would report as a failure
    body();
    _exit(0);
  }
  close(ends[1]);
  std::string message;
  char piece[256];
  for (ssize_t n; (n = read(ends[0], piece, sizeof piece)) > 0;) {
    message.append(piece, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? message : "no abort: " + message;
}

struct Results {
  double sum;
  int int_sum;
  double largest;
  Extreme lowest;
  int rank;
  int total;
};

template <class Team>
__device__ void reduce(const Team& team, const double* values, Results* out) {
  const int i = team.lane();
  const double x = values[i];
  Results& own = out[i];
  own.sum = team.sum(x);
  own.int_sum = team.sum(i + 1);
  own.largest = team.largest(x);
  own.lowest = team.lowest({std::floor(x), x > 2.0 ? -1 : i});  // with ties and no places
  own.rank = team.rank(x > 0.0, own.total);
}
__global__ void reduce_in_warp(const double* values, Results* out) {
  reduce(WarpTeam(), values, out);
}
__global__ void reduce_in_block(const double* values, Results* out) {
  __shared__ BlockTeam::Scratch scratch;
  reduce(BlockTeam(scratch), values, out);
}

void check_reductions(void (*kernel)(const double*, Results*), int n) {
  const std::vector<double> values = tests::gaussian<double>(static_cast<std::size_t>(n), 7);
  Results serial{};
  serial.lowest = {0.0, -1};
  serial.largest = -1e300;
  std::vector<int> ranks;
  for (int i = 0; i < n; ++i) {
    const double x = values[static_cast<std::size_t>(i)];
    serial.sum += x;
    serial.int_sum += i + 1;
    serial.largest = std::max(serial.largest, x);
    const Extreme mine{std::floor(x), x > 2.0 ? -1 : i};
    if (is_lower(mine, serial.lowest)) serial.lowest = mine;
    ranks.push_back(serial.total);
    serial.total += x > 0.0 ? 1 : 0;
  }
  std::vector<double> sums;
  for (const char* order : kOrders) {
    set_order(order);
    const Buffer<double> input = to_device(values);
    const Buffer<Results> output(n);
    launch(kernel, 1, static_cast<unsigned>(n), 0, nullptr, input.data(), output.data());
    int i = 0;
    for (const Results& got : to_host(output)) {
      CHECK(std::abs(got.sum - serial.sum) < 1e-12 * n);
      CHECK(got.int_sum == serial.int_sum);
      CHECK(got.largest == serial.largest);
      CHECK(got.lowest.place == serial.lowest.place);
      CHECK(got.lowest.value == serial.lowest.value);
      CHECK(got.rank == ranks[static_cast<std::size_t>(i++)]);
      CHECK(got.total == serial.total);
      sums.push_back(got.sum);
    }
  }
  for (const double sum : sums) CHECK(sum == sums.front());
}

__global__ void shuffle(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_down_sync(kWholeWarp, lane, 3, 8);
  out[32 + lane] = __shfl_up_sync(kWholeWarp, lane, 3, 8);
  out[64 + lane] = __shfl_xor_sync(kWholeWarp, lane, 5);
  out[96 + lane] = __shfl_sync(kWholeWarp, lane, 9, 8);
  const unsigned half = lane < 16 ? 0xffffU : 0xffff0000U;
  // Twice as many collectives in one half as in the other, then one for all.
  int sum = lane;
  for (int step = 8; step > 0; step /= 2) sum += __shfl_xor_sync(half, sum, step);
  if (lane < 16) {
    for (int step = 8; step > 0; step /= 2) sum += __shfl_xor_sync(half, sum, step);
  }
  out[128 + lane] = sum + static_cast<int>(__ballot_sync(kWholeWarp, lane % 16 == 3));
}

// Each block adds its own up in shared memory, whose size the launch sets.
__global__ void add_up(const int* values, int n, int* sums, int* counts) {
  int* shared = reinterpret_cast<int*>(block_memory());
  const int i = static_cast<int>(threadIdx.x + threadIdx.y * blockDim.x);
  const int size = static_cast<int>(blockDim.x * blockDim.y);
  const int at = static_cast<int>(blockIdx.x) * size + i;
  shared[i] = at < n ? values[at] : 0;
  for (int step = size / 2; step > 0; step /= 2) {
    __syncthreads();
    if (i < step) shared[i] += shared[i + step];
  }
  const int n_there = __syncthreads_count(at < n ? 1 : 0);
  if (i == 0) {
    sums[blockIdx.x] = shared[0];
    atomicAdd(counts, n_there);
  }
}

// Threads read what others write without a barrier between them.
__global__ void race(int* out) {
  __shared__ int last;
  last = static_cast<int>(threadIdx.x);
  out[threadIdx.x] = last;
  __syncthreads();
  out[blockDim.x] = last;
}

__global__ void wait_in_part(int) {
  if (threadIdx.x < 40) __syncthreads();
}
__global__ void wait_at_two(int) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    static_cast<void>(__syncthreads_or(1));
  }
}
__global__ void leave_a_warp(int) {
  if (threadIdx.x % 32 != 5) __syncwarp();
}
__global__ void read_beyond_mask(int) {
  if (threadIdx.x < 16) static_cast<void>(__shfl_sync(0xffffU, 1, 20));
}
__global__ void nothing(int) {}

// Blocks leave nothing to the next ones.
__global__ void read_unset(float* out) {
  float* memory = reinterpret_cast<float*>(block_memory());
  out[blockIdx.x] = *memory;
  *memory = 1.0F;
}

struct Fragment {
  float values[4];
};
__global__ void exchange_fragments(float* out) {
  const int lane = static_cast<int>(threadIdx.x);
  Fragment mine{};
  for (int i = 0; i < 4; ++i) mine.values[i] = static_cast<float>(4 * lane + i);
  const auto lanes = hullspace::emulation::exchange("fragments", mine);
  float sum = 0.0F;
  for (int i = 0; i < 32; ++i) sum += lanes[i].values[(lane + i) % 4];
  out[lane] = sum;
}

}  // namespace

TEST_CASE("warps reduce") { check_reductions(&reduce_in_warp, 32); }

TEST_CASE("blocks reduce") {
  for (const int n : {32, 64, 128, 256}) check_reductions(&reduce_in_block, n);
}

TEST_CASE("shuffles") {
  for (const char* order : kOrders) {
    set_order(order);
    const Buffer<int> output(160);
    launch(&shuffle, 1, 32, 0, nullptr, output.data());
    const std::vector<int> got = to_host(output);
    for (int lane = 0; lane < 32; ++lane) {
      const auto at = static_cast<std::size_t>(lane);
      const int in_segment = lane % 8;
      CHECK(got[at] == (in_segment + 3 < 8 ? lane + 3 : lane));
      CHECK(got[32 + at] == (in_segment >= 3 ? lane - 3 : lane));
      CHECK(got[64 + at] == (lane ^ 5));
      CHECK(got[96 + at] == lane - in_segment + 1);
      const int sum = lane < 16 ? 16 * 120 : 120 + 256;
      CHECK(got[128 + at] == sum + 0x80008);
    }
  }
}

TEST_CASE("blocks have memory and barriers") {
  const int n = 1000;
  std::vector<int> values;
  int all = 0;
  for (int i = 0; i < n; ++i) values.push_back(i * i);
  for (const int x : values) all += x;
  for (const char* order : kOrders) {
    set_order(order);
    const Buffer<int> input = to_device(values);
    const Buffer<int> sums(8);
    const Buffer<int> count = to_device(std::vector<int>{0});
    launch(&add_up, 8, dim3(32, 4), 128 * sizeof(int), nullptr, input.data(), n, sums.data(),
           count.data());
    int sum = 0;
    for (const int x : to_host(sums)) sum += x;
    CHECK(sum == all);
    CHECK(to_host(count)[0] == n);
  }
}

TEST_CASE("orders show a race") {
  std::vector<std::vector<int>> seen;
  for (const char* order : kOrders) {
    set_order(order);
    const Buffer<int> output(65);
    launch(&race, 1, 64, 0, nullptr, output.data());
    seen.push_back(to_host(output));
  }
  CHECK(seen[0].back() == 63);
  CHECK(seen[1].back() == 0);
  CHECK(seen[2].back() != seen[0].back());
  CHECK(seen[3].back() != seen[2].back());
  CHECK(mentions(message_of_abort([] {
                   set_order("upward");
                   launch(&nothing, 1, 1, 0, nullptr, 0);
                 }),
                 "HULLSPACE_EMULATED_ORDER must be"));
  set_order("forward");
}

TEST_CASE("threads that do not come end the program") {
  const auto message = [](void (*kernel)(int)) {
    return message_of_abort([&] { launch(kernel, 3, 64, 0, nullptr, 0); });
  };
  const std::string part = message(&wait_in_part);
  CHECK(mentions(part, "block (0, 0, 0) cannot go on"));
  CHECK(mentions(part, "from thread 0 on: waits at __syncthreads\n"));
  CHECK(mentions(part, "from thread 40 on: has returned"));
  CHECK(mentions(message(&wait_at_two), "from thread 32 on: waits at __syncthreads_or"));
  CHECK(mentions(message(&leave_a_warp), "waits at __syncwarp with mask 0xffffffff"));
  CHECK(mentions(message(&read_beyond_mask), "reads lane 20, which is not in its mask 0xffff"));
  CHECK(mentions(message_of_abort([] { __syncthreads(); }), "outside of a kernel"));
}

TEST_CASE("lanes exchange fragments") {
  const Buffer<float> output(32);
  launch(&exchange_fragments, 1, 32, 0, nullptr, output.data());
  for (const float sum : to_host(output)) CHECK(sum == 4 * 496 + 8 * 6);
}

TEST_CASE("launches are checked") {
  const auto code = [](const auto& body) {
    try {
      body();
      return static_cast<int>(HSC_OK);
    } catch (const Failure& failure) {
      return failure.code();
    }
  };
  CHECK(code([] { launch(&nothing, 0, 32, 0, nullptr, 0); }) == HSC_DEVICE);
  CHECK(code([] { launch(&nothing, 1, 1025, 0, nullptr, 0); }) == HSC_DEVICE);
  CHECK(code([] { launch(&nothing, 1, 32, 227 << 10, nullptr, 0); }) == HSC_OK);
  CHECK(code([] { launch(&nothing, 1, 32, 228 << 10, nullptr, 0); }) == HSC_DEVICE);
  cudaLaunchConfig_t config{};
  config.dynamicSmemBytes = std::size_t{49} << 10U;
  CHECK(cudaLaunchKernelEx(&config, &wait_in_part, 0) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("fresh memory holds no numbers") {
  const Buffer<double> fresh(3);
  for (const double x : to_host(fresh)) CHECK(std::isnan(x));
  const Buffer<float> fresh_single(3);
  for (const float x : to_host(fresh_single)) CHECK(std::isnan(x));
  launch(&read_unset, 3, 1, sizeof(float), nullptr, fresh_single.data());
  for (const float x : to_host(fresh_single)) CHECK(std::isnan(x));
#ifdef __SANITIZE_ADDRESS__
  CHECK(__asan_address_is_poisoned(fresh.data()) == 1);
#endif
}

TEST_CASE("memory is its devices and limited") {
  const Buffer<double> taken(3);
  const Buffer<float> more(3);
  setenv("HULLSPACE_EMULATED_MEMORY", "1000", 1);
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, 965) == cudaErrorMemoryAllocation);  // 36 bytes are taken
  CHECK(cudaMalloc(&memory, 964) == cudaSuccess);
  std::size_t free = 1;
  std::size_t total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 0);
  CHECK(total == 1000);
  unsetenv("HULLSPACE_EMULATED_MEMORY");

  const auto on_other = [&](const auto& body) {
    return message_of_abort([&] {
      static_cast<void>(cudaSetDevice(1));
      body();
    });
  };
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess);
  int host = 0;
  CHECK(mentions(on_other([&] { (void)cudaFree(memory); }), "memory of device 0 while device 1"));
  CHECK(mentions(on_other([&] { (void)cudaMemcpy(&host, memory, 4, cudaMemcpyDefault); }),
                 "memory of device 0 while device 1"));
  CHECK(mentions(on_other([&] { (void)cudaMemset(memory, 0, 4); }), "memory of device 0"));
  CHECK(mentions(on_other([&] { launch(&nothing, 1, 1, 0, stream, 0); }), "stream of device 0"));
  CHECK(mentions(message_of_abort([&] { (void)cudaMemset(memory, 0, 965); }), "goes beyond"));
  CHECK(cudaMemcpy(&host, memory, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(cudaFree(memory) == cudaSuccess);
  static_cast<void>(cudaGetLastError());
}

TEST_CASE("threads of the system take turns") {
  const int n = 256;
  std::vector<std::thread> threads;
  std::vector<int> sums(4);
  for (std::size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&, t] {
      const Buffer<int> input = to_device(std::vector<int>(n, static_cast<int>(t)));
      const Buffer<int> output(1);
      const Buffer<int> count = to_device(std::vector<int>{0});
      for (int i = 0; i < 20; ++i) {
        launch(&add_up, 1, n, n * sizeof(int), nullptr, input.data(), n, output.data(),
               count.data());
      }
      sums[t] = to_host(output)[0];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < sums.size(); ++t) CHECK(sums[t] == n * static_cast<int>(t));
}
