// The depth-first search for regions below one branch, for either kind of cell.
#pragma once

#include <chrono>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "common/parallel.hpp"
#include "hullspace/regions.hpp"
#include "regions/bits.hpp"
#include "regions/network.hpp"
#include "regions/pattern_maps.hpp"
#include "regions/vertex_cells.hpp"

namespace hullspace {

// When a search has to end.
struct Limits {
  std::int64_t n_regions = 0;
  std::chrono::steady_clock::time_point deadline;
  const StopFlag* stop = nullptr;
};

// What was found below one branch.
struct Findings {
  std::int64_t n_regions = 0;
  std::vector<std::uint8_t> patterns;
  std::vector<double> points;
  std::vector<RegionPoint> fine_points;
  std::vector<RegionNode> open;
  std::vector<RegionDoubt> doubts;
  RegionProofStream proof;
};

// The branch that everything is below.
inline RegionNode undecided(std::ptrdiff_t n_hidden) {
  RegionNode node;
  node.decided.assign(static_cast<std::size_t>(bytes_for(n_hidden)), 0);
  node.values = node.decided;
  return node;
}

// A branch without interior points, and the multipliers that prove it.
inline void append_pruned(const std::vector<std::int32_t>& rows,
                          const std::vector<double>& multipliers, RegionProofStream& proof) {
  proof.tokens.push_back(-2);
  proof.rows.insert(proof.rows.end(), rows.begin(), rows.end());
  proof.multipliers.insert(proof.multipliers.end(), multipliers.begin(), multipliers.end());
  proof.starts.push_back(static_cast<std::int64_t>(proof.rows.size()));
}

template <class Cells>
class Explorer {
 public:
  using Cell = Cells::Cell;

  Explorer(const ReluNetwork::Stages& network, std::vector<double> embedding,
           std::ptrdiff_t n_coefficients, const std::vector<double>& constraints, bool with_proof)
      : network_(network),
        sides_(static_cast<std::size_t>(words_for(network.n_hidden)) + 1),
        maps_(network, std::move(embedding), n_coefficients),
        cells_(network, maps_, sides_.data(), constraints),
        with_proof_(with_proof) {}

  Cells& cells() { return cells_; }
  PatternMaps& maps() { return maps_; }
  std::uint64_t* sides() { return sides_.data(); }

  // Search below a node, whose cell lies within `start`.
  Findings explore(const Cell& start, const RegionNode& node, const Limits& limits) {
    limits_ = limits;
    countdown_ = 0;
    ended_ = false;
    findings_ = Findings();
    maps_.forget();
    const Arena::Mark mark = cells_.arena().mark();
    resume(start, node);
    cells_.arena().release(mark);
    return std::move(findings_);
  }
  // The cell of a node in which all units up to some stage are decided, and none after.
  Cell rebuild(const Cell& start, const RegionNode& node) {
    Cell cell = start;
    for (std::ptrdiff_t k = 0; k < network_.size(); ++k) {
      cell = narrow(cell, k, node);
      maps_.activate(k, sides_.data());
    }
    return cell;
  }

 private:
  // The part of a cell on the sides of a stage's units that a node has decided.
  Cell narrow(Cell cell, std::ptrdiff_t k, const RegionNode& node) {
    const NetworkStage& stage = network_.stages[k];
    maps_.compute(k);
    if (!stage.hidden.empty()) cells_.screen(cell, k, screened_);
    std::ptrdiff_t number = stage.first_hidden;
    for (const std::ptrdiff_t unit : stage.hidden) {
      if (get_bit(node.decided.data(), number)) {
        const bool value = get_bit(node.values.data(), number);
        set_bit(sides_.data(), number, value);
        const bool may_cut =
            screened_[unit] == Screened::kCut || screened_[unit] == Screened::kOpen;
        if (may_cut &&
            cells_.test(cell, k, unit, static_cast<std::int32_t>(number)) == Side::kCut) {
          const auto [on, off] = cells_.split(cell);
          cell = value ? on : off;
        }
      }
      ++number;
    }
    return cell;
  }

  void resume(Cell cell, const RegionNode& node) {
    for (std::ptrdiff_t k = 0; k < network_.size(); ++k) {
      const NetworkStage& stage = network_.stages[k];
      std::vector<std::int32_t> open;
      for (std::size_t i = 0; i < stage.hidden.size(); ++i) {
        const std::ptrdiff_t number = stage.first_hidden + static_cast<std::ptrdiff_t>(i);
        if (!get_bit(node.decided.data(), number))
          open.push_back(static_cast<std::int32_t>(number));
      }
      if (!stage.hidden.empty() && open.size() == stage.hidden.size()) {
        explore_stage(cell, k);
        return;
      }
      cell = narrow(cell, k, node);
      if (!open.empty()) {
        candidates_.assign(open.begin(), open.end());
        explore_units(cell, k, 0, candidates_.size());
        candidates_.clear();
        return;
      }
      if (k + 1 < network_.size()) maps_.activate(k, sides_.data());
    }
    emit(cell);
  }

  bool should_end() {
    if (ended_) return true;
    ended_ =
        findings_.n_regions >= limits_.n_regions || limits_.stop->load(std::memory_order_relaxed);
    if (!ended_ && --countdown_ < 0) {
      countdown_ = Cells::kStepsPerLook;
      ended_ = std::chrono::steady_clock::now() >= limits_.deadline;
    }
    return ended_;
  }

  // All units of the stages before are decided.
  void explore_stage(const Cell& cell, std::ptrdiff_t k) {
    if (k + 1 == network_.size()) {
      emit(cell);
      return;
    }
    const NetworkStage& stage = network_.stages[k];
    if (should_end()) {
      leave_open(k, stage.hidden.size(), [&](std::size_t i) {
        return stage.first_hidden + static_cast<std::ptrdiff_t>(i);
      });
      return;
    }
    maps_.compute(k);
    const std::size_t first = candidates_.size();
    const std::size_t before = pending_.size();
    if (!stage.hidden.empty()) cells_.screen(cell, k, screened_);
    for (std::size_t i = 0; i < stage.hidden.size(); ++i) {
      const std::ptrdiff_t unit = stage.hidden[i];
      const auto number =
          static_cast<std::int32_t>(stage.first_hidden) + static_cast<std::int32_t>(i);
      const Screened screened = screened_[unit];
      const bool on = screened == Screened::kPositive;
      if (!with_proof_ && (on || screened == Screened::kNegative)) {
        set_bit(sides_.data(), number, on);
      } else if (screened == Screened::kCut || !settle(cell, k, unit, number)) {
        candidates_.push_back(number);
      }
    }
    explore_units(cell, k, first, candidates_.size());
    candidates_.resize(first);
    close(before);
  }

  // All units of the stage but the candidates are decided.
  void explore_units(const Cell& cell, std::ptrdiff_t k, std::size_t first, std::size_t last) {
    if (should_end()) {
      leave_open(k, last - first, [&](std::size_t i) { return candidates_[first + i]; });
      return;
    }
    const std::size_t before = pending_.size();
    for (; first < last; ++first) {
      const std::int32_t number = candidates_[first];
      const std::ptrdiff_t unit = network_.unit_of[number];
      if (settle(cell, k, unit, number)) continue;
      const Arena::Mark mark = cells_.arena().mark();
      const auto [on, off] = cells_.split(cell);
      if (with_proof_) findings_.proof.tokens.push_back(number);
      set_bit(sides_.data(), number, true);
      explore_units(on, k, first + 1, last);
      set_bit(sides_.data(), number, false);
      explore_units(off, k, first + 1, last);
      cells_.arena().release(mark);
      close(before);
      return;
    }
    if (k + 2 < network_.size()) maps_.activate(k, sides_.data());
    explore_stage(cell, k + 1);
    close(before);
  }

  // Decide a unit that does not cut the cell; false if it does.
  bool settle(const Cell& cell, std::ptrdiff_t k, std::ptrdiff_t unit, std::int32_t number) {
    cells_.in_doubt = false;
    const Side side = cells_.test(cell, k, unit, number);
    if (side == Side::kCut) return false;
    const bool on = side == Side::kPositive;
    set_bit(sides_.data(), number, on);
    if (!with_proof_ && !cells_.in_doubt) return true;
    // The other side has no interior points.
    set_bit(sides_.data(), number, !on);
    if (side == Side::kZero) {
      certificate_ = {{number}, {1.0}};
    } else if (!cells_.certify(cell, on, certificate_.first, certificate_.second)) {
      certificate_ = {};  // which whoever checks the proof sees
    }
    set_bit(sides_.data(), number, on);
    if (cells_.in_doubt) add_doubt(cell, number, !on);
    if (!with_proof_) return true;
    findings_.proof.tokens.push_back(number);
    if (on) {
      pending_.push_back(certificate_);
    } else {
      prune(certificate_);
    }
    return true;
  }

  using Certificate = std::pair<std::vector<std::int32_t>, std::vector<double>>;

  void prune(const Certificate& certificate) {
    append_pruned(certificate.first, certificate.second, findings_.proof);
  }

  // The other sides of units that were found positive, last first.
  void close(std::size_t before) {
    for (; pending_.size() > before; pending_.pop_back()) prune(pending_.back());
  }

  void emit(const Cell& cell) {
    const std::size_t n_points = findings_.points.size();
    const auto n_dims = static_cast<std::size_t>(maps_.n_coefficients() - 1);
    append_bytes(sides_.data(), network_.n_hidden, findings_.patterns);
    findings_.points.resize(n_points + n_dims);
    double* point = findings_.points.data() + n_points;
    if (!cells_.point(cell, point)) {
      RegionPoint fine{findings_.n_regions, {}};
      cells_.fine_point(cell, point, fine.parts);
      if (!fine.parts.empty()) findings_.fine_points.push_back(std::move(fine));
    }
    ++findings_.n_regions;
    if (with_proof_) findings_.proof.tokens.push_back(-1);
  }

  template <class Number>
  void leave_open(std::ptrdiff_t k, std::size_t n_open, const Number& number) {
    findings_.open.push_back(node_at(k));
    RegionNode& node = findings_.open.back();
    for (std::size_t i = 0; i < n_open; ++i) {
      set_bit(node.decided.data(), number(i), false);
    }
    if (with_proof_) findings_.proof.tokens.push_back(-3);
  }

  // All units up to stage k decided as they are.
  RegionNode node_at(std::ptrdiff_t k) const {
    const NetworkStage& stage = network_.stages[k];
    RegionNode node = undecided(network_.n_hidden);
    for (std::ptrdiff_t i = 0; i < stage.first_hidden + std::ssize(stage.hidden); ++i) {
      set_bit(node.decided.data(), i, true);
      set_bit(node.values.data(), i, get_bit(sides_.data(), i));
    }
    return node;
  }

  void add_doubt(const Cell& cell, std::int32_t number, bool side) {
    RegionDoubt doubt;
    doubt.node = node_at(network_.stage_of[number]);
    doubt.unit = number;
    doubt.side = side;
    doubt.place.resize(static_cast<std::size_t>(maps_.n_coefficients() - 1));
    cells_.point(cell, doubt.place.data());
    std::tie(doubt.rows, doubt.multipliers) = certificate_;
    findings_.doubts.push_back(std::move(doubt));
  }

  const ReluNetwork::Stages& network_;
  std::vector<std::uint64_t> sides_;
  PatternMaps maps_;
  Cells cells_;
  bool with_proof_;

  Limits limits_;
  int countdown_ = 0;
  bool ended_ = false;
  Findings findings_;
  std::vector<std::int32_t> candidates_;
  std::vector<Screened> screened_;
  std::vector<Certificate> pending_;
  Certificate certificate_;
};

}  // namespace hullspace
