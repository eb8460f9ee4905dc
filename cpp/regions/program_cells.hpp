// Cells in many dimensions: constraints, a point inside, and further points found on the way.
//
// A hyperplane with known points of the cell on both sides cuts it. Where there are none, a linear
// program looks for one, from the optimum of the program before; its multipliers prove that there
// is none. What the program leaves within rounding is in doubt, and said to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "polyhedron/batch.hpp"
#include "polyhedron/simplex.hpp"
#include "polyhedron/system.hpp"
#include "regions/arena.hpp"
#include "regions/exact.hpp"
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
  double radius = 0.0;          // of a ball around it
  double* witnesses = nullptr;  // (kMostWitnesses, n): points of the closed cell
  std::ptrdiff_t* n_witnesses = nullptr;
  bool thin = false;  // no point was found that is clear of all constraints

  bool is_thin() const { return thin; }
};

class ProgramCells {
 public:
  using Cell = ProgramCell;
  static constexpr int kStepsPerLook = 4;

  ProgramCells(const ReluNetwork::Stages& network, PatternMaps& maps, const std::uint64_t* sides,
               const std::vector<double>& constraints);

  // The cell of constraints alone; thin if they leave no point.
  Cell make(const std::vector<double>& constraints);
  // Forget what earlier searches found.
  void forget(const Cell& start) {
    *start.n_witnesses = 0;
    loaded_ = -1;
  }
  Side test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit, std::int32_t ref);
  std::pair<Cell, Cell> split(const Cell& cell);
  void screen(const Cell& cell, std::ptrdiff_t stage, std::vector<Screened>& out) const;
  bool point(const Cell& cell, double* y) const;
  void certify(const Cell& cell, bool positive, std::vector<std::int32_t>& rows,
               std::vector<double>& multipliers) const;

  bool in_doubt = false;
  Arena& arena() { return arena_; }

 private:
  // A point on one side of the hyperplane; none is known if the value is zero.
  struct SidePoint {
    std::vector<double> x;
    double value = 0.0;
  };

  void read(std::ptrdiff_t stage, std::ptrdiff_t unit, std::int32_t ref);
  double value(const double* x) const;
  double doubt(const double* x) const;
  void look_at(const double* x);
  Side search(const Cell& cell, double sign);
  void add_witness(const Cell& cell, const double* x) const;
  void load(const Cell& cell);
  Cell child(const Cell& cell, bool positive);
  void choose_point(const Cell& cell, bool positive, Cell& out);
  double clearance(const Cell& cell, const double* x) const;
  bool center(Cell& cell);
  bool is_constant(std::ptrdiff_t stage, std::ptrdiff_t unit, int& sign);

  const Kernels& kernels_ = kernels();
  const ReluNetwork::Stages& network_;
  PatternMaps& maps_;
  ExactGeometry exact_;
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
  SidePoint highest_;
  SidePoint lowest_;
  std::vector<double> found_;  // points that belong to no cell
  std::vector<double> ball_;
  std::vector<std::int32_t> proof_rows_;
  std::vector<double> proof_multipliers_;

  std::int64_t loaded_ = -1;  // cell that the program is about
  System system_;
  Simplex simplex_;
  CenterSolver centers_;
  std::vector<double> objective_;
  std::vector<double> scratch_;
};

}  // namespace hullspace
