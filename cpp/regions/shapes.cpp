#include "regions/shapes.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "regions/small_systems.hpp"
#include "regions/ties.hpp"

namespace hullspace {
namespace {

using Face = std::vector<std::ptrdiff_t>;  // vertices, ascending

// Splits a polytope into simplices: an apex with those of the facets that do not hold it, and so on
// down (Cohen and Hickey, "Two algorithms for determining volumes of convex polyhedra", 1979).
class Triangulation {
 public:
  Triangulation(const std::vector<double>& points, std::ptrdiff_t n_dims,
                const VertexCells::Facets& facets)
      : points_(points), n_(n_dims), facets_(facets) {}

  double volume(const Face& all) {
    total_ = 0.0;
    chain_.clear();
    descend(all, n_);
    double factorial = 1.0;
    for (std::ptrdiff_t k = 2; k <= n_; ++k) factorial *= static_cast<double>(k);
    return total_ / factorial;
  }

 private:
  void descend(const Face& face, std::ptrdiff_t dimension) {
    chain_.push_back(face.front());
    if (dimension == 0) {
      total_ += std::abs(determinant());
    } else {
      for (const Face& part : parts(face, dimension)) {
        if (part.front() != face.front()) descend(part, dimension - 1);
      }
    }
    chain_.pop_back();
  }

  // Facets of a face: where others of the cell meet it, as far as no other holds more of it.
  std::vector<Face> parts(const Face& face, std::ptrdiff_t dimension) const {
    std::vector<Face> found;
    for (const auto& [ref, on] : facets_) {
      Face common;
      std::set_intersection(face.begin(), face.end(), on.begin(), on.end(),
                            std::back_inserter(common));
      if (common.size() < face.size() && static_cast<std::ptrdiff_t>(common.size()) >= dimension) {
        found.push_back(std::move(common));
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::vector<Face> out;
    for (const Face& part : found) {
      const bool largest = std::none_of(found.begin(), found.end(), [&](const Face& other) {
        return other.size() > part.size() &&
               std::includes(other.begin(), other.end(), part.begin(), part.end());
      });
      if (largest) out.push_back(part);
    }
    return out;
  }

  double determinant() const {
    std::vector<double> matrix;
    for (std::ptrdiff_t i = 1; i <= n_; ++i) {
      for (std::ptrdiff_t c = 0; c < n_; ++c) {
        matrix.push_back(points_[chain_[i] * n_ + c] - points_[chain_[0] * n_ + c]);
      }
    }
    return eliminate(matrix.data(), n_, n_, 0.0).value_or(0.0);
  }

  const std::vector<double>& points_;
  std::ptrdiff_t n_;
  const VertexCells::Facets& facets_;
  Face chain_;
  double total_ = 0.0;
};

}  // namespace

void ShapeWriter::write_vertex(const VertexCell& cell, std::ptrdiff_t v,
                               std::vector<double>& out) const {
  const std::ptrdiff_t n = explorer_.cells().n_coefficients();
  const std::size_t first = out.size();
  out.resize(first + static_cast<std::size_t>(n_dims_) + 1, 0.0);
  bool at_infinity = false;
  for (std::ptrdiff_t bit = 0; bit < 64 * cell.words; ++bit) {
    at_infinity =
        at_infinity || (get_bit(cell.sets + v * cell.words, bit) && cell.refs[bit] == kInfinity);
  }
  const double last = cell.coordinates[(n - 1) * cell.stride + v];
  for (std::ptrdiff_t c = 0; c + 1 < n; ++c) {
    const double value = cell.coordinates[c * cell.stride + v] * scales_[c];
    out[first + static_cast<std::size_t>(dims_[c])] = at_infinity ? value : value / last;
  }
  out.back() = at_infinity ? 0.0 : 1.0;
}

// As a constraint on points of the domain: what is at least zero inside, with the other sign.
void ShapeWriter::write_row(std::int32_t ref, std::vector<double>& out) const {
  const std::ptrdiff_t n = explorer_.cells().n_coefficients();
  std::vector<double> row(static_cast<std::size_t>(n));
  double error = 0.0;
  double size = 0.0;
  explorer_.cells().read_row(ref, row.data(), error, size);
  const double sign = ref < 0 || get_bit(explorer_.sides(), ref) ? 1.0 : -1.0;
  const std::size_t first = out.size();
  out.resize(first + static_cast<std::size_t>(n_dims_) + 1, 0.0);
  for (std::ptrdiff_t c = 0; c + 1 < n; ++c) {
    out[first + static_cast<std::size_t>(dims_[c])] = -sign * row[c] / scales_[c];
  }
  out.back() = sign * row[n - 1];
}

double ShapeWriter::volume(const VertexCell& cell) const {
  VertexCells& cells = explorer_.cells();
  if (static_cast<std::ptrdiff_t>(dims_.size()) < n_dims_ || !cells.is_bounded(cell)) {
    return std::numeric_limits<double>::infinity();
  }
  std::vector<double> points;
  Face all;
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    write_vertex(cell, v, points);
    points.pop_back();
    all.push_back(v);
  }
  const VertexCells::Facets facets = cells.facets(cell);
  return Triangulation(points, n_dims_, facets).volume(all);
}

std::vector<double> ShapeWriter::outputs_inside(const VertexCell& cell) const {
  const PatternMaps& maps = explorer_.maps();
  const std::ptrdiff_t last = network_.size() - 1;
  std::vector<double> place(static_cast<std::size_t>(maps.n_coefficients()), 1.0);
  explorer_.cells().point(cell, place.data());
  std::vector<double> out(static_cast<std::size_t>(network_.stages[last].n_units), 0.0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t c = 0; c < place.size(); ++c) {
      out[i] += place[c] * maps.planes(last)[static_cast<std::ptrdiff_t>(c) * maps.stride(last) +
                                             static_cast<std::ptrdiff_t>(i)];
    }
  }
  return out;
}

std::int32_t ShapeWriter::label(const VertexCell& cell) const {
  const std::vector<double> outputs = outputs_inside(cell);
  auto best =
      static_cast<std::int32_t>(std::max_element(outputs.begin(), outputs.end()) - outputs.begin());
  const auto n = static_cast<std::int32_t>(outputs.size());
  const std::int32_t top = best;
  for (std::int32_t other = 0; other < n; ++other) {
    if (other == top) continue;
    const Side side = explorer_.cells().test_pair(cell, top, other);
    if (side == Side::kCut || side == Side::kNegative) return -1;
    if (side == Side::kZero) best = std::min(best, other);
  }
  return best;
}

void ShapeWriter::add(const VertexCell& cell, bool with_volume, RegionShapes& out) const {
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) write_vertex(cell, v, out.vertices);
  out.vertex_starts.push_back(out.vertex_starts.back() + cell.n);
  for (const auto& [ref, on] : explorer_.cells().facets(cell)) {
    out.facets.push_back(row_number(ref, network_.n_hidden));
    write_row(ref, out.facet_rows);
    out.facet_vertices.insert(out.facet_vertices.end(), on.begin(), on.end());
    out.facet_vertex_starts.push_back(static_cast<std::int64_t>(out.facet_vertices.size()));
  }
  out.facet_starts.push_back(static_cast<std::int64_t>(out.facets.size()));
  out.labels.push_back(label(cell));
  if (with_volume) out.volumes.push_back(volume(cell));
}

// The part of the cell of each class; its facets at which others tie are pieces.
void ShapeWriter::add_boundary(const VertexCell& cell, std::int64_t region,
                               BoundaryPieces& out) const {
  VertexCells& cells = explorer_.cells();
  const auto n = static_cast<std::int32_t>(network_.stages.back().n_units);
  for (std::int32_t c = 0; c < n; ++c) {
    const Arena::Mark mark = cells.arena().mark();
    VertexCell part = cell;
    bool empty = false;
    std::vector<std::int32_t> touching;
    for (std::int32_t other = 0; other < n && !empty; ++other) {
      if (other == c) continue;
      const Side side = cells.test_pair(part, c, other);
      empty = side == Side::kNegative || (side == Side::kZero && other < c);
      if (side == Side::kCut) part = cells.split(part).first;
      if (side == Side::kCut || (side == Side::kPositive && !cells.zeros().empty())) {
        touching.push_back(other);
      }
    }
    std::vector<Tie> ties;
    for (std::size_t i = 0; i < touching.size() && !empty; ++i) {
      cells.test_pair(part, c, touching[i]);
      ties.emplace_back(touching[i], Face(cells.zeros().begin(), cells.zeros().end()));
    }
    if (!empty) add_pieces(part, region, c, ties, out);
    cells.arena().release(mark);
  }
}

void ShapeWriter::add_pieces(const VertexCell& part, std::int64_t region, std::int32_t c,
                             const std::vector<Tie>& ties, BoundaryPieces& out) const {
  VertexCells& cells = explorer_.cells();
  const std::ptrdiff_t n = network_.stages.back().n_units;
  for (const auto& [ref, on] : cells.facets(part)) {
    std::vector<std::int32_t> tied;
    for (const auto& [other, zeros] : ties) {
      if (std::includes(zeros.begin(), zeros.end(), on.begin(), on.end())) tied.push_back(other);
    }
    if (tied.empty()) continue;
    const bool inside = ref <= kFirstPair;
    const std::int32_t other = inside ? steepest(cells.exact(), c, tied, n) : tied.front();
    if (inside && other < c) continue;  // a facet of its part, too
    for (const std::ptrdiff_t v : on) write_vertex(part, v, out.vertices);
    out.vertex_starts.push_back(out.vertex_starts.back() + static_cast<std::int64_t>(on.size()));
    out.regions.push_back(region);
    out.classes.insert(out.classes.end(), {c, other});
    out.facets.push_back(inside ? -1 : row_number(ref, network_.n_hidden));
  }
}

}  // namespace hullspace
