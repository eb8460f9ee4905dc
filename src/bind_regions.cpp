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

struct StreamArrays {
  std::int64_t id = 0;
  std::int64_t first_child = 0;
  py::array_t<std::int32_t> tokens;
  py::array_t<std::int64_t> starts;
  py::array_t<std::int32_t> rows;
  py::array_t<double> multipliers;
};

StreamArrays own_stream(RegionProofStream&& stream) {
  return {.id = stream.id,
          .first_child = stream.first_child,
          .tokens = own(std::move(stream.tokens)),
          .starts = own(std::move(stream.starts)),
          .rows = own(std::move(stream.rows)),
          .multipliers = own(std::move(stream.multipliers))};
}

py::ssize_t n_bytes(const BoundSearch& self) { return (self.network->n_hidden() + 7) / 8; }

struct NodeArrays {
  py::array_t<std::int64_t> ids;
  py::array_t<std::uint8_t> decided;
  py::array_t<std::uint8_t> values;
};

NodeArrays own_nodes(const std::vector<RegionNode>& nodes, py::ssize_t width) {
  std::vector<std::int64_t> ids;
  std::vector<std::uint8_t> decided;
  std::vector<std::uint8_t> values;
  for (const RegionNode& node : nodes) {
    ids.push_back(node.id);
    decided.insert(decided.end(), node.decided.begin(), node.decided.end());
    values.insert(values.end(), node.values.begin(), node.values.end());
  }
  const Shape shape{std::ssize(nodes), width};
  return {.ids = own(std::move(ids)),
          .decided = own(std::move(decided), shape),
          .values = own(std::move(values), shape)};
}

struct DoubtArrays {
  py::array_t<std::uint8_t> values;
  std::int32_t unit = 0;
  bool side = false;
  py::array_t<double> place;
  py::array_t<std::int32_t> rows;
  py::array_t<double> multipliers;
};

DoubtArrays own_doubt(RegionDoubt&& doubt) {
  return {.values = own(std::move(doubt.node.values)),
          .unit = doubt.unit,
          .side = doubt.side,
          .place = own(std::move(doubt.place)),
          .rows = own(std::move(doubt.rows)),
          .multipliers = own(std::move(doubt.multipliers))};
}

struct PointArrays {
  std::int64_t region;
  py::array_t<double> parts;
};

struct BatchArrays {
  py::array_t<std::uint8_t> patterns;
  py::array_t<double> points;
  std::vector<PointArrays> fine_points;
  std::vector<DoubtArrays> doubts;
  std::vector<StreamArrays> streams;
  py::object raised;
};

BatchArrays run(BoundSearch& self, std::int64_t max_regions, double seconds, int n_threads) {
  RegionBatch batch = [&] {
    const py::gil_scoped_release release;
    return self.search->run(max_regions, seconds, signal_context(n_threads));
  }();
  BatchArrays out;
  // What a signal handler raised is handed over with what was found.
  out.raised = py::none();
  if (PyErr_Occurred() != nullptr) out.raised = py::error_already_set().value();
  out.patterns = own(std::move(batch.patterns), {batch.n_regions, n_bytes(self)});
  out.points = own(std::move(batch.points), {batch.n_regions, self.n_dims});
  for (RegionDoubt& doubt : batch.doubts) out.doubts.push_back(own_doubt(std::move(doubt)));
  for (RegionProofStream& stream : batch.streams) {
    out.streams.push_back(own_stream(std::move(stream)));
  }
  for (RegionPoint& point : batch.fine_points) {
    const auto n_parts = static_cast<py::ssize_t>(point.parts.size()) / (self.n_dims + 1);
    out.fine_points.push_back(
        {point.region, own(std::move(point.parts), {self.n_dims + 1, n_parts})});
  }
  return out;
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

struct ShapeArrays {
  py::array_t<double> vertices;
  py::array_t<std::int64_t> vertex_starts;
  py::array_t<std::int32_t> facets;
  py::array_t<double> facet_rows;
  py::array_t<std::int64_t> facet_starts;
  py::array_t<std::int32_t> facet_vertices;
  py::array_t<std::int64_t> facet_vertex_starts;
  py::array_t<std::int32_t> labels;
  py::array_t<double> volumes;
};

ShapeArrays shapes(BoundSearch& self, const Bytes& patterns, bool with_volumes, int n_threads) {
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns);
  RegionShapes found = [&] {
    const py::gil_scoped_release release;
    return self.search->shapes(rows, with_volumes, signal_context(n_threads));
  }();
  const Shape vertices{found.vertex_starts.back(), self.n_dims + 1};
  const Shape facets{std::ssize(found.facets), self.n_dims + 1};
  return {.vertices = own(std::move(found.vertices), vertices),
          .vertex_starts = own(std::move(found.vertex_starts)),
          .facets = own(std::move(found.facets)),
          .facet_rows = own(std::move(found.facet_rows), facets),
          .facet_starts = own(std::move(found.facet_starts)),
          .facet_vertices = own(std::move(found.facet_vertices)),
          .facet_vertex_starts = own(std::move(found.facet_vertex_starts)),
          .labels = own(std::move(found.labels)),
          .volumes = own(std::move(found.volumes))};
}

struct PieceArrays {
  py::array_t<double> vertices;
  py::array_t<std::int64_t> vertex_starts;
  py::array_t<std::int64_t> regions;
  py::array_t<std::int32_t> classes;
};

PieceArrays boundary(BoundSearch& self, const Bytes& patterns, int n_threads) {
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns);
  BoundaryPieces found = [&] {
    const py::gil_scoped_release release;
    return self.search->boundary(rows, signal_context(n_threads));
  }();
  const Shape vertices{found.vertex_starts.back(), self.n_dims + 1};
  const Shape classes{std::ssize(found.regions), 2};
  return {.vertices = own(std::move(found.vertices), vertices),
          .vertex_starts = own(std::move(found.vertex_starts)),
          .regions = own(std::move(found.regions)),
          .classes = own(std::move(found.classes), classes)};
}

void bind_batches(py::module_& module) {
  py::class_<StreamArrays>(module, "RegionProofStream",
                           "What became of one branch: a tree of branches in preorder.")
      .def_readonly("id", &StreamArrays::id, "The branch that it is about.")
      .def_readonly("first_child", &StreamArrays::first_child,
                    "The first branch that it leaves open.")
      .def_readonly("tokens", &StreamArrays::tokens,
                    "A hidden unit to branch on, its positive side first; -1 a region, -2 a "
                    "branch without interior points, -3 an open one.")
      .def_readonly("starts", &StreamArrays::starts, "Where the multipliers of each -2 start.")
      .def_readonly("rows", &StreamArrays::rows, "Hidden units, then the domain's constraints.")
      .def_readonly("multipliers", &StreamArrays::multipliers);
  py::class_<NodeArrays>(module, "RegionNodes", "Branches that are open.")
      .def_readonly("ids", &NodeArrays::ids, "(n_open,)")
      .def_readonly("decided", &NodeArrays::decided, "(n_open, n_bytes), packed as patterns are")
      .def_readonly("values", &NodeArrays::values, "(n_open, n_bytes)");
  py::class_<DoubtArrays>(module, "RegionDoubt", "A cell that rounding cannot decide.")
      .def_readonly("values", &DoubtArrays::values, "(n_bytes,)")
      .def_readonly("unit", &DoubtArrays::unit, "The hidden unit that may cut it off.")
      .def_readonly("side", &DoubtArrays::side)
      .def_readonly("place", &DoubtArrays::place, "(n_dims,)")
      .def_readonly("rows", &DoubtArrays::rows, "Multipliers that would prove it empty.")
      .def_readonly("multipliers", &DoubtArrays::multipliers);
  py::class_<PointArrays>(module, "RegionPoint", "A point inside a thin region, in more digits.")
      .def_readonly("region", &PointArrays::region, "Which of the batch.")
      .def_readonly(
          "parts", &PointArrays::parts,
          "(n_dims + 1, n_parts): homogeneous coordinates (t y, t), each the sum of its parts.");
  py::class_<BatchArrays>(module, "RegionBatch", "What a run of a search has found.")
      .def_readonly("patterns", &BatchArrays::patterns, "(n_regions, n_bytes), lowest bit first")
      .def_readonly("points", &BatchArrays::points, "(n_regions, n_dims), inside")
      .def_readonly("fine_points", &BatchArrays::fine_points, "Where points are not inside.")
      .def_readonly("doubts", &BatchArrays::doubts)
      .def_readonly("streams", &BatchArrays::streams, "With a proof: of branches that were open.")
      .def_readonly("raised", &BatchArrays::raised,
                    "What a signal handler raised meanwhile, or None.");
}

void bind_shapes(py::module_& module) {
  py::class_<ShapeArrays>(module, "RegionShapes",
                          "What regions look like, one after the other as the starts say.")
      .def_readonly("vertices", &ShapeArrays::vertices,
                    "(n_vertices, n_dims + 1): (y, 1), or (direction, 0)")
      .def_readonly("vertex_starts", &ShapeArrays::vertex_starts)
      .def_readonly("facets", &ShapeArrays::facets, "Hidden units, then the domain's constraints.")
      .def_readonly("facet_rows", &ShapeArrays::facet_rows, "(n_facets, n_dims + 1)")
      .def_readonly("facet_starts", &ShapeArrays::facet_starts)
      .def_readonly("facet_vertices", &ShapeArrays::facet_vertices,
                    "Of each facet, counted within the region.")
      .def_readonly("facet_vertex_starts", &ShapeArrays::facet_vertex_starts)
      .def_readonly("labels", &ShapeArrays::labels,
                    "Class of the largest output, -1 if several share the region.")
      .def_readonly("volumes", &ShapeArrays::volumes, "Empty unless asked for.");
  py::class_<PieceArrays>(module, "BoundaryPieces",
                          "Where two outputs are equal and no other is larger.")
      .def_readonly("vertices", &PieceArrays::vertices, "As those of RegionShapes.")
      .def_readonly("vertex_starts", &PieceArrays::vertex_starts)
      .def_readonly("regions", &PieceArrays::regions, "(n_pieces,), of the given ones")
      .def_readonly("classes", &PieceArrays::classes, "(n_pieces, 2)");
}

}  // namespace

void bind_regions(py::module_& module) {
  using namespace py::literals;
  bind_batches(module);
  bind_shapes(module);
  py::class_<ReluNetwork, std::shared_ptr<ReluNetwork>>(module, "ReluNetwork")
      .def(py::init(&make_network), "n_inputs"_a, "stages"_a);
  py::class_<BoundSearch>(module, "RegionSearch")
      .def(py::init<std::shared_ptr<ReluNetwork>, const Doubles&, const Doubles&, const Doubles&,
                    const Doubles&, bool, bool>(),
           "network"_a, "basis"_a, "origin"_a, "rows"_a, "bounds"_a, "by_vertices"_a,
           "with_proof"_a)
      .def("run", &run, "max_regions"_a, "seconds"_a, "n_threads"_a,
           "Find more regions; Ctrl-C keeps what was found.")
      .def(
          "open",
          [](const BoundSearch& self) { return own_nodes(self.search->open(), n_bytes(self)); },
          "Return the branches that are still open.")
      .def("set_open", &set_open, "ids"_a, "decided"_a, "values"_a, "next_id"_a,
           "Go on with these branches; new ones are numbered from there on.")
      .def_property_readonly("next_id",
                             [](const BoundSearch& self) { return self.search->next_id(); })
      .def(
          "root",
          [](const BoundSearch& self) {
            RegionProofStream copy = self.search->root();
            return own_stream(std::move(copy));
          },
          "Return the proof's tree above the branches that are open at first.")
      .def("shapes", &shapes, "patterns"_a, "with_volumes"_a, "n_threads"_a,
           "Say what regions with these patterns look like.")
      .def("boundary", &boundary, "patterns"_a, "n_threads"_a,
           "Find the pieces of the decision boundary in regions with these patterns.");
}

}  // namespace hullspace::binding
