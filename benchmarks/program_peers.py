"""Linear and quadratic programming elsewhere, for the questions of polyhedra."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

if TYPE_CHECKING:
    from types import ModuleType

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def optional(name: str) -> ModuleType | None:
    """Import a peer, or say that it is left out."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        print(f"{name} is not installed and left out; pip install '.[bench]'")
        return None


def ball_program(A: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Objective, rows and bounds of the largest ball: centre and radius are unknown."""
    n_features = A.shape[1]
    objective = np.append(np.zeros(n_features), 1.0)
    rows = np.column_stack([A, np.linalg.norm(A, axis=1)])
    return objective, np.vstack([rows, -objective]), np.append(b, 0.0)


def linprog_value(objective: Floats, rows: Floats, bounds: Floats) -> float:
    """Largest value by HiGHS through SciPy."""
    result = linprog(-objective, A_ub=rows, b_ub=bounds, bounds=(None, None), method="highs")
    assert result.status == 0, result.message
    return float(-result.fun)


class Highspy:
    """HiGHS without SciPy: one solver, whose models are built beforehand and not timed."""

    def __init__(self) -> None:
        import highspy

        self._module = highspy
        self._solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self._solver.setOptionValue(option, value)

    def model(self, objective: Floats, rows: Floats, bounds: Floats) -> Any:
        """Build a model of free unknowns."""
        infinity = self._module.kHighsInf
        matrix = sparse.csc_array(rows)
        model = self._module.HighsLp()
        model.num_row_, model.num_col_ = rows.shape
        model.col_cost_ = -objective
        model.col_lower_ = np.full(len(objective), -infinity)
        model.col_upper_ = np.full(len(objective), infinity)
        model.row_lower_ = np.full(len(bounds), -infinity)
        model.row_upper_ = bounds
        model.a_matrix_.format_ = self._module.MatrixFormat.kColwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data
        return model

    def _run(self) -> float:
        self._solver.run()
        assert self._solver.getModelStatus() == self._module.HighsModelStatus.kOptimal
        return -float(self._solver.getInfo().objective_function_value)

    def values(self, models: list[Any], *, warm: bool) -> tuple[list[float], float]:
        """Values of models of one shape, and CPU seconds; warm ones start from the last basis."""
        found, basis = [], None
        start = time.process_time()
        for model in models:
            self._solver.passModel(model)
            if warm and basis is not None:
                self._solver.setBasis(basis)
            found.append(self._run())
            basis = self._solver.getBasis()
        return found, time.process_time() - start

    def supports(
        self, rows: Floats, bounds: Floats, directions: Floats
    ) -> tuple[list[float], float]:
        """Largest values of many objectives over one polyhedron, each from the last basis."""
        self._solver.passModel(self.model(directions[0], rows, bounds))
        self._run()
        columns = np.arange(rows.shape[1], dtype=np.int32)
        found = []
        start = time.process_time()
        for direction in directions:
            self._solver.changeColsCost(len(columns), columns, -direction)
            found.append(self._run())
        return found, time.process_time() - start


def clarabel_distance(A: Floats, b: Floats, point: Floats) -> float:
    """Projection by an interior-point method for quadratic programs."""
    import clarabel

    n_features = len(point)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.eye_array(n_features)),
        -point,
        sparse.csc_matrix(A),
        b,
        [clarabel.NonnegativeConeT(len(A))],
        settings,
    )
    return float(np.linalg.norm(np.array(solver.solve().x) - point))
