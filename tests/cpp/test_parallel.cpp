#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "common/parallel.hpp"
#include "hullspace/error.hpp"

using namespace hullspace;

TEST_CASE("every worker runs once") {
  std::atomic<int> sum{0};
  run_workers(Context{}, 5, [&](int worker, const StopFlag&) { sum += 1 << worker; });
  CHECK(sum == 31);
}

TEST_CASE("worker count is bounded by tasks and threads") {
  CHECK(worker_count(Context{3, nullptr}, 100) == 3);
  CHECK(worker_count(Context{3, nullptr}, 2) == 2);
  CHECK(worker_count(Context{3, nullptr}, 0) == 1);
  CHECK(worker_count(Context{}, 1000000) >= 1);
}

TEST_CASE("first exception stops the others and is rethrown") {
  const auto body = [](int worker, const StopFlag& stop) {
    if (worker == 0) throw std::length_error("worker 0");
    while (!stop) std::this_thread::yield();
  };
  CHECK_THROWS_AS(run_workers(Context{}, 3, body), std::length_error);
}

TEST_CASE("interruption ends the call soon") {
  using Clock = std::chrono::steady_clock;
  Clock::time_point asked;
  const Context context{2, [&] {
                          asked = Clock::now();
                          return true;
                        }};
  const auto body = [](int, const StopFlag& stop) {
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  CHECK_THROWS_AS(run_workers(context, 2, body), Interrupted);
  CHECK(Clock::now() - asked < std::chrono::seconds(5));
}
