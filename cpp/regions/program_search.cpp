// The search with linear programs.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <utility>

#include "hullspace/error.hpp"
#include "regions/program_cells.hpp"
#include "regions/search.hpp"

namespace hullspace {
namespace {

constexpr std::int64_t kRegionsPerTask = 512;

class ProgramSearch final : public RegionSearch::Impl {
 public:
  ProgramSearch(const ReluNetwork::Stages& network, const RegionDomain& domain, bool with_proof)
      : network_(network) {
    with_proof_ = with_proof;
    std::vector<std::ptrdiff_t> dims(static_cast<std::size_t>(domain.basis.cols));
    std::iota(dims.begin(), dims.end(), 0);
    frame_ = make_frame(network, domain, dims, std::vector<double>(dims.size(), 1.0));
    frame_ = make_frame(network, domain, dims, find_scales(domain));
    prepare_workers(1);
    if (!workers_[0]->start.has_interior()) throw ArgumentError("domain must have interior points");
    root.first_child = next_id;
    open_root(undecided(network.n_hidden));
  }

  BoundaryPieces boundary(const MatrixView<std::uint8_t>& patterns,
                          const Context& context) override {
    constexpr std::ptrdiff_t kBlock = 16;
    const std::ptrdiff_t n = patterns.rows;
    const std::ptrdiff_t n_blocks = (n + kBlock - 1) / kBlock;
    std::vector<BoundaryPieces> parts(static_cast<std::size_t>(n_blocks));
    std::atomic<std::ptrdiff_t> next{0};
    const int n_workers = worker_count(context, n_blocks);
    prepare_workers(n_workers);
    run_workers(context, n_workers, [&](int number, const StopFlag& stop) {
      for (std::ptrdiff_t block = next++; block < n_blocks && !stop; block = next++) {
        for (std::ptrdiff_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i) {
          add_boundary(*workers_[number], patterns.row(i), i, parts[block]);
        }
      }
    });
    BoundaryPieces out;
    for (const BoundaryPieces& part : parts) {
      out.regions.insert(out.regions.end(), part.regions.begin(), part.regions.end());
      out.classes.insert(out.classes.end(), part.classes.begin(), part.classes.end());
      out.facets.insert(out.facets.end(), part.facets.begin(), part.facets.end());
    }
    return out;
  }

 protected:
  Findings explore(int worker, const RegionNode& node, const Limits& limits) override {
    Worker& own = *workers_[worker];
    own.explorer.cells().forget(own.start);
    return own.explorer.explore(own.start, node, limits);
  }

  void prepare_workers(int n_workers) override {
    while (static_cast<int>(workers_.size()) < n_workers) {
      workers_.push_back(std::make_unique<Worker>(network_, frame_, with_proof_));
    }
  }

  std::int64_t regions_per_task() const override { return kRegionsPerTask; }

 private:
  struct Worker {
    Worker(const ReluNetwork::Stages& network, const Frame& frame, bool with_proof)
        : explorer(network, frame.embedding, frame.n_coefficients(), frame.constraints, with_proof),
          start(explorer.cells().make(frame.constraints)) {}

    Explorer<ProgramCells> explorer;
    ProgramCell start;
  };

  void add_boundary(Worker& worker, const std::uint8_t* pattern, std::int64_t region,
                    BoundaryPieces& out) const {
    RegionNode node = undecided(network_.n_hidden);
    std::fill(node.decided.begin(), node.decided.end(), 0xffU);
    std::copy_n(pattern, node.values.size(), node.values.begin());
    ProgramCells& cells = worker.explorer.cells();
    const Arena::Mark mark = cells.arena().mark();
    worker.explorer.maps().forget();
    cells.forget(worker.start);
    cells.add_boundary(worker.explorer.rebuild(worker.start, node), region, out);
    cells.arena().release(mark);
  }

  // Where the first stage's units bend, on a typical one of them.
  double typical_reach() const {
    PatternMaps maps(network_, frame_.embedding, frame_.n_coefficients());
    maps.compute(0);
    const std::ptrdiff_t n = frame_.n_coefficients() - 1;
    std::vector<double> reaches;
    std::vector<double> row(static_cast<std::size_t>(n) + 1);
    for (const std::ptrdiff_t unit : network_.stages[0].hidden) {
      maps.read(0, unit, row.data());
      double largest = 0.0;
      for (std::ptrdiff_t c = 0; c < n; ++c) largest = std::max(largest, std::abs(row[c]));
      const double reach = std::abs(row[n]) / largest;
      if (reach > 0.0 && std::isfinite(reach)) reaches.push_back(reach);
    }
    if (reaches.empty()) return 1.0;
    const auto middle = reaches.begin() + std::ssize(reaches) / 2;
    std::nth_element(reaches.begin(), middle, reaches.end());
    return *middle;
  }

  // Powers of two that the bounds of single features stay below, or that units bend at.
  std::vector<double> find_scales(const RegionDomain& domain) const {
    const double reach = typical_reach();
    std::vector<double> scales(static_cast<std::size_t>(domain.basis.cols), 0.0);
    for (std::ptrdiff_t j = 0; j < domain.rows.rows; ++j) {
      const double* row = domain.rows.row(j);
      std::ptrdiff_t feature = -1;
      bool single = true;
      for (std::ptrdiff_t c = 0; c < domain.rows.cols; ++c) {
        if (row[c] == 0.0) continue;
        single = single && feature < 0;
        feature = c;
      }
      if (feature < 0 || !single) continue;
      scales[feature] = std::max(scales[feature], std::abs(domain.bounds[j] / row[feature]));
    }
    for (double& scale : scales) {
      int exponent = 0;
      const bool usable = scale > 0.0 && std::isfinite(scale);
      std::frexp(usable ? scale : reach, &exponent);
      scale = std::ldexp(1.0, std::clamp(exponent, -1000, 1000));
    }
    return scales;
  }

  const ReluNetwork::Stages& network_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

std::unique_ptr<RegionSearch::Impl> make_program_search(const ReluNetwork::Stages& network,
                                                        const RegionDomain& domain,
                                                        bool with_proof) {
  return std::make_unique<ProgramSearch>(network, domain, with_proof);
}

}  // namespace hullspace
