#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/regions.hpp"

namespace hullspace::binding {
namespace {

using Doubles = CArray<double>;
using Bytes = CArray<std::uint8_t>;

MatrixView<double> view(const Doubles& array, const char* name) {
  if (array.ndim() != 2) throw ArgumentError(std::string(name) + " must have two dimensions");
  return {array.data(), array.shape(0), array.shape(1)};
}

template <class T>
T item(const py::tuple& values, std::size_t i) {
  return py::cast<T>(values[i]);
}

// ("dense", source, matrix), ("sparse", source, n_in, values, columns, row starts) or
// ("convolution", source, weight, input shape, stride, padding, dilation, groups).
TermData read_term(const py::tuple& term) {
  TermData out;
  const auto kind = item<std::string>(term, 0);
  out.source = item<std::ptrdiff_t>(term, 1);
  if (kind == "dense") {
    out.operation = DenseData{view(item<Doubles>(term, 2), "matrix")};
  } else if (kind == "sparse") {
    SparseData data;
    data.n_in = item<std::ptrdiff_t>(term, 2);
    data.values = item<Doubles>(term, 3).data();
    data.columns = item<CArray<std::int32_t>>(term, 4).data();
    const auto starts = item<CArray<std::int64_t>>(term, 5);
    data.row_starts = starts.data();
    data.n_out = starts.size() - 1;
    out.operation = data;
  } else {
    ConvolutionData data;
    const auto weight = item<Doubles>(term, 2);
    data.weight = weight.data();
    for (int i = 0; i < 4; ++i) data.shape[static_cast<std::size_t>(i)] = weight.shape(i);
    data.input = item<std::array<std::ptrdiff_t, 3>>(term, 3);
    data.stride = item<std::array<std::ptrdiff_t, 2>>(term, 4);
    data.padding = item<std::array<std::ptrdiff_t, 4>>(term, 5);
    data.dilation = item<std::array<std::ptrdiff_t, 2>>(term, 6);
    data.groups = item<std::ptrdiff_t>(term, 7);
    out.operation = data;
  }
  return out;
}

// Stages are (terms, bias, slopes); all arrays must be of the core's types, and are copied.
std::shared_ptr<ReluNetwork> make_network(std::ptrdiff_t n_inputs, const py::list& stages) {
  std::vector<StageData> data;
  for (const py::handle stage : stages) {
    const auto parts = py::cast<py::tuple>(stage);
    StageData out;
    for (const py::handle term : py::cast<py::list>(parts[0])) {
      out.terms.push_back(read_term(py::cast<py::tuple>(term)));
    }
    const auto bias = item<Doubles>(parts, 1);
    out.n_units = bias.size();
    out.bias = bias.data();
    out.slopes = item<Doubles>(parts, 2).data();
    data.push_back(std::move(out));
  }
  return std::make_shared<ReluNetwork>(n_inputs, data);
}

// A search that keeps its network alive.
struct BoundSearch {
  BoundSearch(std::shared_ptr<ReluNetwork> given, const Doubles& basis, const Doubles& origin,
              const Doubles& rows, const Doubles& bounds, bool by_vertices, bool with_proof)
      : network(std::move(given)), n_dims(basis.shape(1)) {
    const RegionDomain domain{view(basis, "basis"), origin.data(), view(rows, "rows"),
                              bounds.data()};
    const py::gil_scoped_release release;
    search = std::make_unique<RegionSearch>(
        *network, domain, by_vertices ? RegionMethod::kVertices : RegionMethod::kPrograms,
        with_proof);
  }

  std::shared_ptr<ReluNetwork> network;
  py::ssize_t n_dims;
  std::unique_ptr<RegionSearch> search;
};

py::tuple own_stream(RegionProofStream&& stream) {
  const auto n_tokens = static_cast<py::ssize_t>(stream.tokens.size());
  const auto n_starts = static_cast<py::ssize_t>(stream.starts.size());
  const auto n_rows = static_cast<py::ssize_t>(stream.rows.size());
  return py::make_tuple(stream.id, stream.first_child, own(std::move(stream.tokens), {n_tokens}),
                        own(std::move(stream.starts), {n_starts}),
                        own(std::move(stream.rows), {n_rows}),
                        own(std::move(stream.multipliers), {n_rows}));
}

py::ssize_t n_bytes(const BoundSearch& self) { return (self.network->n_hidden() + 7) / 8; }

py::tuple own_nodes(const std::vector<RegionNode>& nodes, py::ssize_t width) {
  std::vector<std::int64_t> ids;
  std::vector<std::uint8_t> decided;
  std::vector<std::uint8_t> values;
  for (const RegionNode& node : nodes) {
    ids.push_back(node.id);
    decided.insert(decided.end(), node.decided.begin(), node.decided.end());
    values.insert(values.end(), node.values.begin(), node.values.end());
  }
  const auto n = static_cast<py::ssize_t>(nodes.size());
  return py::make_tuple(own(std::move(ids), {n}), own(std::move(decided), {n, width}),
                        own(std::move(values), {n, width}));
}

py::tuple run(BoundSearch& self, std::int64_t max_regions, double seconds, int n_threads) {
  RegionBatch batch = [&] {
    const py::gil_scoped_release release;
    return self.search->run(max_regions, seconds, signal_context(n_threads));
  }();
  // What a signal handler raised is handed over with what was found.
  py::object raised = py::none();
  if (PyErr_Occurred() != nullptr) raised = py::error_already_set().value();
  const py::ssize_t width = n_bytes(self);
  py::list streams;
  for (RegionProofStream& stream : batch.streams) streams.append(own_stream(std::move(stream)));
  py::list doubts;
  for (RegionDoubt& doubt : batch.doubts) {
    const auto n_rows = static_cast<py::ssize_t>(doubt.rows.size());
    doubts.append(py::make_tuple(own(std::move(doubt.node.values), {width}), doubt.unit, doubt.side,
                                 own(std::move(doubt.place), {self.n_dims}),
                                 own(std::move(doubt.rows), {n_rows}),
                                 own(std::move(doubt.multipliers), {n_rows})));
  }
  py::list fine_points;
  for (RegionPoint& point : batch.fine_points) {
    const auto n_parts = static_cast<py::ssize_t>(point.parts.size()) / (self.n_dims + 1);
    fine_points.append(
        py::make_tuple(point.region, own(std::move(point.parts), {self.n_dims + 1, n_parts})));
  }
  const std::int64_t n = batch.n_regions;
  return py::make_tuple(own(std::move(batch.patterns), {n, width}),
                        own(std::move(batch.points), {n, self.n_dims}), fine_points, doubts,
                        streams, raised);
}

void set_open(BoundSearch& self, const CArray<std::int64_t>& ids, const Bytes& decided,
              const Bytes& values, std::int64_t next_id) {
  const py::ssize_t width = n_bytes(self);
  if (decided.ndim() != 2 || values.ndim() != 2 || decided.shape(1) != width ||
      values.shape(1) != width || decided.shape(0) != values.shape(0) ||
      ids.size() != values.shape(0)) {
    throw ArgumentError("open branches must have one bit for each hidden unit");
  }
  std::vector<RegionNode> nodes(static_cast<std::size_t>(decided.shape(0)));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const py::ssize_t first = static_cast<py::ssize_t>(i) * width;
    nodes[i].id = ids.at(static_cast<py::ssize_t>(i));
    nodes[i].decided.assign(decided.data() + first, decided.data() + first + width);
    nodes[i].values.assign(values.data() + first, values.data() + first + width);
  }
  self.search->set_open(std::move(nodes), next_id);
}

MatrixView<std::uint8_t> view_patterns(const BoundSearch& self, const Bytes& patterns) {
  if (patterns.ndim() != 2 || patterns.shape(1) != n_bytes(self)) {
    throw ArgumentError("patterns must have one bit for each hidden unit");
  }
  return {patterns.data(), patterns.shape(0), patterns.shape(1)};
}

template <class T>
py::array_t<T> own_all(std::vector<T>&& values) {
  const auto n = static_cast<py::ssize_t>(values.size());
  return own(std::move(values), {n});
}

py::dict shapes(BoundSearch& self, const Bytes& patterns, bool with_volumes, int n_threads) {
  using namespace py::literals;
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns);
  RegionShapes found = [&] {
    const py::gil_scoped_release release;
    return self.search->shapes(rows, with_volumes, signal_context(n_threads));
  }();
  const auto n_vertices = static_cast<py::ssize_t>(found.vertex_starts.back());
  const auto n_facets = static_cast<py::ssize_t>(found.facets.size());
  return py::dict("vertices"_a = own(std::move(found.vertices), {n_vertices, self.n_dims + 1}),
                  "vertex_starts"_a = own_all(std::move(found.vertex_starts)),
                  "facets"_a = own_all(std::move(found.facets)),
                  "facet_rows"_a = own(std::move(found.facet_rows), {n_facets, self.n_dims + 1}),
                  "facet_starts"_a = own_all(std::move(found.facet_starts)),
                  "facet_vertices"_a = own_all(std::move(found.facet_vertices)),
                  "facet_vertex_starts"_a = own_all(std::move(found.facet_vertex_starts)),
                  "labels"_a = own_all(std::move(found.labels)),
                  "volumes"_a = own_all(std::move(found.volumes)));
}

py::tuple boundary(BoundSearch& self, const Bytes& patterns, int n_threads) {
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns);
  BoundaryPieces found = [&] {
    const py::gil_scoped_release release;
    return self.search->boundary(rows, signal_context(n_threads));
  }();
  const auto n_vertices = static_cast<py::ssize_t>(found.vertex_starts.back());
  const auto n_pieces = static_cast<py::ssize_t>(found.regions.size());
  return py::make_tuple(own(std::move(found.vertices), {n_vertices, self.n_dims + 1}),
                        own_all(std::move(found.vertex_starts)), own_all(std::move(found.regions)),
                        own(std::move(found.classes), {n_pieces, 2}),
                        own_all(std::move(found.facets)));
}

}  // namespace

void bind_regions(py::module_& module) {
  using namespace py::literals;
  py::class_<ReluNetwork, std::shared_ptr<ReluNetwork>>(module, "ReluNetwork")
      .def(py::init(&make_network), "n_inputs"_a, "stages"_a);
  py::class_<BoundSearch>(module, "RegionSearch")
      .def(py::init<std::shared_ptr<ReluNetwork>, const Doubles&, const Doubles&, const Doubles&,
                    const Doubles&, bool, bool>(),
           "network"_a, "basis"_a, "origin"_a, "rows"_a, "bounds"_a, "by_vertices"_a,
           "with_proof"_a)
      .def("run", &run, "max_regions"_a, "seconds"_a, "n_threads"_a,
           "Return (patterns, points, fine points, doubts, streams, raised); Ctrl-C keeps what was "
           "found.")
      .def(
          "open",
          [](const BoundSearch& self) { return own_nodes(self.search->open(), n_bytes(self)); },
          "Return (ids, decided, values) of the open branches.")
      .def("set_open", &set_open, "ids"_a, "decided"_a, "values"_a, "next_id"_a)
      .def_property_readonly("next_id",
                             [](const BoundSearch& self) { return self.search->next_id(); })
      .def(
          "root",
          [](const BoundSearch& self) {
            RegionProofStream copy = self.search->root();
            return own_stream(std::move(copy));
          },
          "Return the proof's tree above the branches that are open at first.")
      .def("shapes", &shapes, "patterns"_a, "with_volumes"_a, "n_threads"_a)
      .def("boundary", &boundary, "patterns"_a, "n_threads"_a,
           "Return (vertices, vertex starts, regions, classes, facets).");
}

}  // namespace hullspace::binding
