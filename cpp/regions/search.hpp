// What the search for regions has in common for both kinds of cells.
#pragma once

#include <vector>

#include "hullspace/regions.hpp"
#include "regions/explorer.hpp"
#include "regions/network.hpp"

namespace hullspace {

// The domain in coordinates in which it has a size of about one: powers of two, so nothing is
// rounded.
struct Frame {
  std::ptrdiff_t n_dims = 0;         // of the domain
  std::vector<std::ptrdiff_t> dims;  // those that the search is in
  std::vector<double> scales;        // y = scale * coordinate
  std::vector<double> embedding;     // (dims + 1, n_inputs)
  std::vector<double> constraints;   // (n_constraints, dims + 1), at least zero inside
  std::ptrdiff_t n_constraints = 0;

  std::ptrdiff_t n_coefficients() const { return static_cast<std::ptrdiff_t>(dims.size()) + 1; }
};
Frame make_frame(const ReluNetwork::Stages& network, const RegionDomain& domain,
                 const std::vector<std::ptrdiff_t>& dims, const std::vector<double>& scales);

class RegionSearch::Impl {
 public:
  virtual ~Impl() = default;
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  RegionBatch run(std::int64_t max_regions, double seconds, const Context& context);
  virtual RegionShapes shapes(const MatrixView<std::uint8_t>& patterns, bool with_volumes,
                              const Context& context) = 0;
  virtual BoundaryPieces boundary(const MatrixView<std::uint8_t>& patterns,
                                  const Context& context) = 0;

  std::vector<RegionNode> open;
  std::int64_t next_id = 1;
  RegionProofStream root;

 protected:
  // Search below a node on one of the workers.
  using Deadline = std::chrono::steady_clock::time_point;
  void explore_all(std::int64_t most, Deadline deadline, const Context& context,
                   std::vector<Findings>& found, std::vector<char>& done);
  virtual Findings explore(int worker, const RegionNode& node, const Limits& limits) = 0;
  virtual void prepare_workers(int n_workers) = 0;
  virtual std::int64_t regions_per_task() const = 0;
  void open_root(RegionNode node);
  // Write points of the search as ones of the domain.
  void append_points(const std::vector<double>& points, std::size_t n_points,
                     std::vector<double>& out) const;
  std::vector<double> widened(const std::vector<double>& parts) const;

  Frame frame_;
  bool with_proof_ = false;

 private:
  void append(std::int64_t id, Findings&& found, RegionBatch& batch, std::vector<RegionNode>& left);
};

// Join what was made of some regions to what was made of those before.
template <class T>
void append_all(const std::vector<T>& more, std::vector<T>& out) {
  out.insert(out.end(), more.begin(), more.end());
}

inline void extend(std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& more) {
  const std::int64_t offset = starts.back();
  for (std::size_t i = 1; i < more.size(); ++i) starts.push_back(offset + more[i]);
}

inline void join(const RegionShapes& part, RegionShapes& out) {
  extend(out.vertex_starts, part.vertex_starts);
  extend(out.facet_starts, part.facet_starts);
  extend(out.facet_vertex_starts, part.facet_vertex_starts);
  append_all(part.vertices, out.vertices);
  append_all(part.facet_rows, out.facet_rows);
  append_all(part.facets, out.facets);
  append_all(part.facet_vertices, out.facet_vertices);
  append_all(part.labels, out.labels);
  append_all(part.volumes, out.volumes);
}

std::unique_ptr<RegionSearch::Impl> make_vertex_search(const ReluNetwork::Stages& network,
                                                       const RegionDomain& domain, bool with_proof);
std::unique_ptr<RegionSearch::Impl> make_program_search(const ReluNetwork::Stages& network,
                                                        const RegionDomain& domain,
                                                        bool with_proof);

}  // namespace hullspace
