#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "check.hpp"
#include "common/parallel.hpp"
#include "hullspace/error.hpp"

using namespace hullspace;

TEST(every_worker_runs_once) {
  std::atomic<int> sum{0};
  run_workers(Context{}, 5, [&](int worker, const StopFlag&) { sum += 1 << worker; });
  CHECK(sum == 31);
}

TEST(worker_count_is_bounded_by_tasks_and_threads) {
  CHECK(worker_count(Context{3, nullptr}, 100) == 3);
  CHECK(worker_count(Context{3, nullptr}, 2) == 2);
  CHECK(worker_count(Context{3, nullptr}, 0) == 1);
  CHECK(worker_count(Context{}, 1000000) >= 1);
}

TEST(first_exception_stops_the_others_and_is_rethrown) {
  const auto body = [](int worker, const StopFlag& stop) {
    if (worker == 0) throw std::length_error("worker 0");
    while (!stop) std::this_thread::yield();
  };
  CHECK_THROWS(run_workers(Context{}, 3, body), std::length_error);
}

TEST(interruption_ends_the_call_soon) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point asked;
  const Context context{2, [&] {
                          asked = Clock::now();
                          return true;
                        }};
  const auto body = [](int, const StopFlag& stop) {
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  CHECK_THROWS(run_workers(context, 2, body), Interrupted);
  CHECK(Clock::now() - asked < std::chrono::seconds(5));
}

int main() { return check::run_all(); }
