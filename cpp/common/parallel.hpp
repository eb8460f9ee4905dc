// Workers under the control of the calling thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "hullspace/context.hpp"

namespace hullspace {

// Set while a call should end; workers look at it between pieces of work of about a millisecond.
using StopFlag = std::atomic<bool>;

// Number of threads that `context` stands for, at most `n_tasks` and at least one.
int worker_count(const Context& context, std::ptrdiff_t n_tasks);

// Run `body(worker, stop)` on `n_workers` threads and wait for all. The calling thread polls
// `context.interrupted`. The first exception of a worker stops the others and is rethrown here.
void run_workers(const Context& context, int n_workers,
                 const std::function<void(int, const StopFlag&)>& body);

// Call `body(first, last)` for the ranges of [0, n), `step` long, on the threads of `context`.
void for_ranges(const Context& context, std::ptrdiff_t n, std::ptrdiff_t step,
                const std::function<void(std::ptrdiff_t, std::ptrdiff_t)>& body);

}  // namespace hullspace
