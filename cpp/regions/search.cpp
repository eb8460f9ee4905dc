#include "regions/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "hullspace/error.hpp"

namespace hullspace {
namespace {

// Branches that are searched side by side; not the number of threads, on which nothing may depend.
constexpr std::size_t kTasks = 64;
// Regions of a task: at least so many, and this part of all that were found.
constexpr std::int64_t kFewest = 1024;
constexpr std::int64_t kShare = 16;

std::chrono::steady_clock::time_point after(double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr double kYears = 1e9;
  const double wait = std::isfinite(seconds) ? std::min(seconds, kYears) : kYears;
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(wait));
}

}  // namespace

Frame make_frame(const ReluNetwork::Stages& network, const RegionDomain& domain,
                 const std::vector<std::ptrdiff_t>& dims, const std::vector<double>& scales) {
  Frame frame;
  frame.n_dims = domain.basis.cols;
  frame.dims = dims;
  frame.scales = scales;
  frame.n_constraints = domain.rows.rows;
  for (std::size_t c = 0; c < dims.size(); ++c) {
    for (std::ptrdiff_t i = 0; i < network.n_inputs; ++i) {
      frame.embedding.push_back(domain.basis.row(i)[dims[c]] * scales[c]);
    }
  }
  frame.embedding.insert(frame.embedding.end(), domain.origin.begin(), domain.origin.end());
  for (std::ptrdiff_t j = 0; j < domain.rows.rows; ++j) {
    for (std::size_t c = 0; c < dims.size(); ++c) {
      frame.constraints.push_back(-domain.rows.row(j)[dims[c]] * scales[c]);
    }
    frame.constraints.push_back(domain.bounds[j]);
  }
  return frame;
}

// Search below the first open branches, at most so many regions below each, on all threads.
void RegionSearch::Impl::explore_all(std::int64_t most, Deadline deadline, const Context& context,
                                     std::vector<Findings>& found, std::vector<char>& done) {
  const std::size_t n_tasks = found.size();
  const int n_workers = worker_count(context, static_cast<std::ptrdiff_t>(n_tasks));
  prepare_workers(n_workers);
  std::atomic<std::size_t> next{0};
  run_workers(context, n_workers, [&](int worker, const StopFlag& stop) {
    const Limits limits{most, deadline, &stop};
    for (std::size_t i = next.fetch_add(1); i < n_tasks && !stop; i = next.fetch_add(1)) {
      found[i] = explore(worker, open[i], limits);
      done[i] = 1;
      if (std::chrono::steady_clock::now() >= deadline) break;
    }
  });
}

// Tasks are taken in order, so those that were begun are the first; what they leave open comes
// before the rest, and the number of open branches stays small.
RegionBatch RegionSearch::Impl::run(std::int64_t max_regions, double seconds,
                                    const Context& context) {
  RegionBatch batch;
  const auto deadline = after(seconds);
  const std::int64_t& n_found = batch.n_regions;
  while (!open.empty() && n_found < max_regions && !batch.interrupted &&
         std::chrono::steady_clock::now() < deadline) {
    // Small at first, so that there soon are branches for all threads.
    const std::int64_t size = std::min(std::max(n_found / kShare, kFewest), regions_per_task());
    const std::size_t n_tasks = std::min(open.size(), kTasks);
    std::vector<Findings> found(n_tasks);
    std::vector<char> done(n_tasks, 0);
    try {
      explore_all(std::min(size, max_regions - n_found), deadline, context, found, done);
    } catch (const Interrupted&) {
      batch.interrupted = true;
    }
    std::vector<RegionNode> left;
    std::size_t n_done = 0;
    for (; n_done < n_tasks && done[n_done] != 0 && n_found < max_regions; ++n_done) {
      if (n_found + found[n_done].n_regions > max_regions) {
        const StopFlag never{false};
        found[n_done] = explore(0, open[n_done], {max_regions - n_found, after(1e9), &never});
      }
      append(open[n_done].id, std::move(found[n_done]), batch, left);
    }
    left.insert(left.end(),
                std::make_move_iterator(open.begin() + static_cast<std::ptrdiff_t>(n_done)),
                std::make_move_iterator(open.end()));
    open = std::move(left);
  }
  return batch;
}

void RegionSearch::Impl::open_root(RegionNode node) {
  node.id = next_id++;
  open.push_back(std::move(node));
  if (with_proof_) root.tokens.push_back(-3);
}

void RegionSearch::Impl::append_points(const std::vector<double>& points, std::size_t n_points,
                                       std::vector<double>& out) const {
  const std::size_t n = frame_.dims.size();
  const std::size_t first = out.size();
  const auto width = static_cast<std::size_t>(frame_.n_dims);
  out.resize(first + n_points * width, 0.0);
  for (std::size_t i = 0; i < n_points; ++i) {
    for (std::size_t c = 0; c < n; ++c) {
      out[first + i * width + static_cast<std::size_t>(frame_.dims[c])] =
          points[i * n + c] * frame_.scales[c];
    }
  }
}

// The same of a point in parts, with homogeneous coordinates.
std::vector<double> RegionSearch::Impl::widened(const std::vector<double>& parts) const {
  const std::size_t n = frame_.dims.size();
  const std::size_t n_parts = parts.size() / (n + 1);
  std::vector<double> out((static_cast<std::size_t>(frame_.n_dims) + 1) * n_parts, 0.0);
  for (std::size_t c = 0; c <= n; ++c) {
    const auto place = static_cast<std::size_t>(c < n ? frame_.dims[c] : frame_.n_dims);
    const double scale = c < n ? frame_.scales[c] : 1.0;
    for (std::size_t k = 0; k < n_parts; ++k) {
      out[place * n_parts + k] = scale * parts[c * n_parts + k];
    }
  }
  return out;
}

void RegionSearch::Impl::append(std::int64_t id, Findings&& found, RegionBatch& batch,
                                std::vector<RegionNode>& left) {
  for (const RegionPoint& fine : found.fine_points) {
    batch.fine_points.push_back({batch.n_regions + fine.region, widened(fine.parts)});
  }
  batch.n_regions += found.n_regions;
  batch.patterns.insert(batch.patterns.end(), found.patterns.begin(), found.patterns.end());
  append_points(found.points, static_cast<std::size_t>(found.n_regions), batch.points);
  for (RegionDoubt& doubt : found.doubts) {
    std::vector<double> place;
    append_points(doubt.place, 1, place);
    doubt.place = std::move(place);
    batch.doubts.push_back(std::move(doubt));
  }
  found.proof.id = id;
  found.proof.first_child = next_id;
  for (RegionNode& node : found.open) {
    node.id = next_id++;
    left.push_back(std::move(node));
  }
  if (with_proof_) batch.streams.push_back(std::move(found.proof));
}

RegionSearch::RegionSearch(const ReluNetwork& network, const RegionDomain& domain,
                           RegionMethod method, bool with_proof) {
  const ReluNetwork::Stages& stages = network.stages();
  if (domain.basis.rows != stages.n_inputs || domain.rows.cols != domain.basis.cols) {
    throw ArgumentError("the domain must have as many features as the network has inputs");
  }
  if (std::ssize(domain.origin) != stages.n_inputs ||
      std::ssize(domain.bounds) != domain.rows.rows) {
    throw ArgumentError("the domain's origin and bounds must fit its basis and rows");
  }
  impl_ = method == RegionMethod::kVertices ? make_vertex_search(stages, domain, with_proof)
                                            : make_program_search(stages, domain, with_proof);
}

RegionSearch::~RegionSearch() = default;

RegionBatch RegionSearch::run(std::int64_t max_regions, double seconds, const Context& context) {
  return impl_->run(max_regions, seconds, context);
}
const std::vector<RegionNode>& RegionSearch::open() const { return impl_->open; }
void RegionSearch::set_open(std::vector<RegionNode> nodes, std::int64_t next_id) {
  impl_->open = std::move(nodes);
  impl_->next_id = next_id;
}
std::int64_t RegionSearch::next_id() const { return impl_->next_id; }
const RegionProofStream& RegionSearch::root() const { return impl_->root; }
RegionShapes RegionSearch::shapes(const MatrixView<std::uint8_t>& patterns, bool with_volumes,
                                  const Context& context) {
  return impl_->shapes(patterns, with_volumes, context);
}
BoundaryPieces RegionSearch::boundary(const MatrixView<std::uint8_t>& patterns,
                                      const Context& context) {
  return impl_->boundary(patterns, context);
}

}  // namespace hullspace
