// The search with cells that carry their vertices.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "hullspace/error.hpp"
#include "regions/search.hpp"
#include "regions/shapes.hpp"

namespace hullspace {
namespace {

constexpr std::int64_t kRegionsPerTask = 4096;
// Cells have too many vertices beyond.
constexpr std::ptrdiff_t kMostDims = 12;

// A cell that outlives the arena it was made in.
struct StoredCell {
  explicit StoredCell(const VertexCell& given, std::ptrdiff_t n_coefficients) : cell(given) {
    coordinates.assign(given.coordinates, given.coordinates + n_coefficients * given.stride);
    errors.assign(given.errors, given.errors + given.stride);
    sets.assign(given.sets, given.sets + given.n * given.words);
    refs.assign(given.refs, given.refs + 64 * given.words);
  }
  VertexCell view() {
    VertexCell out = cell;
    out.coordinates = coordinates.data();
    out.errors = errors.data();
    out.sets = sets.data();
    out.refs = refs.data();
    return out;
  }

  VertexCell cell;
  std::vector<double> coordinates;
  std::vector<double> errors;
  std::vector<std::uint64_t> sets;
  std::vector<std::int32_t> refs;
};

class VertexSearch final : public RegionSearch::Impl {
 public:
  VertexSearch(const ReluNetwork::Stages& network, const RegionDomain& domain, bool with_proof)
      : network_(network) {
    with_proof_ = with_proof;
    while (first_ + 1 < network.size() && network.stages[first_].hidden.empty()) ++first_;
    const std::ptrdiff_t n_dims = domain.basis.cols;
    if (n_dims > kMostDims) throw ArgumentError("the method of vertices takes at most 12 features");
    std::vector<std::ptrdiff_t> dims(static_cast<std::size_t>(n_dims));
    std::iota(dims.begin(), dims.end(), 0);
    set_frame(domain, dims, std::vector<double>(dims.size(), 1.0));
    const std::size_t n_all = dims.size();
    dims = choose_cone();
    if (dims.size() < n_all) {
      set_frame(domain, dims, std::vector<double>(dims.size(), 1.0));
      choose_cone();
    }
    make_roots(false);
    set_frame(domain, dims, find_scales());
    make_roots(true);
  }

  RegionShapes shapes(const MatrixView<std::uint8_t>& patterns, bool with_volumes,
                      const Context& context) override {
    RegionShapes out;
    const auto write = [&](const ShapeWriter& writer, const VertexCell& cell, std::ptrdiff_t,
                           RegionShapes& part) { writer.add(cell, with_volumes, part); };
    for (const auto& part : describe<RegionShapes>(patterns, context, write)) join(part, out);
    return out;
  }

  BoundaryPieces boundary(const MatrixView<std::uint8_t>& patterns,
                          const Context& context) override {
    BoundaryPieces out;
    const auto write = [](const ShapeWriter& writer, const VertexCell& cell, std::ptrdiff_t i,
                          BoundaryPieces& part) { writer.add_boundary(cell, i, part); };
    for (const auto& part : describe<BoundaryPieces>(patterns, context, write)) {
      extend(out.vertex_starts, part.vertex_starts);
      append_all(part.vertices, out.vertices);
      append_all(part.regions, out.regions);
      append_all(part.classes, out.classes);
      append_all(part.facets, out.facets);
    }
    return out;
  }

 protected:
  using Worker = Explorer<VertexCells>;

  Findings explore(int worker, const RegionNode& node, const Limits& limits) override {
    return workers_[worker]->explore(start_of(node), node, limits);
  }
  void prepare_workers(int n_workers) override {
    while (static_cast<int>(workers_.size()) < n_workers) workers_.push_back(make_worker());
  }
  std::int64_t regions_per_task() const override { return kRegionsPerTask; }

 private:
  std::unique_ptr<Worker> make_worker() const {
    return std::make_unique<Worker>(network_, frame_.embedding, frame_.n_coefficients(),
                                    frame_.constraints, with_proof_);
  }

  void set_frame(const RegionDomain& domain, const std::vector<std::ptrdiff_t>& dims,
                 const std::vector<double>& scales) {
    frame_ = make_frame(network_, domain, dims, scales);
    workers_.clear();
    prepare_workers(1);
    for (std::ptrdiff_t k = 0; k <= first_; ++k) {
      workers_[0]->maps().compute(k);
      if (k < first_) workers_[0]->maps().activate(k, workers_[0]->sides());
    }
  }

  // Choose as many independent hyperplanes as there are dimensions, the domain's first. Returns the
  // dimensions that are left if there are no more: nothing changes along the others.
  std::vector<std::ptrdiff_t> choose_cone() {
    const std::ptrdiff_t n = frame_.n_coefficients() - 1;
    std::vector<ExactRow> rows;
    std::vector<std::int32_t> refs;
    ExactGeometry& exact = workers_[0]->cells().exact();
    const auto add = [&](std::int32_t ref) {
      const ExactRow* row = exact.row(ref);
      if (row == nullptr) return;
      rows.push_back(*row);
      refs.push_back(ref);
    };
    for (std::ptrdiff_t j = 0; j < frame_.n_constraints; ++j) add(constraint_ref(j));
    std::vector<std::ptrdiff_t> chosen = independent_rows(rows, n);
    if (static_cast<std::ptrdiff_t>(chosen.size()) < n) {
      const NetworkStage& stage = network_.stages[first_];
      for (std::size_t i = 0; i < stage.hidden.size(); ++i) {
        add(static_cast<std::int32_t>(stage.first_hidden) + static_cast<std::int32_t>(i));
      }
      chosen = independent_rows(rows, n);
      require_rank(rows, chosen.size());
    }
    cone_.clear();
    for (const std::ptrdiff_t i : chosen) cone_.push_back(refs[i]);
    std::vector<ExactRow> columns(static_cast<std::size_t>(n));
    for (std::ptrdiff_t c = 0; c < n; ++c) {
      for (const std::ptrdiff_t i : chosen) columns[c].push_back(rows[i][c]);
    }
    const std::vector<std::ptrdiff_t> kept =
        independent_rows(columns, static_cast<std::ptrdiff_t>(chosen.size()));
    std::vector<std::ptrdiff_t> dims;
    dims.reserve(kept.size());
    for (const std::ptrdiff_t c : kept) dims.push_back(frame_.dims[c]);
    return dims;
  }

  // Nothing else may depend on directions that no hyperplane of the cone does.
  void require_rank(std::vector<ExactRow> rows, std::size_t rank) {
    const std::ptrdiff_t n = frame_.n_coefficients() - 1;
    for (std::ptrdiff_t k = 0; k <= first_; ++k) {
      for (std::ptrdiff_t unit = 0; unit < network_.stages[k].n_units; ++unit) {
        const ExactRow* row = workers_[0]->cells().exact().unit_row(k, unit);
        if (row != nullptr) rows.push_back(*row);
      }
    }
    bool enough = independent_rows(rows, n).size() == rank;
    for (std::ptrdiff_t k = first_ + 1; k < network_.size() && rank < static_cast<std::size_t>(n);
         ++k) {
      for (const NetworkTerm& term : network_.stages[k].terms) {
        enough = enough && term.source != 0;
      }
    }
    if (enough) return;
    throw ArgumentError(
        "domain must be bounded for the method of vertices, as the network depends on more than "
        "its "
        "first hidden units do");
  }

  // The parts of the domain on either side of the units that the cone is made of.
  void make_roots(bool final) {
    roots_.clear();
    root_nodes_.clear();
    open.clear();
    next_id = 1;
    root = RegionProofStream();
    root.first_child = next_id;
    std::vector<bool> positive(cone_.size(), true);
    RegionNode node = undecided(network_.n_hidden);
    add_roots(0, positive, node, final);
    if (open.empty()) throw ArgumentError("domain must have interior points");
  }

  void add_roots(std::size_t i, std::vector<bool>& positive, RegionNode& node, bool final) {
    while (i < cone_.size() && cone_[i] < 0) ++i;
    if (i == cone_.size()) {
      add_root(positive, node, final);
      return;
    }
    if (with_proof_) root.tokens.push_back(cone_[i]);
    set_bit(node.decided.data(), cone_[i], true);
    for (const bool side : {true, false}) {
      positive[i] = side;
      set_bit(workers_[0]->sides(), cone_[i], side);
      set_bit(node.values.data(), cone_[i], side);
      add_roots(i + 1, positive, node, final);
    }
    set_bit(node.decided.data(), cone_[i], false);
  }

  void add_root(const std::vector<bool>& positive, const RegionNode& node, bool final) {
    VertexCells& cells = workers_[0]->cells();
    const Arena::Mark mark = cells.arena().mark();
    VertexCell cell;
    if (!cells.make_cone(cone_, positive, cell)) {
      throw ArgumentError("domain must have numbers of a size that doubles can hold");
    }
    for (std::ptrdiff_t j = 0; j < frame_.n_constraints; ++j) {
      if (std::find(cone_.begin(), cone_.end(), constraint_ref(j)) != cone_.end()) continue;
      const Side side = cells.test_constraint(cell, j);
      if (side == Side::kNegative) {
        if (with_proof_) prune_root(cell);
        cells.arena().release(mark);
        return;
      }
      if (side == Side::kCut) cell = cells.split(cell).first;
    }
    if (final) cells.refresh(cell);
    roots_.emplace_back(cell, frame_.n_coefficients());
    root_nodes_.push_back(node);
    open_root(node);
    cells.arena().release(mark);
  }

  void prune_root(const VertexCell& cell) {
    std::vector<std::int32_t> rows;
    std::vector<double> multipliers;
    workers_[0]->cells().certify(cell, false, rows, multipliers);
    append_pruned(rows, multipliers, root);
  }

  // Powers of two that all vertices stay below.
  std::vector<double> find_scales() {
    const std::ptrdiff_t n = frame_.n_coefficients();
    std::vector<double> scales(static_cast<std::size_t>(n) - 1, 0.0);
    for (StoredCell& stored : roots_) {
      const VertexCell cell = stored.view();
      for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
        const double last = cell.coordinates[(n - 1) * cell.stride + v];
        if (!(last > 0.0)) continue;
        for (std::ptrdiff_t c = 0; c + 1 < n; ++c) {
          scales[c] = std::max(scales[c], std::abs(cell.coordinates[c * cell.stride + v] / last));
        }
      }
    }
    for (double& scale : scales) {
      if (!(scale > 0.0) || !std::isfinite(scale)) {
        scale = 1.0;
        continue;
      }
      int exponent = 0;
      std::frexp(scale, &exponent);
      scale = std::ldexp(1.0, std::clamp(exponent, -1000, 1000));
    }
    return scales;
  }

  // The part of the domain that a node is in.
  VertexCell start_of(const RegionNode& node) {
    for (std::size_t i = 0; i < roots_.size(); ++i) {
      const std::uint8_t* values = root_nodes_[i].values.data();
      const bool same = std::all_of(cone_.begin(), cone_.end(), [&](std::int32_t ref) {
        return ref < 0 || get_bit(values, ref) == get_bit(node.values.data(), ref);
      });
      if (same) return roots_[i].view();
    }
    throw ArgumentError("no part of the domain has this pattern");
  }

  // What `write(writer, cell, i, part)` makes of the regions with these patterns, block by block.
  template <class Part, class Write>
  std::vector<Part> describe(const MatrixView<std::uint8_t>& patterns, const Context& context,
                             const Write& write) {
    constexpr std::ptrdiff_t kBlock = 64;
    const std::ptrdiff_t n = patterns.rows;
    const std::ptrdiff_t n_blocks = (n + kBlock - 1) / kBlock;
    std::vector<Part> parts(static_cast<std::size_t>(n_blocks));
    std::atomic<std::ptrdiff_t> next{0};
    const int n_workers = worker_count(context, n_blocks);
    prepare_workers(n_workers);
    run_workers(context, n_workers, [&](int number, const StopFlag& stop) {
      Worker& worker = *workers_[number];
      const ShapeWriter writer(network_, worker, frame_.dims, frame_.scales, frame_.n_dims);
      RegionNode node = undecided(network_.n_hidden);
      std::fill(node.decided.begin(), node.decided.end(), 0xffU);
      for (std::ptrdiff_t block = next++; block < n_blocks && !stop; block = next++) {
        worker.maps().forget();
        for (std::ptrdiff_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i) {
          std::copy_n(patterns.row(i), node.values.size(), node.values.begin());
          const Arena::Mark mark = worker.cells().arena().mark();
          write(writer, worker.rebuild(start_of(node), node), i, parts[block]);
          worker.cells().arena().release(mark);
        }
      }
    });
    return parts;
  }

  const ReluNetwork::Stages& network_;
  std::ptrdiff_t first_ = 0;  // stage with hidden units
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::int32_t> cone_;  // hyperplanes that the domain is cut out from
  std::vector<StoredCell> roots_;
  std::vector<RegionNode> root_nodes_;
};

}  // namespace

std::unique_ptr<RegionSearch::Impl> make_vertex_search(const ReluNetwork::Stages& network,
                                                       const RegionDomain& domain,
                                                       bool with_proof) {
  return std::make_unique<VertexSearch>(network, domain, with_proof);
}

}  // namespace hullspace
