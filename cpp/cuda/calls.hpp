// The calls of the interface's table that have files of their own.
#pragma once

#include <cstdint>

#include "cuda/interface.h"

namespace hullspace::cuda {

int make_hull(const HscCall* call, const HscMatrix* points, HscHull** out);
void free_hull(HscHull* hull);
int describe_hull(const HscHull* hull, HscHullInfo* out);
int most_queries(HscHull* hull, const HscCall* call, std::int64_t* out);
int solve_hull(HscHull* hull, const HscCall* call, int goal, const HscMatrix* queries,
               const HscMatrix* directions, std::int64_t first_point, double tolerance,
               HscAnswers** out);
std::int64_t count_weights(const HscAnswers* answers);
int fetch_answers(const HscAnswers* answers, const HscCall* call, const HscHullAnswers* to);
void free_answers(HscAnswers* answers);
int find_supports(HscHull* hull, const HscCall* call, const HscMatrix* directions,
                  std::int32_t* out);
int chebyshev_centers(const HscCall* call, const HscPolyhedra* polyhedra, const HscCenters* to);

}  // namespace hullspace::cuda
