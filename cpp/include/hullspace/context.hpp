// What every call takes besides its mathematics: how many threads, and how it is interrupted.
#pragma once

#include <functional>

namespace hullspace {

struct Context {
  int n_threads = 0;  // 0 stands for all cores
  // Polled by the calling thread about 50 times a second; true ends the call with Interrupted.
  std::function<bool()> interrupted = nullptr;
};

}  // namespace hullspace
