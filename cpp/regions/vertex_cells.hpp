// Cells that carry their vertices, and for each vertex the hyperplanes through it.
//
// A vertex is a ray of the cone over the cell: homogeneous coordinates (y, t), with t = 0 for a
// direction of an unbounded cell. A hyperplane cuts a cell if vertices lie on both sides. The new
// vertices are where it meets edges, and two vertices share an edge if the hyperplanes through both
// leave nothing but a line (Fukuda and Prodon, "Double description method revisited", 1996). Signs
// are certain: where the bound on rounding leaves doubt, exact arithmetic decides. So the vertices'
// incidences are right even where their coordinates are only nearly so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/kernels.hpp"
#include "hullspace/regions.hpp"
#include "regions/arena.hpp"
#include "regions/exact.hpp"
#include "regions/exact_cone.hpp"
#include "regions/float_proof.hpp"
#include "regions/pattern_maps.hpp"

namespace hullspace {

enum class Side : std::int8_t { kZero, kPositive, kNegative, kCut };
enum class Screened : std::int8_t { kPositive, kNegative, kCut, kOpen };

struct VertexCell {
  std::ptrdiff_t n = 0;           // vertices
  std::ptrdiff_t stride = 0;      // n padded
  std::ptrdiff_t words = 1;       // of a vertex's set of hyperplanes
  double* coordinates = nullptr;  // (n_coefficients, stride), at most one in size
  double* errors = nullptr;       // (stride) of each coordinate
  std::uint64_t* sets = nullptr;  // (n, words): the hyperplanes through each vertex
  std::int32_t* refs = nullptr;   // (64 * words): what they are
  bool simple = false;            // no vertex lies on more hyperplanes than it takes
};

class VertexCells {
 public:
  using Cell = VertexCell;
  static constexpr int kStepsPerLook = 256;  // at the clock

  VertexCells(const ReluNetwork::Stages& network, PatternMaps& maps, const std::uint64_t* sides,
              const std::vector<double>& constraints);

  // The cone in which as many independent hyperplanes as dimensions meet, on the given sides.
  // False if they are not independent.
  bool make_cone(const std::vector<std::int32_t>& refs, const std::vector<bool>& positive,
                 Cell& cell);
  // Compute all coordinates anew, rounded once.
  void refresh(Cell& cell);

  // On which side of a hyperplane the cell lies; remembers the vertices' sides for `split`.
  Side test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit, std::int32_t ref);
  Side test_constraint(const Cell& cell, std::ptrdiff_t j);
  // The same for one output of the network less another; the last stage must be computed.
  Side test_pair(const Cell& cell, std::ptrdiff_t a, std::ptrdiff_t b);
  // Vertices on the hyperplane that was tested last, ascending.
  const std::vector<std::int32_t>& zeros() const { return zero_; }
  // Both sides of the hyperplane that was tested last and cuts the cell.
  std::pair<Cell, Cell> split(const Cell& cell);
  // For every unit of a stage: whether it certainly cuts the cell, lies certainly on a side, or has
  // to be tested.
  void screen(const Cell& cell, std::ptrdiff_t stage, std::vector<Screened>& out);

  // A point inside. False if rounding leaves no such point.
  bool point(const Cell& cell, double* y);
  // A point inside by exact arithmetic, as `write_point` has it.
  void fine_point(const Cell& cell, double* y, std::vector<double>& parts);
  // Multipliers of the cell's hyperplanes that show the hyperplane tested last to leave it on one
  // side: its row is their combination plus a nonnegative constant. False if that takes too much
  // work.
  bool certify(const Cell& cell, bool positive, std::vector<std::int32_t>& rows,
               std::vector<double>& multipliers);

  // Tests that exact arithmetic had to leave open; reset by the caller.
  bool in_doubt = false;

  Arena& arena() { return arena_; }
  ExactGeometry& exact() { return exact_; }
  std::ptrdiff_t n_coefficients() const { return d_; }
  void read_row(std::int32_t ref, double* row, double& error, double& size) const;
  // Hyperplanes that are facets of the cell, with the vertices on each, ascending.
  using Facets = std::vector<std::pair<std::int32_t, std::vector<std::ptrdiff_t>>>;
  Facets facets(const Cell& cell) const;
  bool is_bounded(const Cell& cell) const;

 private:
  void read_pair(std::ptrdiff_t a, std::ptrdiff_t b, double* row, double& error,
                 double& size) const;
  Side classify(const Cell& cell, std::int32_t ref);
  std::optional<ExactRow> exact_vertex(const Cell& cell, std::ptrdiff_t v);
  int exact_sign(const Cell& cell, std::ptrdiff_t v, std::int32_t ref);
  std::vector<std::int32_t> refs_through(const Cell& cell, std::ptrdiff_t v) const;
  std::vector<std::int32_t> refs_of(const Cell& cell) const;
  double inward(std::int32_t ref) const;
  std::vector<std::int32_t> lowest_refs(const Cell& cell, double sign) const;
  bool prove(const std::vector<std::int32_t>& refs, double sign, std::vector<std::int32_t>& rows,
             std::vector<double>& multipliers);
  bool prove_exactly(const Cell& cell, const std::vector<std::int32_t>& likely, double sign,
                     std::vector<std::int32_t>& rows, std::vector<double>& multipliers);
  template <int kWords>
  void find_edges(const Cell& cell);
  Cell child(const Cell& cell, const std::vector<std::int32_t>& old, std::ptrdiff_t n_zero,
             std::ptrdiff_t words, std::int32_t* refs, std::ptrdiff_t bit);
  void make_vertices(const Cell& cell, std::ptrdiff_t words, const std::int32_t* refs,
                     std::ptrdiff_t bit);
  bool polish(const std::int32_t* refs, const std::uint64_t* set, std::ptrdiff_t words,
              double* coordinates, double& error);
  void scale_vertex(double* coordinates, double& error) const;
  Cell allocate(std::ptrdiff_t n, std::ptrdiff_t words);
  bool write_exact(const Cell& cell, std::ptrdiff_t v, const ExactRow& generator);

  struct Edge {
    std::int32_t positive;
    std::int32_t negative;
  };

  const Kernels& kernels_ = kernels();
  const ReluNetwork::Stages& network_;
  PatternMaps& maps_;
  const std::uint64_t* sides_;
  const std::vector<double>& constraints_;
  ExactGeometry exact_;
  ExactCone cone_;
  FloatProof proof_;
  Arena arena_;
  std::ptrdiff_t d_;  // coefficients
  double roundings_;  // of the evaluation of a row
  double polished_;   // error above which a vertex is solved for

  // Of the hyperplane tested last.
  std::vector<double> row_;
  std::vector<double> scratch_;  // (n_coefficients)
  double row_error_ = 0.0;
  double row_size_ = 0.0;
  std::int32_t ref_ = 0;
  std::vector<double> values_;
  std::vector<std::int32_t> positive_;
  std::vector<std::int32_t> negative_;
  std::vector<std::int32_t> zero_;

  // New vertices.
  std::vector<Edge> edges_;
  std::vector<double> new_coordinates_;  // (n, d)
  std::vector<double> new_errors_;
  std::vector<std::uint64_t> new_sets_;
  std::vector<std::int32_t> old_;

  // Of `polish`.
  std::vector<double> meeting_;  // (n, n_coefficients): rows of the hyperplanes through a vertex
  std::vector<double> doubts_;
  std::vector<double> inverse_;

  // Of `screen`.
  std::vector<double> highest_;
  std::vector<double> lowest_;
  std::vector<double> surest_;
};

}  // namespace hullspace
