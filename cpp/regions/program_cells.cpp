#include "regions/program_cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"
#include "regions/exact_cells.hpp"
#include "regions/expansions.hpp"

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
      sides_(sides),
      exact_(network, maps, sides, constraints),
      proof_(maps.n_coefficients(), constraints),
      n_(maps.n_coefficients() - 1),
      roundings_((static_cast<double>(n_) + 6.0) * kRoundoff),
      row_(static_cast<std::size_t>(n_) + 1),
      found_(static_cast<std::size_t>(n_)),
      pulled_(static_cast<std::size_t>(n_)),
      ball_(static_cast<std::size_t>(2 * n_)) {}

// What a row that was read is compared with.
void ProgramCells::prepare(std::int32_t ref) {
  row_norm_ = norm(row_.data(), n_);
  ref_ = ref;
  double slope = 0.0;
  for (std::ptrdiff_t j = 0; j < n_; ++j) slope = std::max(slope, std::abs(row_[j]));
  vague_ = !(slope > 2.0 * row_doubt_) || !std::isfinite(row_norm_);
  highest_ = {};
  lowest_ = {};
  likely_.clear();
  proof_rows_.clear();
  proof_multipliers_.clear();
}

double ProgramCells::value(const double* x) const { return dot(row_.data(), x, n_) + row_[n_]; }

double ProgramCells::doubt(const double* x) const { return row_doubt_ * size_of(x, n_) + kTiny; }

// Keep the points on either side that are farthest away from the hyperplane; false if rounding
// leaves doubt on which side a point is.
bool ProgramCells::look_at(const double* x) {
  const double at = value(x);
  if (!(std::abs(at) > doubt(x))) return false;
  SidePoint& place = at > 0.0 ? highest_ : lowest_;
  if (std::abs(at) > std::abs(place.value)) {
    place.x.assign(x, x + n_);
    place.value = at;
  }
  return true;
}

// Look at all points that are known to be inside.
void ProgramCells::look_around(const Cell& cell) {
  if (!(cell.radius > 0.0)) return;
  look_at(cell.point);
  for (std::ptrdiff_t k = 0; k < *cell.n_witnesses; ++k) look_at(cell.witnesses + k * n_);
  if (highest_.is_known() && lowest_.is_known()) return;
  if (!(std::abs(value(cell.point)) < 0.99 * cell.radius * row_norm_)) return;
  const double step = 0.999 * cell.radius / row_norm_;
  for (std::ptrdiff_t j = 0; j < n_; ++j) {
    ball_[j] = cell.point[j] + step * row_[j];
    ball_[n_ + j] = cell.point[j] - step * row_[j];
  }
  look_at(ball_.data());
  look_at(ball_.data() + n_);
}

bool ProgramCells::is_constant(int& sign) {
  const ExactRow* row = exact_.row(ref_);
  if (row == nullptr) return false;
  if (!std::all_of(row->begin(), row->end() - 1, [](const Dyadic& x) { return x.is_zero(); })) {
    return false;
  }
  sign = row->back().sign();
  return true;
}

Side ProgramCells::test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit,
                        std::int32_t ref) {
  maps_.read(stage, unit, row_.data());
  row_doubt_ = maps_.errors(stage)[unit] + roundings_ * maps_.sizes(stage)[unit];
  prepare(ref);
  return side_of(cell);
}

// The side of what was read last.
Side ProgramCells::side_of(const Cell& cell) {
  int sign = 0;
  if (vague_ && is_constant(sign)) {
    if (ref_ > kFirstPair) proof_rows_ = {row_number(ref_, network_.n_hidden)};
    proof_multipliers_ = {1.0};
    return sign > 0 ? Side::kPositive : sign < 0 ? Side::kNegative : Side::kZero;
  }
  look_around(cell);
  for (const double side : {1.0, -1.0}) {
    if ((side > 0.0 ? highest_ : lowest_).is_known()) continue;
    const Found found = search(cell, side);
    if (found == Found::kOpen) in_doubt = true;
    if (found != Found::kPoint) return side > 0.0 ? Side::kNegative : Side::kPositive;
  }
  return Side::kCut;
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

// Look for a point inside where sign * row is positive.
ProgramCells::Found ProgramCells::search(const Cell& cell, double sign) {
  if (!vague_ && cell.radius > 0.0) {
    const Found found = search_with_doubles(cell, sign);
    if (found != Found::kOpen) return found;
  }
  return search_exactly(cell, sign);
}

ProgramCells::Found ProgramCells::search_with_doubles(const Cell& cell, double sign) {
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
  // Most of the way there, as a point for other hyperplanes, or just beyond this one.
  const double reached = sign * value(found_.data());
  const double here = std::min(sign * value(cell.point), 0.0);
  const bool near = pull_inside(cell, sign, tolerances::kPulledShare);
  if (reached > 0.0 && (near || pull_inside(cell, sign, 0.5 * (1.0 + here / (here - reached))))) {
    return Found::kPoint;
  }
  if (outcome != Simplex::Outcome::kOptimal) return Found::kOpen;
  return prove(cell, sign) ? Found::kNone : Found::kOpen;
}

// Go from the cell's point so far towards the one that was found. Whether that is certainly inside,
// and on the side that was asked for.
bool ProgramCells::pull_inside(const Cell& cell, double sign, double share) {
  for (std::ptrdiff_t j = 0; j < n_; ++j) {
    pulled_[j] = cell.point[j] + share * (found_[j] - cell.point[j]);
  }
  if (!(clearance(cell, pulled_.data()) > 0.0)) return false;
  add_witness(cell, pulled_.data());
  return look_at(pulled_.data()) && (sign > 0.0 ? highest_ : lowest_).is_known();
}

// Whether the program's multipliers prove that there is no such point.
bool ProgramCells::prove(const Cell& cell, double sign) {
  proof_rows_.clear();
  proof_multipliers_.clear();
  likely_.clear();
  proof_.start(row_.data(), -sign, row_doubt_);
  std::vector<double>& row = scratch_;
  row.resize(static_cast<std::size_t>(n_) + 1);
  for (std::size_t k = 0; k < simplex_.active().size(); ++k) {
    const std::ptrdiff_t place = simplex_.active()[k];
    if (place < 0 || !(simplex_.multipliers()[k] > 0.0)) continue;
    const std::ptrdiff_t i = system_.given(place);
    const double multiplier = simplex_.multipliers()[k] * system_.scale(place) * row_norm_;
    std::copy_n(cell.rows + i * n_, n_, row.data());
    row[n_] = -cell.bounds[i];
    proof_.add(row.data(), -1.0, cell.doubts[i], multiplier);
    likely_.push_back(i);
    proof_rows_.push_back(row_number(cell.refs[i], network_.n_hidden));
    proof_multipliers_.push_back(multiplier);
  }
  proof_rows_.push_back(row_number(ref_, network_.n_hidden));
  proof_multipliers_.push_back(1.0);
  return proof_.is_positive();
}

// The rows of a cell, nonnegative inside.
const std::optional<std::vector<ExactRow>>& ProgramCells::exact_rows(const Cell& cell) {
  if (exact_id_ != cell.id) {
    exact_rows_ = inward_rows(exact_, sides_, {cell.refs, cell.refs + cell.n_rows});
    exact_id_ = cell.id;
  }
  return exact_rows_;
}

ProgramCells::Found ProgramCells::search_exactly(const Cell& cell, double sign) {
  proof_rows_.clear();
  proof_multipliers_.clear();
  const std::optional<std::vector<ExactRow>>& rows = exact_rows(cell);
  const ExactRow* row = exact_.row(ref_);
  if (!rows || row == nullptr) return Found::kOpen;
  ExactRow function(*row);
  if (sign > 0.0) {
    for (Dyadic& x : function) x = -x;
  }
  const ExactCone::Answer answer = cone_.decide(*rows, function, likely_);
  if (answer == ExactCone::Answer::kTooLarge) return Found::kOpen;
  if (answer == ExactCone::Answer::kNegative) {
    (sign > 0.0 ? highest_ : lowest_).exact = cone_.point();
    return Found::kPoint;
  }
  for (const std::ptrdiff_t i : cone_.rows()) {
    proof_rows_.push_back(row_number(cell.refs[i], network_.n_hidden));
  }
  proof_rows_.push_back(row_number(ref_, network_.n_hidden));
  proof_multipliers_ = cone_.multipliers();
  return Found::kNone;
}

bool ProgramCells::certify(const Cell& /*cell*/, bool /*positive*/, std::vector<std::int32_t>& rows,
                           std::vector<double>& multipliers) const {
  rows = proof_rows_;
  multipliers = proof_multipliers_;
  return !rows.empty();
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
  return cell.radius > 0.0;
}

void ProgramCells::fine_point(const Cell& cell, double* y, std::vector<double>& parts) {
  const std::optional<std::vector<ExactRow>>& rows = exact_rows(cell);
  if (rows && cell.inside) write_point(*rows, *cell.inside, y, parts);
}

// A distance that a point certainly keeps from all constraints, negative if there is none.
double ProgramCells::clearance(const Cell& cell, const double* x) const {
  const double size = size_of(x, n_);
  double least = kFar;
  for (std::ptrdiff_t i = 0; i < cell.n_rows; ++i) {
    const double* row = cell.rows + i * n_;
    const double slack = cell.bounds[i] - dot(row, x, n_);
    const double sure = slack - (2.0 * cell.doubts[i] * size + kTiny);
    if (!(sure > 0.0)) return -1.0;
    const double length = norm(row, n_);
    if (length > 0.0) least = std::min(least, sure / length);
  }
  return least;
}

ProgramCell ProgramCells::allocate(std::ptrdiff_t n_rows) {
  Cell cell;
  cell.id = ++n_cells_;
  cell.n_rows = n_rows;
  cell.rows = arena_.take<double>(n_rows * n_ + 1);
  cell.bounds = arena_.take<double>(n_rows + 1);
  cell.doubts = arena_.take<double>(n_rows + 1);
  cell.refs = arena_.take<std::int32_t>(n_rows + 1);
  cell.point = arena_.take<double>(n_);
  cell.witnesses = arena_.take<double>(ProgramCell::kMostWitnesses * n_);
  cell.n_witnesses = arena_.take<std::ptrdiff_t>(1);
  *cell.n_witnesses = 0;
  return cell;
}

ProgramCell ProgramCells::make(const std::vector<double>& constraints) {
  const std::ptrdiff_t n_given = static_cast<std::ptrdiff_t>(constraints.size()) / (n_ + 1);
  Cell cell = allocate(n_given);
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
  if (!center(cell)) find_inside(cell);
  return cell;
}

// Take the cell's constraints one by one, and go to a point inside of those so far.
void ProgramCells::find_inside(Cell& cell) {
  cell.radius = 0.0;
  const std::optional<std::vector<ExactRow>>& rows = exact_rows(cell);
  if (!rows) return;
  ExactRow inside(static_cast<std::size_t>(n_) + 1);
  inside.back() = Dyadic(1.0);
  std::vector<ExactRow> before;
  for (std::ptrdiff_t i = 0; i < cell.n_rows; ++i) {
    const ExactRow& row = (*rows)[i];
    ExactRow function(row);
    for (Dyadic& x : function) x = -x;
    if (product(row, inside).sign() <= 0) {
      if (cone_.decide(before, function, {}) != ExactCone::Answer::kNegative) return;
      inside = advanced(inside, cone_.point(), row);
    }
    before.push_back(row);
  }
  cell.inside = std::make_shared<const ExactRow>(std::move(inside));
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
  if (!(cell.radius > 0.0)) cell.radius = 0.0;
  return cell.radius > 0.0;
}

ProgramCell ProgramCells::child(const Cell& cell, bool positive) {
  const double sign = positive ? 1.0 : -1.0;
  Cell out = allocate(cell.n_rows + 1);
  std::copy_n(cell.rows, cell.n_rows * n_, out.rows);
  std::copy_n(cell.bounds, cell.n_rows, out.bounds);
  std::copy_n(cell.doubts, cell.n_rows, out.doubts);
  std::copy_n(cell.refs, cell.n_rows, out.refs);
  double* row = out.rows + cell.n_rows * n_;
  for (std::ptrdiff_t j = 0; j < n_; ++j) row[j] = -sign * row_[j];
  out.bounds[cell.n_rows] = sign * row_[n_];
  out.doubts[cell.n_rows] = row_doubt_;
  out.refs[cell.n_rows] = ref_;
  for (std::ptrdiff_t k = 0; k < *cell.n_witnesses; ++k) {
    const double* x = cell.witnesses + k * n_;
    if (sign * value(x) > doubt(x)) add_witness(out, x);
  }
  return out;
}

// From the cell's point towards the farthest one known on that side, well clear of the hyperplane.
void ProgramCells::choose_point(const Cell& cell, bool positive, Cell& out) {
  const SidePoint& far = positive ? highest_ : lowest_;
  std::copy_n(cell.point, n_, out.point);
  if (cell.radius > 0.0 && far.value != 0.0) {
    const double here = (positive ? 1.0 : -1.0) * value(cell.point);
    const double there = std::abs(far.value);
    double share = 0.0;
    if (here <= 0.0) {
      const double crossing = here / (here - there);
      share = crossing + 0.5 * (1.0 - crossing);
    } else if (there > 2.0 * here) {
      share = 0.5;
    }
    for (std::ptrdiff_t j = 0; j < n_ && share > 0.0; ++j) {
      out.point[j] += share * (far.x[j] - cell.point[j]);
    }
    out.radius = clearance(out, out.point);
    if (std::isinf(out.radius)) out.radius = 1.0;
  }
  if (cell.radius > 0.0 && !(out.radius > tolerances::kPointTooClose * size_of(out.point, n_))) {
    std::copy_n(out.point, n_, found_.data());
    const double radius = out.radius;
    if (!center(out) || out.radius < radius) {
      std::copy_n(found_.data(), n_, out.point);
      out.radius = std::max(radius, 0.0);
    }
  }
  if (!(out.radius > 0.0)) choose_exact_point(cell, positive, out);
}

void ProgramCells::choose_exact_point(const Cell& cell, bool positive, Cell& out) {
  out.radius = 0.0;
  const SidePoint& far = positive ? highest_ : lowest_;
  ExactRow inside = cell.inside ? *cell.inside : exact_point(cell.point, n_);
  std::optional<std::vector<ExactRow>> rows = exact_rows(cell);
  const ExactRow* row = exact_.row(ref_);
  if (rows && row != nullptr) {
    ExactRow inward(*row);
    if (!positive) {
      for (Dyadic& x : inward) x = -x;
    }
    inside =
        advanced(inside, far.exact.empty() ? exact_point(far.x.data(), n_) : far.exact, inward);
    rows->push_back(std::move(inward));
    const std::vector<double> parts = shorten(*rows, inside);
    if (!parts.empty()) inside = sum_up(parts, static_cast<int>(std::ssize(parts) / (n_ + 1)));
  }
  out.inside = std::make_shared<const ExactRow>(std::move(inside));
}

std::pair<ProgramCell, ProgramCell> ProgramCells::split(const Cell& cell) {
  Cell on = child(cell, true);
  Cell off = child(cell, false);
  choose_point(cell, true, on);
  choose_point(cell, false, off);
  return {on, off};
}

}  // namespace hullspace
