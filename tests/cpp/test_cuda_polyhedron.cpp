// Largest balls through the interface of the CUDA library, on emulated devices.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <string>

#include "bodies.hpp"
#include "cuda/interface.h"
#include "cuda/runtime.hpp"
#include "devices.hpp"
#include "gaussian.hpp"
#include "hullspace/polyhedron.hpp"

using namespace hullspace;
using bodies::Body;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kPlenty = std::int64_t{1} << 28;

const HscInterface& cuda_calls() { return *hullspace_cuda(HULLSPACE_CUDA_VERSION); }
std::string message() { return cuda_calls().last_error(); }

// Polyhedra one after the other.
struct Batch {
  std::vector<Body> all;
  std::vector<double> rows;
  std::vector<double> bounds;
  std::vector<std::int64_t> starts{0};
  std::int64_t n_rows = 0;
  std::int64_t n_features = 0;

  HscPolyhedra given() const {
    const auto count = static_cast<std::int64_t>(starts.size()) - 1;
    return {rows.data(), bounds.data(), starts.data(), count, n_rows, n_features, 0};
  }
  Polyhedra polyhedra() const { return {{rows.data(), n_rows, n_features}, bounds, starts}; }
};

Batch batch_of(std::vector<Body> all) {
  Batch batch;
  batch.n_features = all[0].n_features;
  for (const Body& body : all) {
    batch.rows.insert(batch.rows.end(), body.rows.begin(), body.rows.end());
    batch.bounds.insert(batch.bounds.end(), body.bounds.begin(), body.bounds.end());
    batch.starts.push_back(static_cast<std::int64_t>(batch.bounds.size()));
  }
  batch.n_rows = batch.starts.back();
  batch.all = std::move(all);
  return batch;
}

// Polyhedra with all kinds of answers.
Batch mixed(int n, unsigned count) {
  std::vector<Body> all;
  for (unsigned seed = 0; seed < count; ++seed) {
    Body body = bodies::cut_cube(n, static_cast<int>(seed % 4) * n, seed);
    if (seed % 5 == 1) body = bodies::random_rows(n, n + static_cast<int>(seed % 9), seed);
    if (seed % 5 == 2) body.add(std::vector<double>(std::size_t(n), 0.0), seed % 2 == 0 ? 1 : -1);
    if (seed % 7 == 3) body = bodies::cone(n, 3 * n, seed);
    if (seed % 11 == 4) body = Body{{}, {}, n, {0, 0}};
    all.push_back(body);
  }
  return batch_of(std::move(all));
}

// Polyhedra with the same rows.
Batch with_shared_rows(int n, unsigned count) {
  const Body body = bodies::cut_cube(n, 2 * n, 1);
  std::vector<Body> all;
  for (unsigned i = 0; i < count; ++i) {
    all.push_back(body);
    const std::vector<double> changes = tests::gaussian<double>(body.bounds.size(), i);
    for (std::size_t k = 0; k < changes.size(); ++k) {
      all[i].bounds[k] += 0.2 * changes[k] - (i % 5 == 1 ? 1.5 : 0.0);
    }
  }
  Batch batch = batch_of(std::move(all));
  batch.rows = body.rows;
  batch.n_rows = static_cast<std::int64_t>(body.bounds.size());
  return batch;
}

struct Asked {
  std::int64_t memory_limit = kPlenty;
  bool from_device = false;
  bool to_device = false;
  std::function<int()> interrupted = [] { return 0; };
};

// A copy on the device, or the host's own.
template <class T>
class Placed {
 public:
  Placed(T* host, std::size_t size, bool on_device) : host_(host), size_(size) {
    if (!on_device) return;
    buffer_.reserve(static_cast<std::int64_t>(size) + 1);
    cuda::check(cudaMemcpy(buffer_.data(), host, size * sizeof(T), cudaMemcpyHostToDevice), "");
  }
  T* data() const { return buffer_.data() == nullptr ? host_ : buffer_.data(); }
  void fetch() {
    if (buffer_.data() == nullptr) return;
    cuda::check(cudaMemcpy(host_, buffer_.data(), size_ * sizeof(T), cudaMemcpyDeviceToHost), "");
  }

 private:
  T* host_;
  std::size_t size_;
  cuda::Buffer<T> buffer_;
};

int solve(const HscPolyhedra& given, ChebyshevCenters& out, const Asked& asked) {
  const auto n = static_cast<std::size_t>(given.n_polyhedra);
  const auto n_features = static_cast<std::size_t>(given.n_features);
  const auto n_bounds = static_cast<std::size_t>(given.starts[given.n_polyhedra]);
  out.centers.assign(n * n_features, -7.0);
  out.radii.assign(n, -7.0);
  out.duals.assign(n_bounds, -7.0);
  out.gaps.assign(n, -7.0);
  out.rays.assign(n * n_features, -7.0);
  out.status.assign(n, Status::kUndecided);
  const bool there = asked.to_device;
  Placed centers(out.centers.data(), out.centers.size(), there);
  Placed radii(out.radii.data(), n, there);
  Placed duals(out.duals.data(), n_bounds, there);
  Placed gaps(out.gaps.data(), n, there);
  Placed rays(out.rays.data(), out.rays.size(), there);
  Placed status(reinterpret_cast<std::int8_t*>(out.status.data()), n, there);
  const std::size_t n_elements = static_cast<std::size_t>(given.n_rows) * n_features;
  const Placed rows(const_cast<double*>(given.rows), n_elements, asked.from_device);
  const Placed bounds(const_cast<double*>(given.bounds), n_bounds, asked.from_device);
  HscPolyhedra polyhedra = given;
  polyhedra.rows = rows.data();
  polyhedra.bounds = bounds.data();
  polyhedra.on_device = asked.from_device ? 1 : 0;
  const auto interrupted = [](void* data) {
    return static_cast<const Asked*>(data)->interrupted();
  };
  const HscCall call{0, nullptr, asked.memory_limit, interrupted, const_cast<Asked*>(&asked)};
  const HscCenters to{centers.data(), radii.data(), duals.data(),
                      gaps.data(),    rays.data(),  status.data()};
  const int code = cuda_calls().chebyshev_centers(&call, &polyhedra, &to);
  centers.fetch();
  radii.fetch();
  duals.fetch();
  gaps.fetch();
  rays.fetch();
  status.fetch();
  return code;
}
ChebyshevCenters solved(const Batch& batch, const Asked& asked = {}) {
  ChebyshevCenters out;
  const int code = solve(batch.given(), out, asked);
  CHECK_MESSAGE(code == HSC_OK, message());
  return out;
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}
bool same(const ChebyshevCenters& a, const ChebyshevCenters& b) {
  return same(a.centers, b.centers) && same(a.radii, b.radii) && same(a.duals, b.duals) &&
         same(a.gaps, b.gaps) && same(a.rays, b.rays) && a.status == b.status;
}

// As the core says, and proven.
ChebyshevCenters checked(const Batch& batch, const Asked& asked = {}) {
  ChebyshevCenters found = solved(batch, asked);
  bodies::check_equal(chebyshev_centers(batch.polyhedra(), {}), found);
  for (std::size_t i = 0; i < batch.all.size(); ++i) {
    bodies::check_proof(batch.all[i], found, i, std::size_t(batch.starts[i]));
  }
  return found;
}

std::int64_t held_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  cuda::check(cudaMemGetInfo(&free, &total), "");
  return static_cast<std::int64_t>(total - free);
}

}  // namespace

TEST_CASE("polyhedra with rows of their own") {
  for (const int n : {1, 2, 5, 9}) checked(mixed(n, 40));
  const ChebyshevCenters found = checked(mixed(4, 60));
  for (const Status status : {Status::kOptimal, Status::kEmpty, Status::kUnbounded}) {
    CHECK(std::count(found.status.begin(), found.status.end(), status) > 3);
  }
}

TEST_CASE("polyhedra that share rows") {
  const ChebyshevCenters found = checked(with_shared_rows(3, 40));
  CHECK(std::count(found.status.begin(), found.status.end(), Status::kEmpty) > 0);
  CHECK(std::count(found.status.begin(), found.status.end(), Status::kOptimal) > 0);
  // One polyhedron may be taken either way.
  checked(with_shared_rows(3, 1));
}

TEST_CASE("blocks of all sizes") {
  checked(mixed(20, 6));
  checked(batch_of({bodies::cut_cube(64, 137, 1)}));
  checked(batch_of({bodies::cut_cube(110, 30, 2)}));
  checked(batch_of({bodies::cut_cube(175, 10, 3)}));      // edges in the device's memory
  checked(batch_of({bodies::random_rows(2, 12000, 4)}));  // and vectors
}

TEST_CASE("degenerate polyhedra") {
  checked(batch_of({bodies::cone(12, 480, 1), bodies::nearly_equal_rows(12, 1e-11, 2)}));
  std::vector<Body> hard;
  for (unsigned seed = 0; seed < 30; ++seed) {
    hard.push_back(seed % 3 == 0 ? bodies::stretched_cube(30, 1e4, seed)
                                 : bodies::powers(30, 180, seed));
  }
  const Batch batch = batch_of(std::move(hard));
  bodies::check_equal(chebyshev_centers(batch.polyhedra(), {}), solved(batch));
}

TEST_CASE("everything may be on the device or the host") {
  for (const Batch& batch : {mixed(3, 30), with_shared_rows(3, 30)}) {
    const ChebyshevCenters found = checked(batch);
    for (const bool from_device : {false, true}) {
      for (const bool to_device : {false, true}) {
        CHECK(same(found, solved(batch, {kPlenty, from_device, to_device})));
      }
    }
  }
}

TEST_CASE("little memory takes pieces") {
  const std::int64_t before = held_memory();
  for (const Batch& batch : {mixed(4, 50), with_shared_rows(4, 50)}) {
    const ChebyshevCenters found = checked(batch);
    ChebyshevCenters out;
    CHECK(solve(batch.given(), out, {100}) == HSC_MEMORY);
    const std::string said = message();
    CHECK(said.find("memory_limit is 100 bytes, but one polyhedron takes ") == 0);
    const std::int64_t least = std::atoll(said.substr(said.rfind(' ')).c_str());
    CHECK(solve(batch.given(), out, {least - 1}) == HSC_MEMORY);
    for (const std::int64_t limit : {least, least + 1000, 2 * least, 4 * least}) {
      int n_pieces = 0;
      std::int64_t most = 0;
      const auto interrupted = [&] {
        ++n_pieces;
        most = std::max(most, held_memory() - before);
        return 0;
      };
      CHECK(same(found, solved(batch, {limit, false, false, interrupted})));
      CHECK(most <= limit);
      CHECK((limit > least ? n_pieces > 1 : n_pieces > 20));
    }
  }
  CHECK(held_memory() == before);
}

TEST_CASE("calls are interrupted between pieces") {
  const Batch batch = mixed(4, 50);
  ChebyshevCenters out;
  CHECK(solve(batch.given(), out, {kPlenty, true, true, [] { return 1; }}) == HSC_INTERRUPTED);
  CHECK(out.status[0] == Status::kUndecided);
  int n_pieces = 0;
  const Asked asked{20000, false, false, [&] { return ++n_pieces == 3 ? 1 : 0; }};
  CHECK(solve(batch.given(), out, asked) == HSC_INTERRUPTED);
  CHECK(n_pieces == 3);
  CHECK(out.status[0] != Status::kUndecided);
  CHECK(out.status.back() == Status::kUndecided);
}

TEST_CASE("misuse is named") {
  const Batch batch = mixed(3, 8);
  ChebyshevCenters out;
  HscPolyhedra given = batch.given();
  given.n_rows -= 1;
  CHECK(solve(given, out, {}) == HSC_ARGUMENT);
  const std::string n_bounds = std::to_string(batch.n_rows);
  CHECK(message() == "A must have one row for each of the " + n_bounds + " elements of b, got " +
                         std::to_string(batch.n_rows - 1));
  std::vector<std::int64_t> starts = batch.starts;
  std::swap(starts[1], starts[2]);
  given = batch.given();
  given.starts = starts.data();
  CHECK(solve(given, out, {}) == HSC_ARGUMENT);
  CHECK(message() == "starts must not descend");
  given = batch.given();
  given.n_features = 0;
  CHECK(solve(given, out, {}) == HSC_ARGUMENT);
  CHECK(message() == "A must have at least one column");
}

TEST_CASE("numbers that are none are misuse") {
  for (const Batch& batch : {mixed(3, 20), with_shared_rows(3, 20)}) {
    for (const bool from_device : {false, true}) {
      for (const std::int64_t limit : {std::int64_t{20000}, kPlenty}) {
        Batch bad = batch;
        ChebyshevCenters out;
        const Asked asked{limit, from_device};
        bad.bounds[40] = kNaN;
        bad.bounds.back() = kNaN;
        CHECK(solve(bad.given(), out, asked) == HSC_ARGUMENT);
        CHECK(message() == "b must be finite, got nan at element 40");
        // What is wrong with A comes first, wherever it is.
        const std::size_t last = bad.rows.size() - 1;
        bad.rows[last] = -std::numeric_limits<double>::infinity();
        CHECK(solve(bad.given(), out, asked) == HSC_ARGUMENT);
        CHECK(message() == "A must be finite, got -inf at element " + std::to_string(last));
        bad.rows[17] = kNaN;
        CHECK(solve(bad.given(), out, asked) == HSC_ARGUMENT);
        CHECK(message() == "A must be finite, got nan at element 17");
      }
    }
  }
}

TEST_CASE("no rows") {
  const Body none{{}, {}, 3, {0, 0}};
  for (const bool from_device : {false, true}) {
    const ChebyshevCenters found = checked(batch_of({none, none}), {kPlenty, from_device});
    CHECK(found.status[0] == Status::kUnbounded);
    CHECK(found.status[1] == Status::kUnbounded);
  }
}

TEST_CASE("no polyhedra") {
  Batch none = mixed(3, 1);
  none.starts = {0};
  none.n_rows = 0;
  CHECK(solved(none).status.empty());
}

TEST_CASE("answers do not depend on the order of threads") {
  const Batch batches[] = {mixed(5, 30), with_shared_rows(5, 20),
                           batch_of({bodies::cut_cube(41, 60, 1)})};
  for (const Batch& batch : batches) {
    const char* usual = std::getenv("HULLSPACE_EMULATED_ORDER");
    const std::string before = usual == nullptr ? "" : usual;
    std::vector<ChebyshevCenters> found;
    for (const char* order : {"forward", "backward", "shuffled:1", "shuffled:2"}) {
      setenv("HULLSPACE_EMULATED_ORDER", order, 1);
      found.push_back(solved(batch));
      CHECK(same(found.front(), found.back()));
    }
    setenv("HULLSPACE_EMULATED_ORDER", before.c_str(), 1);
  }
}
