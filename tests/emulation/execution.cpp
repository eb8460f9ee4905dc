// Execution of kernels: one block after the other, its threads as fibers.
//
// A warp runs until all its lanes wait at the block's barrier or have returned, then the next one
// does. In a warp every lane that can runs once, up to its next barrier or collective; only then is
// it seen which of these are complete. Copies of what the lanes show are made between such rounds,
// so that nobody reads what belongs to the next collective.
#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "cuda_runtime.h"

#if defined(__x86_64__) && !defined(HULLSPACE_EMULATED_UCONTEXT)
#define FIBERS_IN_ASSEMBLY
#else
#include <ucontext.h>
#endif

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_start_switch_fiber(void**, const void*, std::size_t) {}
static void __sanitizer_finish_switch_fiber(void*, const void**, std::size_t*) {}
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace hullspace::emulation {
namespace {

constexpr int kWarp = 32;
constexpr std::size_t kStackBytes = std::size_t{256} << 10U;
constexpr std::size_t kGuardBytes = std::size_t{64} << 10U;

enum class State { kReady, kAtWarp, kAtBlock, kReturned };

struct Stack {
#ifdef FIBERS_IN_ASSEMBLY
  void* top = nullptr;
#else
  ucontext_t context;
#endif
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fake = nullptr;  // AddressSanitizer's own
};

struct Fiber {
  Stack stack;
  uint3 thread{};
  State state = State::kReturned;
  // what the thread waits for
  const char* what = "";
  unsigned mask = 0;
  const void* mine = nullptr;
  int n_bytes = 0;
  int value = 0;
  alignas(16) unsigned char* shown = nullptr;  // of its warp
};

struct Warp {
  alignas(16) unsigned char shown[kWarp][kLaneBytes];
};

#ifdef FIBERS_IN_ASSEMBLY
// What the System V ABI makes a called function keep, and the stack. The processor would guess a
// return's address from calls that another stack made.
__attribute__((naked, noinline)) void change_stack(void** /*from*/, void* /*to*/) {
  asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
      "popq %rcx\n jmp *%rcx");
}
void change(Stack& from, Stack& to) { change_stack(&from.top, to.top); }
void prepare(Stack& stack, void (*entry)()) {
  char* end = static_cast<char*>(const_cast<void*>(stack.bottom)) + stack.size;
  void** top = reinterpret_cast<void**>(end) - 1;  // as after a call
  *--top = reinterpret_cast<void*>(entry);
  stack.top = top - 6;
}
#else
void change(Stack& from, Stack& to) { swapcontext(&from.context, &to.context); }
void prepare(Stack& stack, void (*entry)()) {
  getcontext(&stack.context);
  stack.context.uc_stack.ss_sp = const_cast<void*>(stack.bottom);
  stack.context.uc_stack.ss_size = stack.size;
  makecontext(&stack.context, entry, 0);
}
#endif

// The block that runs, and what is kept from one to the next.
struct Machine {
  std::mutex mutex;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<std::unique_ptr<Warp>> warps;
  Stack scheduler;
  Fiber* current = nullptr;
  void (*run)(void*) = nullptr;
  void* data = nullptr;
  unsigned char* block_memory = nullptr;
  int n_threads = 0;
  std::string order;
  std::mt19937 random;
};
Machine& machine() {
  static Machine* const all = new Machine;  // fibers never end
  return *all;
}

void pause() {
  Machine& all = machine();
  Fiber& fiber = *all.current;
  __sanitizer_start_switch_fiber(&fiber.stack.fake, all.scheduler.bottom, all.scheduler.size);
  change(fiber.stack, all.scheduler);
  __sanitizer_finish_switch_fiber(fiber.stack.fake, &all.scheduler.bottom, &all.scheduler.size);
}

void resume(Fiber& fiber) {
  Machine& all = machine();
  all.current = &fiber;
  threadIdx = fiber.thread;
  __sanitizer_start_switch_fiber(&all.scheduler.fake, fiber.stack.bottom, fiber.stack.size);
  change(all.scheduler, fiber.stack);
  __sanitizer_finish_switch_fiber(all.scheduler.fake, nullptr, nullptr);
  all.current = nullptr;
}

[[noreturn]] void live() {
  Machine& all = machine();
  __sanitizer_finish_switch_fiber(nullptr, &all.scheduler.bottom, &all.scheduler.size);
  for (;;) {
    all.run(all.data);
    all.current->state = State::kReturned;
    pause();
  }
}

std::unique_ptr<Fiber> make_fiber() {
  auto fiber = std::make_unique<Fiber>();
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    fail("no memory for the stack of a thread");
  }
  fiber->stack.bottom = static_cast<char*>(memory) + kGuardBytes;
  // Tops that are a power of two apart would share a few lines of the cache.
  fiber->stack.size = kStackBytes - machine().fibers.size() * 320 % 16384;
  prepare(fiber->stack, &live);
  return fiber;
}

// 0, ..., n - 1 in the order that was asked for.
std::vector<int> ordered(int n) {
  Machine& all = machine();
  std::vector<int> order(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  if (all.order == "backward") std::reverse(order.begin(), order.end());
  if (all.order == "shuffled") std::shuffle(order.begin(), order.end(), all.random);
  return order;
}

void read_order() {
  const char* asked = std::getenv("HULLSPACE_EMULATED_ORDER");
  std::string order = asked == nullptr || *asked == '\0' ? "forward" : asked;
  const std::size_t colon = order.find(':');
  const bool is_shuffled = order.substr(0, colon) == "shuffled";
  unsigned long seed = 0;
  if (is_shuffled && colon != std::string::npos) {
    seed = std::strtoul(order.c_str() + colon + 1, nullptr, 10);
    order.resize(colon);
  }
  if (!is_shuffled && order != "forward" && order != "backward") {
    fail("HULLSPACE_EMULATED_ORDER must be forward, backward or shuffled:SEED, got '%s'", asked);
  }
  machine().order = order;
  machine().random.seed(static_cast<unsigned>(seed));
}

[[noreturn]] void fail_divergent(int warp) {
  Machine& all = machine();
  std::string message;
  const int first = warp < 0 ? 0 : warp * kWarp;
  const int last = warp < 0 ? all.n_threads : std::min(all.n_threads, first + kWarp);
  std::string before;
  for (int i = first; i < last; ++i) {
    const Fiber& fiber = *all.fibers[static_cast<std::size_t>(i)];
    char does[128];
    if (fiber.state == State::kReturned) {
      std::snprintf(does, sizeof does, "has returned");
    } else if (fiber.state == State::kAtBlock) {
      std::snprintf(does, sizeof does, "waits at %s", fiber.what);
    } else {
      std::snprintf(does, sizeof does, "waits at %s with mask %#x", fiber.what, fiber.mask);
    }
    if (before == does) continue;
    before = does;
    message += "\n  from thread " + std::to_string(i) + " on: " + before;
  }
  fail("block (%u, %u, %u) cannot go on:%s", blockIdx.x, blockIdx.y, blockIdx.z, message.c_str());
}

bool is_same(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }

// End the collectives that all their lanes have come to; whether there were any.
bool finish_collectives(int warp) {
  Machine& all = machine();
  const int first = warp * kWarp;
  const int count = std::min(kWarp, all.n_threads - first);
  const auto lane = [&](int i) -> Fiber& {
    return *all.fibers[static_cast<std::size_t>(first + i)];
  };
  bool any = false;
  for (int i = 0; i < count; ++i) {
    const Fiber& asks = lane(i);
    if (asks.state != State::kAtWarp) continue;
    const unsigned mask = asks.mask;
    if ((mask >> static_cast<unsigned>(i) & 1U) == 0) fail_divergent(warp);
    bool complete = true;
    for (int j = 0; j < kWarp && complete; ++j) {
      if ((mask >> static_cast<unsigned>(j) & 1U) == 0) continue;
      complete = j < count && lane(j).state == State::kAtWarp && lane(j).mask == mask &&
                 lane(j).n_bytes == asks.n_bytes && is_same(lane(j).what, asks.what);
    }
    if (!complete) continue;
    any = true;
    for (int j = i; j < count; ++j) {
      if ((mask >> static_cast<unsigned>(j) & 1U) == 0) continue;
      Fiber& shows = lane(j);
      if (shows.n_bytes > 0) {
        std::memcpy(shows.shown + kLaneBytes * j, shows.mine,
                    static_cast<std::size_t>(shows.n_bytes));
      }
      shows.state = State::kReady;
    }
  }
  return any;
}

// Run a warp until all its lanes wait at the block's barrier or have returned.
void run_warp(int warp) {
  Machine& all = machine();
  const int first = warp * kWarp;
  const int count = std::min(kWarp, all.n_threads - first);
  const std::vector<int> order = ordered(count);
  do {
    for (const int i : order) {
      Fiber& fiber = *all.fibers[static_cast<std::size_t>(first + i)];
      if (fiber.state == State::kReady) resume(fiber);
    }
  } while (finish_collectives(warp));
  for (int i = first; i < first + count; ++i) {
    if (all.fibers[static_cast<std::size_t>(i)]->state == State::kAtWarp) fail_divergent(warp);
  }
}

// End the barrier that all threads of the block have come to.
void finish_barrier() {
  Machine& all = machine();
  const auto threads = std::vector<std::unique_ptr<Fiber>>::difference_type{all.n_threads};
  const auto end = all.fibers.begin() + threads;
  const char* what = all.fibers.front()->what;
  int sum = 0;
  for (auto fiber = all.fibers.begin(); fiber != end; ++fiber) {
    const Fiber& waits = **fiber;
    if (waits.state != State::kAtBlock || !is_same(waits.what, what)) fail_divergent(-1);
    sum += waits.value;
  }
  for (auto fiber = all.fibers.begin(); fiber != end; ++fiber) {
    (*fiber)->value = sum;
    (*fiber)->state = State::kReady;
  }
}

void run_block() {
  Machine& all = machine();
  for (int i = 0; i < all.n_threads; ++i) {
    Fiber& fiber = *all.fibers[static_cast<std::size_t>(i)];
    const unsigned at = static_cast<unsigned>(i);
    const unsigned row = at / blockDim.x;
    fiber.thread = {at % blockDim.x, row % blockDim.y, row / blockDim.y};
    fiber.state = State::kReady;
    fiber.shown = all.warps[at / kWarp]->shown[0];
  }
  const auto has_returned = [&](int i) {
    return all.fibers[static_cast<std::size_t>(i)]->state == State::kReturned;
  };
  for (;;) {
    for (const int warp : ordered((all.n_threads + kWarp - 1) / kWarp)) run_warp(warp);
    int n_returned = 0;
    for (int i = 0; i < all.n_threads; ++i) n_returned += has_returned(i) ? 1 : 0;
    if (n_returned == all.n_threads) return;
    finish_barrier();
  }
}

}  // namespace

void fail(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fputs("emulated CUDA: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::abort();
}

static Fiber& calling_thread(const char* what) {
  if (machine().current == nullptr) fail("%s outside of a kernel", what);
  return *machine().current;
}

int meet_block(const char* what, int value) {
  Fiber& fiber = calling_thread(what);
  fiber.state = State::kAtBlock;
  fiber.what = what;
  fiber.value = value;
  pause();
  return fiber.value;
}

const unsigned char* meet_warp(const char* what, unsigned mask, const void* mine, int n_bytes) {
  Fiber& fiber = calling_thread(what);
  fiber.state = State::kAtWarp;
  fiber.what = what;
  fiber.mask = mask;
  fiber.mine = mine;
  fiber.n_bytes = n_bytes;
  pause();
  return fiber.shown;
}

void execute(const cudaLaunchConfig_t& config, void (*run)(void*), void* data) {
  Machine& all = machine();
  const std::lock_guard lock(all.mutex);
  read_order();
  gridDim = config.gridDim;
  blockDim = config.blockDim;
  all.run = run;
  all.data = data;
  all.n_threads = static_cast<int>(blockDim.x * blockDim.y * blockDim.z);
  const auto n_threads = static_cast<std::size_t>(all.n_threads);
  while (all.fibers.size() < n_threads) all.fibers.push_back(make_fiber());
  while (all.warps.size() * kWarp < n_threads) all.warps.push_back(std::make_unique<Warp>());

  // Of its own, so that a sanitizer sees who goes beyond it.
  const std::size_t n_bytes = config.dynamicSmemBytes;
  auto* memory = static_cast<unsigned char*>(::operator new(n_bytes, std::align_val_t{128}));
  all.block_memory = memory;
  const unsigned rows = gridDim.x * gridDim.y;
  for (const int block : ordered(static_cast<int>(rows * gridDim.z))) {
    const unsigned at = static_cast<unsigned>(block);
    blockIdx = {at % gridDim.x, at / gridDim.x % gridDim.y, at / rows};
    fill_unset(memory, n_bytes);
    run_block();
  }
  ::operator delete(memory, std::align_val_t{128});
  all.block_memory = nullptr;
}

}  // namespace hullspace::emulation

unsigned char* hullspace::cuda::emulated_block_memory() {
  return emulation::machine().block_memory;
}
