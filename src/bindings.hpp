// What each binding unit adds to the module.
#pragma once

#include <pybind11/pybind11.h>

#include "hullspace/context.hpp"

namespace hullspace::binding {

void bind_answers(pybind11::module_& module);
void bind_errors(pybind11::module_& module);
void bind_status(pybind11::module_& module);
void bind_device(pybind11::module_& module);
void bind_hull(pybind11::module_& module);
void bind_networks(pybind11::module_& module);
void bind_polyhedron(pybind11::module_& module);
void bind_regions(pybind11::module_& module);

// A context of so many threads, 0 for all cores, whose call ends on Ctrl-C or another signal
// handler that raises. The call must be made without the GIL.
Context signal_context(int n_threads);

}  // namespace hullspace::binding
