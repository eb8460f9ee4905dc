// Cells in many dimensions: constraints, a point inside, and further points found on the way.
//
// A hyperplane with points inside the cell on both sides cuts it. Where there are none, a linear
// program looks for one, from the optimum of the program before; its multipliers prove that there
// is none. Points and proofs count only if no rounding can have made them: where doubles leave
// doubt, and in cells that are too thin for them, the program is solved in exact arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "polyhedron/batch.hpp"
#include "polyhedron/simplex.hpp"
#include "polyhedron/system.hpp"
#include "regions/arena.hpp"
#include "regions/exact.hpp"
#include "regions/exact_cone.hpp"
#include "regions/float_proof.hpp"
#include "regions/pattern_maps.hpp"
#include "regions/vertex_cells.hpp"

namespace hullspace {

struct ProgramCell {
  static constexpr std::ptrdiff_t kMostWitnesses = 24;

  std::int64_t id = 0;  // no two cells of a search share it
  std::ptrdiff_t n_rows = 0;
  double* rows = nullptr;    // (n_rows, n): rows . x <= bounds
  double* bounds = nullptr;  // (n_rows)
  double* doubts = nullptr;  // (n_rows): of a row's value at points of size one
  std::int32_t* refs = nullptr;
  double* point = nullptr;      // (n), inside
  double radius = 0.0;          // of a ball around it; zero if doubles are not known to be inside
  double* witnesses = nullptr;  // (kMostWitnesses, n): more points inside
  std::ptrdiff_t* n_witnesses = nullptr;
  std::shared_ptr<const ExactRow> inside;  // homogeneous coordinates, where the radius is zero

  bool has_interior() const { return radius > 0.0 || inside != nullptr; }
};

class ProgramCells {
 public:
  using Cell = ProgramCell;
  static constexpr int kStepsPerLook = 4;

  ProgramCells(const ReluNetwork::Stages& network, PatternMaps& maps, const std::uint64_t* sides,
               const std::vector<double>& constraints);

  // The cell of constraints alone; without interior if they leave none.
  Cell make(const std::vector<double>& constraints);
  // Forget what earlier searches found.
  void forget(const Cell& start) {
    *start.n_witnesses = 0;
    loaded_ = -1;
  }
  Side test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit, std::int32_t ref);
  // The same for one output of the network less another; the last stage must be computed.
  Side test_pair(const Cell& cell, std::ptrdiff_t a, std::ptrdiff_t b);
  std::pair<Cell, Cell> split(const Cell& cell);
  std::vector<std::ptrdiff_t> facets(const Cell& cell);
  std::int32_t label(const Cell& cell);
  // Add the pieces of the decision boundary in a region.
  void add_boundary(const Cell& cell, std::int64_t region, BoundaryPieces& out);
  void screen(const Cell& cell, std::ptrdiff_t stage, std::vector<Screened>& out) const;
  bool point(const Cell& cell, double* y) const;
  void fine_point(const Cell& cell, double* y, std::vector<double>& parts);
  bool certify(const Cell& cell, bool positive, std::vector<std::int32_t>& rows,
               std::vector<double>& multipliers) const;

  bool in_doubt = false;
  Arena& arena() { return arena_; }

 private:
  // A point inside on one side of the hyperplane, or, exactly, one of the closed cell.
  struct SidePoint {
    std::vector<double> x;
    double value = 0.0;  // zero if there is no such point
    ExactRow exact;      // homogeneous coordinates; empty if there is no such point

    bool is_known() const { return value != 0.0 || !exact.empty(); }
  };
  enum class Found : std::int8_t { kPoint, kNone, kOpen };

  void prepare(std::int32_t ref);
  void read_pair(std::ptrdiff_t a, std::ptrdiff_t b);
  void read_own(const Cell& cell, std::ptrdiff_t i);
  Side side_of(const Cell& cell);
  bool is_parallel(const Cell& cell, std::ptrdiff_t i);
  bool is_facet(const Cell& cell, std::ptrdiff_t i);
  void add_pieces(const Cell& part, std::int64_t region, std::int32_t c,
                  const std::vector<std::int32_t>& others, BoundaryPieces& out);
  double value(const double* x) const;
  double doubt(const double* x) const;
  bool look_at(const double* x);
  void look_around(const Cell& cell);
  Found search(const Cell& cell, double sign);
  Found search_with_doubles(const Cell& cell, double sign);
  Found search_exactly(const Cell& cell, double sign);
  bool pull_inside(const Cell& cell, double sign, double share);
  bool prove(const Cell& cell, double sign);
  void add_witness(const Cell& cell, const double* x) const;
  void load(const Cell& cell);
  Cell allocate(std::ptrdiff_t n_rows);
  Cell child(const Cell& cell, bool positive);
  void choose_point(const Cell& cell, bool positive, Cell& out);
  void choose_exact_point(const Cell& cell, bool positive, Cell& out);
  double clearance(const Cell& cell, const double* x) const;
  bool center(Cell& cell);
  void find_inside(Cell& cell);
  bool is_constant(int& sign);
  const std::optional<std::vector<ExactRow>>& exact_rows(const Cell& cell);

  const Kernels& kernels_ = kernels();
  const ReluNetwork::Stages& network_;
  PatternMaps& maps_;
  const std::uint64_t* sides_;
  ExactGeometry exact_;
  ExactCone cone_;
  FloatProof proof_;
  Arena arena_;
  std::ptrdiff_t n_;  // variables
  double roundings_;
  std::int64_t n_cells_ = 0;
  StopFlag never_{false};

  // Of the hyperplane tested last.
  std::vector<double> row_;  // (n + 1)
  double row_doubt_ = 0.0;   // of its value at points of size one
  double row_norm_ = 0.0;
  std::int32_t ref_ = 0;
  bool vague_ = false;  // rounding may have made its slopes
  SidePoint highest_;
  SidePoint lowest_;
  std::vector<double> found_;  // points that belong to no cell
  std::vector<double> pulled_;
  std::vector<double> ball_;
  std::vector<std::ptrdiff_t> likely_;  // rows of the cell that the last program ended at
  std::vector<std::int32_t> proof_rows_;
  std::vector<double> proof_multipliers_;

  std::int64_t loaded_ = -1;    // cell that the program is about
  std::int64_t exact_id_ = -1;  // cell that the exact rows are of
  std::optional<std::vector<ExactRow>> exact_rows_;
  System system_;
  Simplex simplex_;
  CenterSolver centers_;
  std::vector<double> objective_;
  std::vector<double> scratch_;
};

}  // namespace hullspace
