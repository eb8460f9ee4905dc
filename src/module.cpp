#include "hullspace/build_info.hpp"

#include <pybind11/stl.h>

#include "bindings.hpp"

namespace py = pybind11;

namespace {

py::dict build_info() {
  using namespace py::literals;
  const hullspace::BuildInfo info = hullspace::build_info();
  const py::dict instruction_sets("found"_a = info.instruction_sets_found,
                                  "built"_a = info.instruction_sets_built,
                                  "used"_a = info.instruction_set_used);
  const py::dict cuda("built"_a = info.cuda_built, "reason"_a = info.cuda_reason,
                      "architectures"_a = info.cuda_architectures, "library"_a = info.cuda_library);
  return py::dict("version"_a = info.version, "compiler"_a = info.compiler,
                  "instruction_sets"_a = instruction_sets, "threads"_a = info.n_threads,
                  "cuda"_a = cuda);
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of hullspace.";
  hullspace::binding::bind_errors(module);
  hullspace::binding::bind_status(module);
  hullspace::binding::bind_answers(module);
  hullspace::binding::bind_device(module);
  hullspace::binding::bind_hull(module);
  hullspace::binding::bind_polyhedron(module);
  hullspace::binding::bind_networks(module);
  hullspace::binding::bind_regions(module);
  module.def("build_info", &build_info, "Describe the core and what it uses on this machine.");
  module.attr("__version__") = HULLSPACE_VERSION;
}
