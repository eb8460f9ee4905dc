#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/regions.hpp"

namespace hullspace::binding {
namespace {

// A search that keeps its network alive. Calls from several threads take turns.
class BoundSearch {
 public:
  BoundSearch(std::shared_ptr<ReluNetwork> network, const py::array& basis, const py::array& origin,
              const py::array& rows, const py::array& bounds, bool by_vertices, bool with_proof)
      : network_(std::move(network)) {
    const RegionDomain domain = view_domain(basis, origin, rows, bounds);
    n_dims_ = domain.basis.cols;
    const py::gil_scoped_release release;
    search_ = std::make_unique<RegionSearch>(
        *network_, domain, by_vertices ? RegionMethod::kVertices : RegionMethod::kPrograms,
        with_proof);
  }

  py::ssize_t n_dims() const { return n_dims_; }
  py::ssize_t n_bytes() const { return (network_->n_hidden() + 7) / 8; }

  // Make a call of the core, with the GIL released.
  template <class Make>
  auto call(const Make& make) {
    const py::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(mutex_);
    return make(*search_);
  }

 private:
  static RegionDomain view_domain(const py::array& basis, const py::array& origin,
                                  const py::array& rows, const py::array& bounds) {
    const auto along = view_matrix_of<double>(basis, "basis");
    const auto start = view_vector<double>(origin, "origin");
    const auto normals = view_matrix_of<double>(rows, "rows");
    const auto ends = view_vector<double>(bounds, "bounds");
    if (along.cols < 1) throw ArgumentError("basis must have at least one column");
    require_length(std::ssize(start), along.rows, "origin");
    require_length(std::ssize(ends), normals.rows, "bounds");
    require_finite(along.elements(), "basis");
    require_finite(start, "origin");
    require_finite(normals.elements(), "rows");
    require_finite(ends, "bounds");
    return {along, start, normals, ends};
  }

  std::shared_ptr<ReluNetwork> network_;
  py::ssize_t n_dims_ = 0;
  std::unique_ptr<RegionSearch> search_;
  std::mutex mutex_;
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
  RegionBatch batch = self.call([&](RegionSearch& search) {
    return search.run(max_regions, seconds, signal_context(n_threads));
  });
  BatchArrays out;
  // What a signal handler raised is handed over with what was found.
  out.raised = py::none();
  if (PyErr_Occurred() != nullptr) out.raised = py::error_already_set().value();
  out.patterns = own(std::move(batch.patterns), {batch.n_regions, self.n_bytes()});
  out.points = own(std::move(batch.points), {batch.n_regions, self.n_dims()});
  for (RegionDoubt& doubt : batch.doubts) out.doubts.push_back(own_doubt(std::move(doubt)));
  for (RegionProofStream& stream : batch.streams) {
    out.streams.push_back(own_stream(std::move(stream)));
  }
  for (RegionPoint& point : batch.fine_points) {
    const auto n_parts = static_cast<py::ssize_t>(point.parts.size()) / (self.n_dims() + 1);
    out.fine_points.push_back(
        {point.region, own(std::move(point.parts), {self.n_dims() + 1, n_parts})});
  }
  return out;
}

NodeArrays open_nodes(BoundSearch& self) {
  return own_nodes(self.call([](const RegionSearch& search) { return search.open(); }),
                   self.n_bytes());
}

StreamArrays root_stream(BoundSearch& self) {
  return own_stream(self.call([](const RegionSearch& search) { return search.root(); }));
}

// Packed patterns of all hidden units.
MatrixView<std::uint8_t> view_patterns(const BoundSearch& self, const py::array& patterns,
                                       const char* name) {
  const auto rows = view_matrix_of<std::uint8_t>(patterns, name);
  if (rows.cols == self.n_bytes()) return rows;
  throw ArgumentError(std::string(name) + " must have one bit for each hidden unit, in " +
                      std::to_string(self.n_bytes()) + " columns, got " +
                      std::to_string(rows.cols));
}

void set_open(BoundSearch& self, const py::array& ids, const py::array& decided,
              const py::array& values, std::int64_t next_id) {
  const auto numbers = view_vector<std::int64_t>(ids, "ids");
  const auto known = view_patterns(self, decided, "decided");
  const auto sides = view_patterns(self, values, "values");
  if (sides.rows != known.rows) throw ArgumentError("values must have as many rows as decided");
  require_length(std::ssize(numbers), known.rows, "ids");
  std::vector<RegionNode> nodes;
  for (std::ptrdiff_t i = 0; i < known.rows; ++i) {
    nodes.push_back({numbers[static_cast<std::size_t>(i)],
                     {known.row(i), known.row(i) + known.cols},
                     {sides.row(i), sides.row(i) + sides.cols}});
  }
  self.call([&](RegionSearch& search) { search.set_open(std::move(nodes), next_id); });
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

ShapeArrays shapes(BoundSearch& self, const py::array& patterns, bool with_volumes, int n_threads) {
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns, "patterns");
  RegionShapes found = self.call([&](RegionSearch& search) {
    return search.shapes(rows, with_volumes, signal_context(n_threads));
  });
  const Shape vertices{found.vertex_starts.back(), self.n_dims() + 1};
  const Shape facets{std::ssize(found.facets), self.n_dims() + 1};
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
  py::array_t<std::int32_t> facets;
};

PieceArrays boundary(BoundSearch& self, const py::array& patterns, int n_threads) {
  const MatrixView<std::uint8_t> rows = view_patterns(self, patterns, "patterns");
  BoundaryPieces found = self.call(
      [&](RegionSearch& search) { return search.boundary(rows, signal_context(n_threads)); });
  const Shape vertices{found.vertex_starts.back(), self.n_dims() + 1};
  const Shape classes{std::ssize(found.regions), 2};
  return {.vertices = own(std::move(found.vertices), vertices),
          .vertex_starts = own(std::move(found.vertex_starts)),
          .regions = own(std::move(found.regions)),
          .classes = own(std::move(found.classes), classes),
          .facets = own(std::move(found.facets))};
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
      .def_readonly("classes", &PieceArrays::classes, "(n_pieces, 2)")
      .def_readonly("facets", &PieceArrays::facets,
                    "(n_pieces,): the facet that each piece is along, or -1");
}

}  // namespace

void bind_regions(py::module_& module) {
  using namespace py::literals;
  bind_batches(module);
  bind_shapes(module);
  py::class_<BoundSearch>(module, "RegionSearch", "A search that goes on where it ended.")
      .def(py::init<std::shared_ptr<ReluNetwork>, const py::array&, const py::array&,
                    const py::array&, const py::array&, bool, bool>(),
           "network"_a.none(false), "basis"_a, "origin"_a, "rows"_a, "bounds"_a, "by_vertices"_a,
           "with_proof"_a)
      .def("run", &run, "max_regions"_a, "seconds"_a, "n_threads"_a,
           "Find more regions; Ctrl-C keeps what was found.")
      .def("open", &open_nodes, "Return the branches that are still open.")
      .def("set_open", &set_open, "ids"_a, "decided"_a, "values"_a, "next_id"_a,
           "Go on with these branches; new ones are numbered from there on.")
      .def_property_readonly(
          "next_id",
          [](BoundSearch& self) {
            return self.call([](const RegionSearch& search) { return search.next_id(); });
          })
      .def("root", &root_stream,
           "Return the proof's tree above the branches that are open at first.")
      .def("shapes", &shapes, "patterns"_a, "with_volumes"_a, "n_threads"_a,
           "Say what regions with these patterns look like.")
      .def("boundary", &boundary, "patterns"_a, "n_threads"_a,
           "Find the pieces of the decision boundary in regions with these patterns.");
}

}  // namespace hullspace::binding
