#include "answers.hpp"

#include "bindings.hpp"

namespace hullspace::binding {
namespace {

void bind_hull_answers(py::module_& module) {
  py::class_<CsrArrays>(module, "Csr", "A matrix as compressed sparse rows.")
      .def_readonly("data", &CsrArrays::data, "(n_stored,) float64")
      .def_readonly("indices", &CsrArrays::indices, "(n_stored,) columns, of indptr's type")
      .def_readonly("indptr", &CsrArrays::indptr, "(n_rows + 1,) where rows start");
  py::class_<ProjectionArrays>(module, "Projections", "The nearest points of a hull to queries.")
      .def_readonly("points", &ProjectionArrays::points, "(n_queries, n_features) float64")
      .def_readonly("distances", &ProjectionArrays::distances, "(n_queries,) float64")
      .def_readonly("normals", &ProjectionArrays::normals,
                    "(n_queries, n_features) float64, from hull to query; proves the gap")
      .def_readonly("gaps", &ProjectionArrays::gaps,
                    "(n_queries,) float64; the truth is in [distance - gap, distance]")
      .def_readonly("status", &ProjectionArrays::status, "(n_queries,) int8")
      .def_readonly("weights", &ProjectionArrays::weights, "(n_queries, n_points)");
  py::class_<MembershipArrays>(module, "Memberships", "Whether queries are in a hull.")
      .def_readonly("status", &MembershipArrays::status, "(n_queries,) int8")
      .def_readonly("normals", &MembershipArrays::normals,
                    "(n_queries, n_features) float64, unit; zero unless outside")
      .def_readonly("margins", &MembershipArrays::margins,
                    "(n_queries,) float64, verified separation; zero unless outside")
      .def_readonly("residuals", &MembershipArrays::residuals,
                    "(n_queries,) float64, of the weights; NaN unless inside")
      .def_readonly("weights", &MembershipArrays::weights,
                    "(n_queries, n_points); empty rows unless inside")
      .def_readonly("tolerance", &MembershipArrays::tolerance,
                    "The largest residual that counted as inside, in the units of the data.");
  py::class_<RayArrays>(module, "Rays", "Where rays leave a hull.")
      .def_readonly("steps", &RayArrays::steps,
                    "(n_rays,) float64, in units of the direction's length; NaN if outside")
      .def_readonly("points", &RayArrays::points, "(n_rays, n_features) float64")
      .def_readonly("normals", &RayArrays::normals,
                    "(n_rays, n_features) float64, unit; no point of the hull scores higher")
      .def_readonly("offsets", &RayArrays::offsets, "(n_rays,) float64, that highest score")
      .def_readonly("status", &RayArrays::status, "(n_rays,) int8")
      .def_readonly("weights", &RayArrays::weights,
                    "(n_rays, n_points); empty rows unless optimal");
}

}  // namespace

void bind_answers(py::module_& module) {
  bind_hull_answers(module);
  py::class_<CenterArrays>(module, "ChebyshevCenters", "Largest balls in polyhedra.")
      .def_readonly("centers", &CenterArrays::centers,
                    "(n_polyhedra, n_features) float64; NaN if empty")
      .def_readonly("radii", &CenterArrays::radii,
                    "(n_polyhedra,) float64; NaN if empty, infinity if unbounded")
      .def_readonly("duals", &CenterArrays::duals,
                    "(n_bounds,) float64; Farkas multipliers if empty")
      .def_readonly("gaps", &CenterArrays::gaps,
                    "(n_polyhedra,) float64; no ball has a radius above radius + gap")
      .def_readonly("rays", &CenterArrays::rays,
                    "(n_polyhedra, n_features) float64; zero unless unbounded")
      .def_readonly("status", &CenterArrays::status, "(n_polyhedra,) int8");
}

}  // namespace hullspace::binding
