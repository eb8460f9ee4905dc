// Linear regions of piecewise affine networks, by splitting a domain along the units' hyperplanes,
// stage by stage and depth first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "hullspace/context.hpp"
#include "hullspace/view.hpp"

namespace hullspace {

// Linear operators between flattened arrays.
struct DenseData {
  MatrixView<double> matrix;  // (n_out, n_in)
};
struct SparseData {  // compressed rows
  std::ptrdiff_t n_in = 0;
  std::span<const double> values;
  std::span<const std::int32_t> columns;
  std::span<const std::int64_t> row_starts;  // n_out + 1
};
struct ConvolutionData {
  // (channels_out, channels_in / groups, kernel height, kernel width)
  std::span<const double> weight;
  std::array<std::ptrdiff_t, 4> shape{};
  std::array<std::ptrdiff_t, 3> input{};  // channels, height, width
  std::array<std::ptrdiff_t, 2> stride{1, 1};
  std::array<std::ptrdiff_t, 4> padding{};  // top, left, bottom, right
  std::array<std::ptrdiff_t, 2> dilation{1, 1};
  std::ptrdiff_t groups = 1;
};
struct TermData {
  std::ptrdiff_t source = 0;  // 0 for the input, k for the output of stage k - 1
  std::variant<DenseData, SparseData, ConvolutionData> operation;
};
// Units whose inputs a are the sum of the terms and the bias, and whose outputs are
// max(a, 0) + slope * min(a, 0); those of slope 1 are linear and count as none.
struct StageData {
  std::vector<TermData> terms;
  std::span<const double> bias;
  std::span<const double> slopes;

  std::ptrdiff_t n_units() const { return std::ssize(bias); }
};

// Stages in order of evaluation. The units of the last one are the outputs, all linear. Throws
// ArgumentError if the stages do not fit together.
class ReluNetwork {
 public:
  ReluNetwork(std::ptrdiff_t n_inputs, const std::vector<StageData>& stages);
  ~ReluNetwork();
  ReluNetwork(const ReluNetwork&) = delete;
  ReluNetwork& operator=(const ReluNetwork&) = delete;

  struct Stages;
  const Stages& stages() const { return *stages_; }
  std::ptrdiff_t n_hidden() const;  // units that are not linear

 private:
  std::unique_ptr<const Stages> stages_;
};

enum class RegionMethod : std::int8_t {
  kVertices = 0,  // a cell carries its vertices, and tests are exact
  kPrograms = 1,  // tests are linear programs
};

// Where regions are looked for: x = origin + basis y, a_j . y <= b_j.
struct RegionDomain {
  MatrixView<double> basis;        // (n_inputs, n_dims)
  std::span<const double> origin;  // (n_inputs)
  MatrixView<double> rows;         // (n_constraints, n_dims)
  std::span<const double> bounds;
};

// A proof that nothing was left out, one tree of branches in preorder: a token u >= 0 branches on
// hidden unit u, its positive side first; -1 is a region, -2 a branch without interior points, for
// which multipliers of its constraints follow, -3 an open branch.
struct RegionProofStream {
  std::int64_t id = 0;           // of the branch that it is about
  std::int64_t first_child = 0;  // id of the first branch that it leaves open
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> rows;  // hidden units, then the domain's constraints
  std::vector<double> multipliers;
};

// An open branch: the hidden units that are decided, and how.
struct RegionNode {
  std::int64_t id = 0;
  std::vector<std::uint8_t> decided;  // bits, lowest first
  std::vector<std::uint8_t> values;
};

// Cells that rounding cannot decide: with what is decided in `node`, whether hidden unit `unit`
// cuts off any interior points near `place`.
struct RegionDoubt {
  RegionNode node;
  std::int32_t unit = 0;
  bool side = false;
  std::vector<double> place;       // (n_dims)
  std::vector<std::int32_t> rows;  // multipliers that would prove the branch empty
  std::vector<double> multipliers;
};

// A point inside a region that is too thin for doubles: (n_dims + 1, n_parts) numbers, homogeneous
// coordinates (t y, t) each of which is the sum of its parts.
struct RegionPoint {
  std::int64_t region = 0;  // which of the batch
  std::vector<double> parts;
};

struct RegionBatch {
  std::int64_t n_regions = 0;
  std::vector<std::uint8_t> patterns;    // (n, ceil(n_hidden / 8)), lowest bit first
  std::vector<double> points;            // (n, n_dims), inside
  std::vector<RegionPoint> fine_points;  // where those are not
  std::vector<RegionDoubt> doubts;
  // With proofs: what became of each branch that was open, in order, as far as they were searched.
  // What they leave open comes before the branches that are left.
  std::vector<RegionProofStream> streams;
  bool interrupted = false;
};

// What regions look like. Ranges of one region after the other, as the starts say.
struct RegionShapes {
  std::vector<double> vertices;  // (n_vertices, n_dims + 1): (y, 1), or (direction, 0)
  std::vector<std::int64_t> vertex_starts{0};
  std::vector<std::int32_t> facets;  // hidden units, then the domain's constraints
  std::vector<double> facet_rows;    // (n_facets, n_dims + 1): row . y <= bound
  std::vector<std::int64_t> facet_starts{0};
  std::vector<std::int32_t> facet_vertices;  // of each facet, counted within the region
  std::vector<std::int64_t> facet_vertex_starts{0};
  std::vector<std::int32_t> labels;  // class of the largest output, -1 if several share the region
  std::vector<double> volumes;       // infinity if unbounded; empty unless asked for
};

// Pieces of the decision boundary, where two outputs are equal and no other is larger. Outputs that
// are equal all over a region count as one there, the first. Inside a region a piece has the
// classes that are ahead on either side. Along a facet of a region it has the class that is ahead
// there, which need not be the lower one, and the first other one that ties; what is beyond the
// facet is not looked at.
struct BoundaryPieces {
  std::vector<double> vertices;  // (n_vertices, n_dims + 1), as above
  std::vector<std::int64_t> vertex_starts{0};
  std::vector<std::int64_t> regions;  // which of the given ones
  std::vector<std::int32_t> classes;  // (n_pieces, 2)
  std::vector<std::int32_t> facets;   // numbered as in `RegionShapes`; -1 inside a region
};

// A search for all regions that goes on where it ended.
class RegionSearch {
 public:
  // The network must outlive the search; the domain is copied. Throws ArgumentError if the domain
  // has no interior points or the shapes do not belong together.
  RegionSearch(const ReluNetwork& network, const RegionDomain& domain, RegionMethod method,
               bool with_proof);
  ~RegionSearch();
  RegionSearch(const RegionSearch&) = delete;
  RegionSearch& operator=(const RegionSearch&) = delete;

  // Find at most so many more regions, within about so many seconds; what is found does not depend
  // on the number of threads, and only how much of it on the time.
  RegionBatch run(std::int64_t max_regions, double seconds, const Context& context);
  // Branches that are still open; none if the search is complete.
  const std::vector<RegionNode>& open() const;
  // Go on with these; new ones are numbered from there on.
  void set_open(std::vector<RegionNode> nodes, std::int64_t next_id);
  std::int64_t next_id() const;
  // With a proof: the tree above the branches that are open at first.
  const RegionProofStream& root() const;

  // Of regions with these patterns; without vertices and volumes for the method of programs.
  RegionShapes shapes(const MatrixView<std::uint8_t>& patterns, bool with_volumes,
                      const Context& context);
  // Likewise.
  BoundaryPieces boundary(const MatrixView<std::uint8_t>& patterns, const Context& context);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hullspace
