#include "regions/exact.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "regions/bits.hpp"

namespace hullspace {
namespace {

// Products that one row may take.
constexpr std::int64_t kMostWork = 4'000'000;

// The minors of some rows for every choice of as many columns, as bit sets.
class Minors {
 public:
  explicit Minors(std::ptrdiff_t n_columns)
      : n_columns_(n_columns),
        values_(std::size_t{1} << static_cast<std::size_t>(n_columns)),
        next_(values_.size()) {
    values_[0] = Dyadic(1.0);
  }

  // Expand along one more row; false, and nothing changes, if it depends on the rows before.
  bool add(const ExactRow& row) {
    bool independent = false;
    for (std::uint32_t set = 1; set < values_.size(); ++set) {
      if (std::popcount(set) != n_rows_ + 1) continue;
      Dyadic& total = next_[set];
      total = Dyadic();
      // The new row is the last: its element in the highest column of the set comes with plus.
      bool positive = true;
      for (std::ptrdiff_t c = n_columns_ - 1; c >= 0; --c) {
        if (((set >> c) & 1U) == 0) continue;
        const Dyadic& minor = values_[set & ~(1U << c)];
        if (!row[c].is_zero() && !minor.is_zero()) {
          const Dyadic product = row[c] * minor;
          total = positive ? total + product : total - product;
        }
        positive = !positive;
      }
      independent = independent || !total.is_zero();
    }
    if (!independent) return false;
    values_.swap(next_);
    ++n_rows_;
    return true;
  }

  int n_rows() const { return n_rows_; }

  // With one row less than columns: the vector that all rows are orthogonal to.
  ExactRow kernel() const {
    ExactRow out;
    const std::uint32_t all = static_cast<std::uint32_t>(values_.size()) - 1;
    for (std::ptrdiff_t c = 0; c < n_columns_; ++c) {
      const Dyadic& minor = values_[all & ~(1U << c)];
      out.push_back(c % 2 == 0 ? minor : -minor);
    }
    return out;
  }

 private:
  std::ptrdiff_t n_columns_;
  int n_rows_ = 0;
  std::vector<Dyadic> values_;  // of the choices of as many columns as there are rows
  std::vector<Dyadic> next_;
};

}  // namespace

std::vector<std::ptrdiff_t> independent_rows(const std::vector<ExactRow>& rows,
                                             std::ptrdiff_t n_columns) {
  Minors minors(n_columns);
  std::vector<std::ptrdiff_t> found;
  for (std::size_t i = 0; i < rows.size() && minors.n_rows() < n_columns; ++i) {
    if (minors.add(rows[i])) found.push_back(static_cast<std::ptrdiff_t>(i));
  }
  return found;
}

const ExactRow* ExactGeometry::row(std::int32_t ref) {
  if (ref >= 0) return unit_row(network_.stage_of[ref], network_.unit_of[ref]);
  const std::ptrdiff_t n = maps_.n_coefficients();
  row_.assign(static_cast<std::size_t>(n), Dyadic());
  if (ref == kInfinity) {
    row_.back() = Dyadic(1.0);
  } else if (ref > kFirstPair) {
    const double* given = &constraints_[constraint_of(ref) * n];
    for (std::ptrdiff_t c = 0; c < n; ++c) row_[c] = Dyadic(given[c]);
  } else {
    const std::ptrdiff_t last = network_.size() - 1;
    const std::ptrdiff_t n_outputs = network_.stages[last].n_units;
    const std::ptrdiff_t pair = kFirstPair - ref;
    const ExactRow* first = unit_row(last, pair / n_outputs);
    const ExactRow* second = unit_row(last, pair % n_outputs);
    if (first == nullptr || second == nullptr) return nullptr;
    for (std::ptrdiff_t c = 0; c < n; ++c) row_[c] = (*first)[c] - (*second)[c];
  }
  return &row_;
}

const ExactRow* ExactGeometry::unit_row(std::ptrdiff_t stage, std::ptrdiff_t unit) {
  std::vector<Cached>& cache = rows_[stage];
  if (cache.empty()) cache.resize(static_cast<std::size_t>(network_.stages[stage].n_units));
  Cached& cached = cache[unit];
  if (cached.version == maps_.version(stage)) return &cached.row;
  limit_ = work_ + kMostWork;
  ExactRow row(static_cast<std::size_t>(maps_.n_coefficients()));
  if (!add_unit(stage, unit, row)) return nullptr;
  return &cache[unit].row;
}

// Find a unit's row, and those that it is made of.
bool ExactGeometry::add_unit(std::ptrdiff_t stage, std::ptrdiff_t unit, ExactRow& row) {
  std::vector<Cached>& cache = rows_[stage];
  if (cache.empty()) cache.resize(static_cast<std::size_t>(network_.stages[stage].n_units));
  if (cache[unit].version == maps_.version(stage)) {
    row = cache[unit].row;
    return true;
  }
  const std::ptrdiff_t n = maps_.n_coefficients();
  const NetworkStage& data = network_.stages[stage];
  row.assign(static_cast<std::size_t>(n), Dyadic());
  row.back() = Dyadic(data.bias[unit]);
  RowEntries entries;
  for (const NetworkTerm& term : data.terms) {
    entries.clear();
    std::visit([&](const auto& operation) { operation.read_row(unit, entries); }, term.operation);
    ExactRow part(static_cast<std::size_t>(n));
    for (const auto& [place, weight] : entries) {
      if (term.source == 0) {
        const std::vector<double>& embedding = maps_.embedding();
        for (std::ptrdiff_t c = 0; c < n; ++c) {
          part[c] = Dyadic(embedding[c * maps_.embedding_stride() + place]);
        }
      } else {
        const NetworkStage& before = network_.stages[term.source - 1];
        const double slope = before.slopes[place];
        double factor = 1.0;
        if (slope != 1.0) {
          const auto found = std::lower_bound(before.hidden.begin(), before.hidden.end(), place);
          const std::ptrdiff_t number = before.first_hidden + (found - before.hidden.begin());
          if (!get_bit(sides_, number)) factor = slope;
        }
        if (factor == 0.0) continue;
        if (!add_unit(term.source - 1, place, part)) return false;
        if (factor != 1.0) {
          for (Dyadic& value : part) value = value * Dyadic(factor);
        }
      }
      work_ += n;
      if (work_ > limit_) return false;
      const Dyadic exact_weight(weight);
      for (std::ptrdiff_t c = 0; c < n; ++c) {
        if (!part[c].is_zero()) row[c] = row[c] + exact_weight * part[c];
      }
    }
  }
  cache[unit].version = maps_.version(stage);
  cache[unit].row = row;
  return true;
}

std::optional<ExactRow> ExactGeometry::generator(const std::vector<std::int32_t>& refs,
                                                 const double* near) {
  const std::ptrdiff_t n = maps_.n_coefficients();
  Minors minors(n);
  for (const std::int32_t ref : refs) {
    if (minors.n_rows() == n - 1) break;
    const ExactRow* found = row(ref);
    if (found == nullptr) return std::nullopt;
    minors.add(*found);
  }
  if (minors.n_rows() != n - 1) return std::nullopt;
  ExactRow out = minors.kernel();
  int orientation = out.back().sign();
  if (orientation == 0) {
    std::ptrdiff_t largest = 0;
    for (std::ptrdiff_t c = 1; c < n; ++c) {
      if (std::abs(near[c]) > std::abs(near[largest])) largest = c;
    }
    orientation = out[largest].sign() * (near[largest] > 0.0 ? 1 : -1);
  }
  if (orientation < 0) {
    for (Dyadic& value : out) value = -value;
  }
  return out;
}

int ExactGeometry::sign(const ExactRow& row, const ExactRow& generator) {
  Dyadic total;
  for (std::size_t c = 0; c < row.size(); ++c) total = total + row[c] * generator[c];
  return total.sign();
}

}  // namespace hullspace
