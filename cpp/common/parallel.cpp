#include "common/parallel.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "hullspace/error.hpp"

namespace hullspace {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(20);

// What the workers of one call share with the thread that started them.
class Team {
 public:
  explicit Team(int n_workers) : n_running_(n_workers) {}

  const StopFlag& stop_flag() const { return stop_; }
  void stop() { stop_.store(true, std::memory_order_relaxed); }

  void leave(std::exception_ptr error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (error && !error_) {
      error_ = std::move(error);
      stop();
    }
    if (--n_running_ == 0) finished_.notify_one();
  }

  // True once every worker has left, false after the poll interval.
  bool wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return finished_.wait_for(lock, kPollInterval, [this] { return n_running_ == 0; });
  }

  std::exception_ptr error() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return error_;
  }

 private:
  StopFlag stop_{false};
  std::mutex mutex_;
  std::condition_variable finished_;
  int n_running_;
  std::exception_ptr error_;
};

// Threads that are always joined, also when starting one of them fails.
class JoinedThreads {
 public:
  explicit JoinedThreads(Team& team) : team_(team) {}
  JoinedThreads(const JoinedThreads&) = delete;
  JoinedThreads& operator=(const JoinedThreads&) = delete;
  ~JoinedThreads() {
    if (!complete_) team_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  template <class Body>
  void start(Body body) {
    threads_.emplace_back(std::move(body));
  }
  void set_complete() { complete_ = true; }

 private:
  Team& team_;
  std::vector<std::thread> threads_;
  bool complete_ = false;
};

}  // namespace

int worker_count(const Context& context, std::ptrdiff_t n_tasks) {
  const unsigned all = std::max(1U, std::thread::hardware_concurrency());
  const std::ptrdiff_t wanted = context.n_threads > 0 ? context.n_threads : all;
  return static_cast<int>(std::clamp<std::ptrdiff_t>(n_tasks, 1, wanted));
}

void run_workers(const Context& context, int n_workers,
                 const std::function<void(int, const StopFlag&)>& body) {
  Team team(n_workers);
  bool interrupted = false;
  {
    JoinedThreads threads(team);
    for (int worker = 0; worker < n_workers; ++worker) {
      threads.start([&team, &body, worker] {
        std::exception_ptr error;
        try {
          body(worker, team.stop_flag());
        } catch (...) {
          error = std::current_exception();
        }
        team.leave(std::move(error));
      });
    }
    while (!team.wait()) {
      if (!interrupted && context.interrupted && context.interrupted()) {
        interrupted = true;
        team.stop();
      }
    }
    threads.set_complete();
  }
  if (const std::exception_ptr error = team.error()) std::rethrow_exception(error);
  if (interrupted) throw Interrupted();
}

void for_ranges(const Context& context, std::ptrdiff_t n, std::ptrdiff_t step,
                const std::function<void(std::ptrdiff_t, std::ptrdiff_t)>& body) {
  std::atomic<std::ptrdiff_t> next{0};
  const int n_workers = worker_count(context, (n + step - 1) / step);
  run_workers(context, n_workers, [&](int, const StopFlag& stop) {
    for (std::ptrdiff_t first = next.fetch_add(step); first < n && !stop;
         first = next.fetch_add(step)) {
      body(first, std::min(first + step, n));
    }
  });
}

}  // namespace hullspace
