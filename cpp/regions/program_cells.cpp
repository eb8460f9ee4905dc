#include "regions/program_cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"

namespace hullspace {
namespace {

constexpr double kRoundoff = tolerances::kRoundoffDouble;
constexpr double kFar = std::numeric_limits<double>::infinity();
using tolerances::kTiny;

double size_of(const double* x, std::ptrdiff_t n) {
  double largest = 1.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(x[j]));
  return largest;
}

}  // namespace

ProgramCells::ProgramCells(const ReluNetwork::Stages& network, PatternMaps& maps,
                           const std::uint64_t* sides, const std::vector<double>& constraints)
    : network_(network),
      maps_(maps),
      exact_(network, maps, sides, constraints),
      n_(maps.n_coefficients() - 1),
      roundings_((static_cast<double>(n_) + 6.0) * kRoundoff),
      row_(static_cast<std::size_t>(n_) + 1),
      found_(static_cast<std::size_t>(n_)),
      ball_(static_cast<std::size_t>(2 * n_)) {}

void ProgramCells::read(std::ptrdiff_t stage, std::ptrdiff_t unit, std::int32_t ref) {
  maps_.read(stage, unit, row_.data());
  row_doubt_ = maps_.errors(stage)[unit] + roundings_ * maps_.sizes(stage)[unit];
  row_norm_ = norm(row_.data(), n_);
  ref_ = ref;
}

double ProgramCells::value(const double* x) const { return dot(row_.data(), x, n_) + row_[n_]; }

double ProgramCells::doubt(const double* x) const { return row_doubt_ * size_of(x, n_) + kTiny; }

// Keep the points on either side that are farthest away from the hyperplane.
void ProgramCells::look_at(const double* x) {
  const double at = value(x);
  if (std::abs(at) <= doubt(x)) return;
  SidePoint& place = at > 0.0 ? highest_ : lowest_;
  if (std::abs(at) <= std::abs(place.value)) return;
  place.x.assign(x, x + n_);
  place.value = at;
}

bool ProgramCells::is_constant(std::ptrdiff_t stage, std::ptrdiff_t unit, int& sign) {
  const ExactRow* row = exact_.unit_row(stage, unit);
  if (row == nullptr) return false;
  if (!std::all_of(row->begin(), row->end() - 1, [](const Dyadic& x) { return x.is_zero(); })) {
    return false;
  }
  sign = row->back().sign();
  return true;
}

Side ProgramCells::test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit,
                        std::int32_t ref) {
  read(stage, unit, ref);
  proof_rows_.clear();
  proof_multipliers_.clear();
  double slope = 0.0;
  for (std::ptrdiff_t j = 0; j < n_; ++j) slope = std::max(slope, std::abs(row_[j]));
  int sign = 0;
  if (slope <= 2.0 * row_doubt_ && is_constant(stage, unit, sign)) {
    return sign > 0 ? Side::kPositive : sign < 0 ? Side::kNegative : Side::kZero;
  }
  highest_.value = 0.0;
  lowest_.value = 0.0;
  look_at(cell.point);
  for (std::ptrdiff_t k = 0; k < *cell.n_witnesses; ++k) look_at(cell.witnesses + k * n_);
  if (highest_.value == 0.0 || lowest_.value == 0.0) {
    const double step = 0.999 * cell.radius / row_norm_;
    for (std::ptrdiff_t j = 0; j < n_ && cell.radius > 0.0; ++j) {
      ball_[j] = cell.point[j] + step * row_[j];
      ball_[n_ + j] = cell.point[j] - step * row_[j];
    }
    if (cell.radius > 0.0 && std::abs(value(cell.point)) < 0.99 * cell.radius * row_norm_) {
      look_at(ball_.data());
      look_at(ball_.data() + n_);
    }
  }
  if (highest_.value != 0.0 && lowest_.value != 0.0) return Side::kCut;
  if (highest_.value == 0.0 && lowest_.value == 0.0) {
    const Side side = search(cell, 1.0);
    if (side != Side::kCut && highest_.value == 0.0) return side;
  }
  return search(cell, highest_.value != 0.0 ? -1.0 : 1.0);
}

void ProgramCells::load(const Cell& cell) {
  if (loaded_ == cell.id) return;
  system_.set_rows(cell.rows, cell.n_rows, n_, false);
  system_.set_bounds(cell.bounds);
  scratch_.assign(static_cast<std::size_t>(system_.stride()), 0.0);
  for (std::ptrdiff_t j = 0; j < n_; ++j) scratch_[j] = cell.point[j] / system_.unit();
  simplex_.start(system_, scratch_.data());
  loaded_ = cell.id;
}

// Look for a point where sign * row is positive.
Side ProgramCells::search(const Cell& cell, double sign) {
  load(cell);
  objective_.assign(static_cast<std::size_t>(system_.stride()), 0.0);
  for (std::ptrdiff_t j = 0; j < n_; ++j) objective_[j] = sign * row_[j] / row_norm_;
  const Simplex::Outcome outcome = simplex_.maximize(objective_.data(), never_);
  for (std::ptrdiff_t j = 0; j < n_; ++j) found_[j] = simplex_.point()[j] * system_.unit();
  if (outcome == Simplex::Outcome::kUnbounded) {
    const double gain = sign * dot(row_.data(), simplex_.ray(), n_);
    const double step = (2.0 * std::abs(value(found_.data())) + row_norm_) / gain;
    for (std::ptrdiff_t j = 0; j < n_; ++j) found_[j] += step * simplex_.ray()[j];
    loaded_ = -1;
  }
  const double reached = sign * value(found_.data());
  const double margin = std::max(
      doubt(found_.data()),
      tolerances::kProgramDoubt * (std::abs(row_[n_]) + row_norm_ * size_of(found_.data(), n_)));
  add_witness(cell, found_.data());
  if (reached > margin) {
    look_at(found_.data());
    return highest_.value != 0.0 && lowest_.value != 0.0 ? Side::kCut : Side::kPositive;
  }
  if (outcome != Simplex::Outcome::kOptimal || reached >= -margin) in_doubt = true;
  for (std::size_t k = 0; k < simplex_.active().size(); ++k) {
    const std::ptrdiff_t row = simplex_.active()[k];
    if (row < 0 || !(simplex_.multipliers()[k] > 0.0)) continue;
    proof_rows_.push_back(row_number(cell.refs[system_.given(row)], network_.n_hidden));
    proof_multipliers_.push_back(simplex_.multipliers()[k] * system_.scale(row) * row_norm_);
  }
  return sign > 0.0 ? Side::kNegative : Side::kPositive;
}

void ProgramCells::certify(const Cell& /*cell*/, bool /*positive*/, std::vector<std::int32_t>& rows,
                           std::vector<double>& multipliers) const {
  rows = proof_rows_;
  multipliers = proof_multipliers_;
  rows.push_back(ref_);
  multipliers.push_back(1.0);
}

void ProgramCells::add_witness(const Cell& cell, const double* x) const {
  if (*cell.n_witnesses == ProgramCell::kMostWitnesses) {
    // The oldest ones give way.
    std::copy(cell.witnesses + n_, cell.witnesses + ProgramCell::kMostWitnesses * n_,
              cell.witnesses);
    --*cell.n_witnesses;
  }
  std::copy_n(x, n_, cell.witnesses + *cell.n_witnesses * n_);
  ++*cell.n_witnesses;
}

void ProgramCells::screen(const Cell& /*cell*/, std::ptrdiff_t stage,
                          std::vector<Screened>& out) const {
  out.assign(static_cast<std::size_t>(network_.stages[stage].n_units), Screened::kOpen);
}

bool ProgramCells::point(const Cell& cell, double* y) const {
  std::copy_n(cell.point, n_, y);
  return !cell.thin;
}

// Least distance of a point to the constraints, negative unless it is clear of all of them.
double ProgramCells::clearance(const Cell& cell, const double* x) const {
  const double size = size_of(x, n_);
  double least = kFar;
  for (std::ptrdiff_t i = 0; i < cell.n_rows; ++i) {
    const double* row = cell.rows + i * n_;
    const double slack = cell.bounds[i] - dot(row, x, n_);
    if (slack <= cell.doubts[i] * size + kTiny) return -1.0;
    const double length = norm(row, n_);
    if (length > 0.0) least = std::min(least, slack / length);
  }
  return least;
}

ProgramCell ProgramCells::make(const std::vector<double>& constraints) {
  Cell cell;
  cell.id = ++n_cells_;
  const std::ptrdiff_t n_given = static_cast<std::ptrdiff_t>(constraints.size()) / (n_ + 1);
  cell.n_rows = n_given;
  cell.rows = arena_.take<double>(cell.n_rows * n_ + 1);
  cell.bounds = arena_.take<double>(cell.n_rows + 1);
  cell.doubts = arena_.take<double>(cell.n_rows + 1);
  cell.refs = arena_.take<std::int32_t>(cell.n_rows + 1);
  cell.point = arena_.take<double>(n_);
  cell.witnesses = arena_.take<double>(ProgramCell::kMostWitnesses * n_);
  cell.n_witnesses = arena_.take<std::ptrdiff_t>(1);
  *cell.n_witnesses = 0;
  cell.n_rows = 0;
  for (std::ptrdiff_t i = 0; i < n_given; ++i) {
    const double* given = &constraints[i * (n_ + 1)];
    const bool zero = std::all_of(given, given + n_, [](double x) { return x == 0.0; });
    if (zero && given[n_] >= 0.0) continue;  // it binds nothing
    const std::ptrdiff_t place = cell.n_rows++;
    double size = std::abs(given[n_]);
    for (std::ptrdiff_t j = 0; j < n_; ++j) {
      cell.rows[place * n_ + j] = -given[j];
      size += std::abs(given[j]);
    }
    cell.bounds[place] = given[n_];
    cell.doubts[place] = roundings_ * size;
    cell.refs[place] = constraint_ref(i);
  }
  std::fill_n(cell.point, n_, 0.0);
  cell.thin = !center(cell);
  return cell;
}

// Move the point to the middle of a largest ball. False if rounding leaves none.
bool ProgramCells::center(Cell& cell) {
  loaded_ = -1;
  system_.set_rows(cell.rows, cell.n_rows, n_, true);
  system_.set_bounds(cell.bounds);
  if (system_.contradiction() >= 0) return false;
  const Simplex::Outcome outcome = centers_.solve(system_, never_);
  if (outcome == Simplex::Outcome::kUnbounded) {
    const std::vector<double> inside = centers_.point_inside(system_);
    for (std::ptrdiff_t j = 0; j < n_; ++j) cell.point[j] = inside[j] * system_.unit();
  } else {
    for (std::ptrdiff_t j = 0; j < n_; ++j) {
      cell.point[j] = centers_.simplex().point()[j] * system_.unit();
    }
  }
  cell.radius = clearance(cell, cell.point);
  if (std::isinf(cell.radius)) cell.radius = 1.0;
  return cell.radius > 0.0;
}

ProgramCell ProgramCells::child(const Cell& cell, bool positive) {
  const double sign = positive ? 1.0 : -1.0;
  Cell out;
  out.id = ++n_cells_;
  out.n_rows = cell.n_rows + 1;
  out.rows = arena_.take<double>(out.n_rows * n_);
  out.bounds = arena_.take<double>(out.n_rows);
  out.doubts = arena_.take<double>(out.n_rows);
  out.refs = arena_.take<std::int32_t>(out.n_rows);
  out.point = arena_.take<double>(n_);
  out.witnesses = arena_.take<double>(ProgramCell::kMostWitnesses * n_);
  out.n_witnesses = arena_.take<std::ptrdiff_t>(1);
  std::copy_n(cell.rows, cell.n_rows * n_, out.rows);
  std::copy_n(cell.bounds, cell.n_rows, out.bounds);
  std::copy_n(cell.doubts, cell.n_rows, out.doubts);
  std::copy_n(cell.refs, cell.n_rows, out.refs);
  double* row = out.rows + cell.n_rows * n_;
  for (std::ptrdiff_t j = 0; j < n_; ++j) row[j] = -sign * row_[j];
  out.bounds[cell.n_rows] = sign * row_[n_];
  out.doubts[cell.n_rows] = row_doubt_;
  out.refs[cell.n_rows] = ref_;
  *out.n_witnesses = 0;
  for (std::ptrdiff_t k = 0; k < *cell.n_witnesses; ++k) {
    const double* x = cell.witnesses + k * n_;
    if (sign * value(x) > doubt(x)) add_witness(out, x);
  }
  return out;
}

// From the cell's point towards the farthest one known on that side, well clear of the hyperplane.
void ProgramCells::choose_point(const Cell& cell, bool positive, Cell& out) {
  const double sign = positive ? 1.0 : -1.0;
  const SidePoint& far = positive ? highest_ : lowest_;
  const double here = sign * value(cell.point);
  const double there = sign * far.value;
  double share = 0.0;
  if (here <= 0.0) {
    const double crossing = here / (here - there);
    share = crossing + 0.5 * (1.0 - crossing);
  } else if (there > 2.0 * here) {
    share = 0.5;
  }
  for (std::ptrdiff_t j = 0; j < n_; ++j) {
    out.point[j] = cell.point[j] + (share > 0.0 ? share * (far.x[j] - cell.point[j]) : 0.0);
  }
  out.radius = clearance(out, out.point);
  if (std::isinf(out.radius)) out.radius = 1.0;
  if (!(out.radius > tolerances::kPointTooClose * size_of(out.point, n_))) {
    std::copy_n(out.point, n_, found_.data());
    const double radius = out.radius;
    if (!center(out) || out.radius < radius) {
      std::copy_n(found_.data(), n_, out.point);
      out.radius = radius;
    }
  }
  out.thin = !(out.radius > 0.0);
}

std::pair<ProgramCell, ProgramCell> ProgramCells::split(const Cell& cell) {
  Cell on = child(cell, true);
  Cell off = child(cell, false);
  choose_point(cell, true, on);
  choose_point(cell, false, off);
  return {on, off};
}

}  // namespace hullspace
