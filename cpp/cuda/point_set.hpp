// The points of a hull on a device: in its memory, or passing through it from the host's. The
// counterpart of scan/point_set.hpp, with the same coordinates.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cuda/frame.hpp"
#include "cuda/runtime.hpp"
#include "cuda/scan.hpp"

namespace hullspace::cuda {

// A matrix of the caller, in the device's memory: there already, or copied.
class Uploaded {
 public:
  Uploaded(const HscMatrix& matrix, const HscCall& call);
  const DeviceMatrix& matrix() const { return matrix_; }
  std::int64_t n_bytes() const { return copy_.n_bytes(); }

 private:
  Buffer<unsigned char> copy_;
  DeviceMatrix matrix_;
};

// Rows of a matrix wherever it is, from the host's point of view.
std::int64_t row_bytes(const HscMatrix& matrix);

// Fails with HSC_ARGUMENT unless the matrix has as many columns as the points.
void require_columns(const HscMatrix& matrix, const char* name, int n_features);
// Where a kernel puts the place of the first element that it looks for. Whoever calls often keeps
// it.
using FoundPlace = Buffer<unsigned long long>;

// Fails with HSC_ARGUMENT, naming the first element that is NaN or infinite. `first_row` is the
// index of the first row in what the caller passed.
void require_finite(const DeviceMatrix& matrix, std::int64_t first_row, const char* name,
                    FoundPlace& found, cudaStream_t stream);

// Fails with HSC_ARGUMENT, naming the first direction that is zero.
void require_nonzero(const DeviceMatrix& directions, std::int64_t first_row, FoundPlace& found,
                     cudaStream_t stream);

class PointSet {
 public:
  PointSet(const HscMatrix& points, const HscCall& call);

  std::int64_t n_points() const { return given_.n_rows; }
  int n_features() const { return static_cast<int>(given_.n_columns); }
  bool is_double() const { return given_.element_size == 8; }
  const Frame& frame() const { return frame_; }
  // Largest norm of a point, in the set's coordinates; never zero.
  double radius() const { return radius_; }
  // Half the bounding box's width in the set's coordinates; on the device.
  const double* half_widths() const { return half_widths_.data(); }
  double length_to_data(double length) const { return frame_.unit.to_data(length); }
  int n_scan_rows() const { return cuda::n_scan_rows(n_features()); }
  std::int64_t n_bytes() const;

  // Whether all rows, as given, lie on the device. Otherwise they have to be fetched.
  bool has_rows() const { return rows_.data != nullptr; }
  const DeviceMatrix& rows() const { return rows_; }
  bool is_streamed() const { return !has_rows() || panels_.data() == nullptr; }
  // Lists of points, `stride` apart, of which the rows are to be read.
  struct Lists {
    const std::int32_t* points;
    const int* counts;
    std::int64_t n;
    std::int64_t stride;
  };
  // Where rows are not on the device, copy those of listed points to `out`, list after list, each
  // row where its point is in the lists.
  void gather_rows(const Lists& lists, unsigned char* out, const HscCall& call) const;

  // Go through the points, packed and as they were given from the index `first` on: in pieces if
  // they do not fit, or if `work`, multiply-adds for each point, would keep the caller waiting.
  using Visit = std::function<void(const Panels&, const DeviceMatrix& rows, std::int64_t first)>;
  void visit(const HscCall& call, double work, const Visit& use);
  // A part of the points to begin with, every so many panels, if the panels are on the device and
  // enough of them are left; else all panels.
  Panels part() const;

 private:
  using VisitRows = std::function<void(const DeviceMatrix& rows, std::int64_t first)>;
  void choose_pieces(const HscCall& call);
  void visit_rows(const HscCall& call, const VisitRows& use);
  std::vector<double> find_box(const HscCall& call);
  void find_frame(const HscCall& call);
  void find_radius(const HscCall& call);

  HscMatrix given_;
  DeviceMatrix rows_;
  Buffer<unsigned char> own_rows_;  // all, or a piece of them
  Buffer<float> panels_;            // of all points
  Buffer<float> piece_panels_;      // of a piece
  std::int64_t piece_ = 0;          // points
  Frame frame_;
  Buffer<double> center_;
  Buffer<double> half_widths_;
  std::vector<double> host_center_;
  double radius_ = 0.0;
};

}  // namespace hullspace::cuda
