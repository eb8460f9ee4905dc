#include "hullspace/error.hpp"

#include <string>

#include "bindings.hpp"

namespace hullspace::binding {

namespace py = pybind11;

void bind_errors(py::module_& module) {
  py::register_local_exception<ArgumentError>(module, "ArgumentError", PyExc_ValueError);
  py::register_local_exception_translator(
      [](std::exception_ptr error) {  // NOLINT(performance-unnecessary-value-param)
        try {
          if (error) std::rethrow_exception(error);
        } catch (const Interrupted&) {
          // The Python error that the signal handler raised is already set.
          if (PyErr_Occurred() == nullptr) PyErr_SetNone(PyExc_KeyboardInterrupt);
        }
      });
}

Context signal_context(int n_threads) {
  if (n_threads < 0) {
    throw ArgumentError("n_threads must not be negative, got " + std::to_string(n_threads));
  }
  return {n_threads, [] {
            const py::gil_scoped_acquire gil;
            return PyErr_CheckSignals() != 0;
          }};
}

}  // namespace hullspace::binding
