#include "bindings.hpp"
#include "hullspace/status.hpp"

namespace hullspace::binding {

void bind_status(pybind11::module_& module) {
  pybind11::enum_<Status>(module, "Status", "Outcome of one problem; results hold its numbers.")
      .value("OPTIMAL", Status::kOptimal)
      .value("INSIDE", Status::kInside)
      .value("OUTSIDE", Status::kOutside)
      .value("UNDECIDED", Status::kUndecided)
      .value("EMPTY", Status::kEmpty)
      .value("UNBOUNDED", Status::kUnbounded)
      .value("LIMIT", Status::kLimit);
}

}  // namespace hullspace::binding
