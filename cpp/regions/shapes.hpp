// What a cell with vertices looks like.
#pragma once

#include <utility>
#include <vector>

#include "regions/explorer.hpp"
#include "regions/vertex_cells.hpp"

namespace hullspace {

// The scale of each internal coordinate: y = scale * internal.
using Scales = std::vector<double>;

class ShapeWriter {
 public:
  ShapeWriter(const ReluNetwork::Stages& network, Explorer<VertexCells>& explorer,
              const std::vector<std::ptrdiff_t>& dims, const Scales& scales, std::ptrdiff_t n_dims)
      : network_(network), explorer_(explorer), dims_(dims), scales_(scales), n_dims_(n_dims) {}

  // Add a region; all units are decided, and the outputs computed.
  void add(const VertexCell& cell, bool with_volume, RegionShapes& out) const;
  void add_boundary(const VertexCell& cell, std::int64_t region, BoundaryPieces& out) const;

 private:
  void write_vertex(const VertexCell& cell, std::ptrdiff_t v, std::vector<double>& out) const;
  void write_row(std::int32_t ref, std::vector<double>& out) const;
  // Another class, and the vertices at which it ties.
  using Tie = std::pair<std::int32_t, std::vector<std::ptrdiff_t>>;
  void add_pieces(const VertexCell& part, std::int64_t region, std::int32_t c,
                  const std::vector<Tie>& ties, BoundaryPieces& out) const;
  double volume(const VertexCell& cell) const;
  std::int32_t label(const VertexCell& cell) const;
  std::vector<double> outputs_inside(const VertexCell& cell) const;

  const ReluNetwork::Stages& network_;
  Explorer<VertexCells>& explorer_;
  const std::vector<std::ptrdiff_t>& dims_;  // that the internal coordinates are
  const Scales& scales_;
  std::ptrdiff_t n_dims_;
};

}  // namespace hullspace
