// The few inner loops that exist once per instruction set, behind one table chosen at run time.
//
// A kernel's translation unit is compiled for its instruction set as a whole, so it must not
// share inline functions with the rest of the core: kernels take and return plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hullspace {

// Points are packed in panels of this many, coordinate by coordinate.
inline constexpr int kPanelPoints = 48;
// No kernel scores more directions at a time.
inline constexpr int kMaxTileDirections = 8;
// Columns given to the double-precision kernels start this many doubles apart, or a multiple.
inline constexpr std::ptrdiff_t kColumnAlignment = 8;

struct Kernels {
  const char* name;

  // Directions that score_tile handles at a time.
  int tile_directions;

  // Score the points of a panel, (n_rows, kPanelPoints), against a tile of directions,
  // (n_rows, tile_directions): scores[j * kPanelPoints + i] is the single-precision dot product
  // of direction j and point i, and bit i of hits[j] says that it is below thresholds[j].
  // Returns a mask of the directions with hits; only their scores are written.
  std::uint32_t (*score_tile)(const float* panel, const float* tile, std::ptrdiff_t n_rows,
                              const float* thresholds, float* scores, std::uint64_t* hits);

  // The same for bytes, four coordinates at a time: the panel is (n_groups, kPanelPoints, 4)
  // unsigned, the tile (n_groups, tile_directions, 4) signed. Sums are exact as long as they and
  // the thresholds are at most 2^30. Null where the instruction set has nothing faster than
  // score_tile.
  std::uint32_t (*score_byte_tile)(const std::uint8_t* panel, const std::int8_t* tile,
                                   std::ptrdiff_t n_groups, const std::int32_t* thresholds,
                                   std::int32_t* sums, std::uint64_t* hits);

  // out[j] = dot(columns + j * stride, x) over `length` elements.
  void (*dots)(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count, const double* x,
               std::ptrdiff_t length, double* out);

  // The same for n_x vectors, x_stride apart, whose results start out_stride apart.
  void (*dots_of_many)(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
                       const double* x, std::ptrdiff_t x_stride, std::ptrdiff_t n_x,
                       std::ptrdiff_t length, double* out, std::ptrdiff_t out_stride);

  // x += sum over j of coefficients[j] * (columns + j * stride).
  void (*combine)(const double* columns, std::ptrdiff_t stride, std::ptrdiff_t count,
                  const double* coefficients, double* x, std::ptrdiff_t length);

  // c += a^T b for a packed as (depth, product_rows) and b as (depth, product_columns), with rows
  // of c `stride` apart.
  int product_rows;
  int product_columns;
  void (*add_product)(const double* a, const double* b, std::ptrdiff_t depth, double* c,
                      std::ptrdiff_t stride);

  // Solve R x = rhs in place for the upper triangle R, (size, size), columns `stride` apart, with
  // the inverses of R's diagonal in its place.
  void (*solve_upper)(const double* r, std::ptrdiff_t stride, std::ptrdiff_t size, double* rhs);
  // Solve R^T x = rhs in place.
  void (*solve_upper_transposed)(const double* r, std::ptrdiff_t stride, std::ptrdiff_t size,
                                 double* rhs);

  // out = (row - center) * high * low, in double precision.
  void (*center_floats)(const float* row, const double* center, double high, double low,
                        double* out, std::ptrdiff_t length);
  void (*center_doubles)(const double* row, const double* center, double high, double low,
                         double* out, std::ptrdiff_t length);

  // What the simplex method does for each of `count` rows: of those whose speed exceeds `least`,
  // the fastest among all that slack / speed, with `noise` added to the slacks, stops first or as
  // good as first. -1 if there is none.
  std::ptrdiff_t (*blocking_row)(const double* slacks, const double* speeds, std::ptrdiff_t count,
                                 double least, double noise);
  // The place where -multipliers[i] / sqrt(squares[i]) is largest and exceeds `least`, or -1.
  std::ptrdiff_t (*steepest_edge)(const double* multipliers, const double* squares,
                                  std::ptrdiff_t count, double least);
  // Divide row k by factors[k], then subtract factors[j] times row k from every other row j; rows
  // are `stride` apart, which is also their length. squares[j] becomes the square of row j's norm.
  void (*pivot)(double* rows, std::ptrdiff_t stride, std::ptrdiff_t count, std::ptrdiff_t k,
                const double* factors, double* squares);

  // For the affine functions of `count` units, (n_rows, stride) coefficients, at a point of n_rows
  // coordinates that is known up to `share`: with each value's doubt, errors[i] + share * sizes[i],
  // raise highest[i] to the value less its doubt, lower lowest[i] to the value plus its doubt, and
  // lower surest[i] to the value's size less its doubt.
  void (*bound_units)(const double* planes, std::ptrdiff_t stride, std::ptrdiff_t n_rows,
                      std::ptrdiff_t count, const double* point, double share, const double* errors,
                      const double* sizes, double* highest, double* lowest, double* surest);

  // (a, b) = (c a + s b, c b - s a).
  void (*rotate)(double* a, double* b, std::ptrdiff_t length, double c, double s);
};

// The table for this machine, or the one that the environment variable HULLSPACE_ISA names
// ("baseline", "avx2", "avx512", "avx512vnni"); ArgumentError if that is unknown, not built or not
// supported.
const Kernels& kernels();

// Inner product of vectors of n elements, and the norm of one.
double dot(const double* a, const double* b, std::ptrdiff_t n);
double norm(const double* a, std::ptrdiff_t n);

std::vector<std::string> built_instruction_sets();
std::vector<std::string> found_instruction_sets();

}  // namespace hullspace
