// What hulls and polyhedra answer on the host and on devices alike: records of arrays, of NumPy or
// of a device.
#pragma once

#include <pybind11/pybind11.h>

namespace hullspace::binding {

namespace py = pybind11;

// A matrix as compressed sparse rows.
struct CsrArrays {
  py::object data;
  py::object indices;
  py::object indptr;
};

struct ProjectionArrays {
  py::object points;
  py::object distances;
  py::object normals;
  py::object gaps;
  py::object status;
  CsrArrays weights;
};

struct MembershipArrays {
  py::object status;
  py::object normals;
  py::object margins;
  py::object residuals;
  CsrArrays weights;
  double tolerance = 0.0;
};

struct RayArrays {
  py::object steps;
  py::object points;
  py::object normals;
  py::object offsets;
  py::object status;
  CsrArrays weights;
};

struct CenterArrays {
  py::object centers;
  py::object radii;
  py::object duals;
  py::object gaps;
  py::object rays;
  py::object status;
};

}  // namespace hullspace::binding
