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

  // Without vertices and volumes.
  RegionShapes shapes(const MatrixView<std::uint8_t>& patterns, bool /*with_volumes*/,
                      const Context& context) override {
    RegionShapes out;
    const auto write = [&](ProgramCells& cells, const ProgramCell& cell, std::ptrdiff_t,
                           RegionShapes& part) { add_shape(cells, cell, part); };
    for (const auto& part : describe<RegionShapes>(patterns, context, write)) join(part, out);
    return out;
  }

  BoundaryPieces boundary(const MatrixView<std::uint8_t>& patterns,
                          const Context& context) override {
    BoundaryPieces out;
    const auto write = [](ProgramCells& cells, const ProgramCell& cell, std::ptrdiff_t i,
                          BoundaryPieces& part) { cells.add_boundary(cell, i, part); };
    for (const auto& part : describe<BoundaryPieces>(patterns, context, write)) {
      append_all(part.regions, out.regions);
      append_all(part.classes, out.classes);
      append_all(part.facets, out.facets);
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

  // What `write(cells, cell, i, part)` makes of the regions with these patterns, block by block.
  template <class Part, class Write>
  std::vector<Part> describe(const MatrixView<std::uint8_t>& patterns, const Context& context,
                             const Write& write) {
    constexpr std::ptrdiff_t kBlock = 16;
    const std::ptrdiff_t n = patterns.rows;
    const std::ptrdiff_t n_blocks = (n + kBlock - 1) / kBlock;
    std::vector<Part> parts(static_cast<std::size_t>(n_blocks));
    std::atomic<std::ptrdiff_t> next{0};
    const int n_workers = worker_count(context, n_blocks);
    prepare_workers(n_workers);
    run_workers(context, n_workers, [&](int number, const StopFlag& stop) {
      Worker& worker = *workers_[number];
      ProgramCells& cells = worker.explorer.cells();
      RegionNode node = undecided(network_.n_hidden);
      std::fill(node.decided.begin(), node.decided.end(), 0xffU);
      for (std::ptrdiff_t block = next++; block < n_blocks && !stop; block = next++) {
        worker.explorer.maps().forget();
        cells.forget(worker.start);
        for (std::ptrdiff_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i) {
          std::copy_n(patterns.row(i), node.values.size(), node.values.begin());
          const Arena::Mark mark = cells.arena().mark();
          write(cells, worker.explorer.rebuild(worker.start, node), i, parts[block]);
          cells.arena().release(mark);
        }
      }
    });
    return parts;
  }

  void add_shape(ProgramCells& cells, const ProgramCell& cell, RegionShapes& out) const {
    const auto n = static_cast<std::ptrdiff_t>(frame_.scales.size());
    for (const std::ptrdiff_t i : cells.facets(cell)) {
      out.facets.push_back(row_number(cell.refs[i], network_.n_hidden));
      for (std::ptrdiff_t c = 0; c < n; ++c) {
        out.facet_rows.push_back(cell.rows[i * n + c] / frame_.scales[c]);
      }
      out.facet_rows.push_back(cell.bounds[i]);
      out.facet_vertex_starts.push_back(0);
    }
    out.facet_starts.push_back(static_cast<std::int64_t>(out.facets.size()));
    out.vertex_starts.push_back(0);
    out.labels.push_back(cells.label(cell));
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
