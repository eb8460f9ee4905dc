#include "cuda/point_set.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace hullspace::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 128;

// Shares of the memory limit that the whole set may take, and that pieces of it take otherwise.
constexpr double kResidentShare = 0.7;
constexpr double kPieceShare = 0.25;

// The part of a set that queries start on: every so many panels, if that leaves enough of them.
constexpr std::int64_t kPartStep = 16;
constexpr std::int64_t kFewestPanels = 4;

// Multiply-adds after which the caller is asked whether to go on: a device does them in 0.1 s.
constexpr double kWorkAtOnce = 1e12;

// What is copied from the host, perhaps from a file, between two such questions.
constexpr std::int64_t kCopiedAtOnce = std::int64_t{64} << 20;

HULLSPACE_DEVICE bool is_finite(double x) { return x - x == 0.0; }

// The place of the first element that is not finite, if that is below what is in `first`.
__global__ void find_bad(DeviceMatrix matrix, unsigned long long* first) {
  const std::int64_t n = matrix.n_rows * matrix.n_columns;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n;
       i += stride) {
    if (is_finite(matrix.element(i))) continue;
    atomicMin(first, static_cast<unsigned long long>(i));
    return;
  }
}

// The same for rows of zeros.
__global__ void find_zero(DeviceMatrix matrix, unsigned long long* first) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < matrix.n_rows; i += stride) {
    bool any = false;
    for (std::int64_t j = 0; j < matrix.n_columns && !any; ++j) any = matrix.element(i, j) != 0.0;
    if (any) continue;
    atomicMin(first, static_cast<unsigned long long>(i));
    return;
  }
}

// The box around a block's share of the rows: (blocks, 2, n_columns), lows then highs.
__global__ void find_boxes(DeviceMatrix matrix, double* boxes) {
  const std::int64_t n = matrix.n_columns;
  double* low = boxes + 2 * n * blockIdx.x;
  for (std::int64_t j = threadIdx.x; j < n; j += blockDim.x) {
    double least = kInfinity;
    double most = -kInfinity;
    for (std::int64_t i = blockIdx.x; i < matrix.n_rows; i += gridDim.x) {
      const double x = matrix.element(i * n + j);
      least = x < least ? x : least;
      most = x > most ? x : most;
    }
    low[j] = least;
    low[n + j] = most;
  }
}

// Raise `largest`, bits of a double that is not negative, to the largest square of a row's norm.
__global__ void find_largest(DeviceMatrix matrix, Frame frame, unsigned long long* largest) {
  const WarpTeam team;
  const std::int64_t n_warps = static_cast<std::int64_t>(gridDim.x) * blockDim.x / kWarpSize;
  double most = 0.0;
  for (std::int64_t i =
           (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarpSize;
       i < matrix.n_rows; i += n_warps) {
    double square = 0.0;
    for (std::int64_t j = team.lane(); j < matrix.n_columns; j += team.size()) {
      const double x = framed(matrix, frame, i, j);
      square += x * x;
    }
    square = team.sum(square);
    most = square > most ? square : most;
  }
  if (team.lane() == 0) {
    atomicMax(largest, static_cast<unsigned long long>(__double_as_longlong(most)));
  }
}

void copy_to_device(void* to, const void* from, std::int64_t n_bytes, const HscCall& call) {
  for (std::int64_t at = 0; at < n_bytes; at += kCopiedAtOnce) {
    poll(call);
    const std::int64_t n = std::min(kCopiedAtOnce, n_bytes - at);
    check(cudaMemcpyAsync(static_cast<char*>(to) + at, static_cast<const char*>(from) + at,
                          static_cast<std::size_t>(n), cudaMemcpyHostToDevice,
                          static_cast<cudaStream_t>(call.stream)),
          "copying to the device");
  }
}

dim3 blocks_for(std::int64_t n_threads) {
  const std::int64_t blocks = (n_threads + kThreads - 1) / kThreads;
  return dim3(static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 1, 4096)));
}

}  // namespace

void require_columns(const HscMatrix& matrix, const char* name, int n_features) {
  if (matrix.n_columns == n_features) return;
  throw Failure(HSC_ARGUMENT, std::string(name) + " must have " + std::to_string(n_features) +
                                  " columns (n_features), got " + std::to_string(matrix.n_columns));
}

std::int64_t row_bytes(const HscMatrix& matrix) { return matrix.n_columns * matrix.element_size; }

Uploaded::Uploaded(const HscMatrix& matrix, const HscCall& call)
    : matrix_{matrix.data, matrix.n_rows, matrix.n_columns, matrix.element_size == 8} {
  if (matrix.on_device != 0 || matrix.n_rows == 0) return;
  copy_.reserve(matrix.n_rows * row_bytes(matrix));
  copy_to_device(copy_.data(), matrix.data, matrix.n_rows * row_bytes(matrix), call);
  matrix_.data = copy_.data();
}

namespace {

// The least number that a kernel finds by atomicMin, or all ones.
template <class Start>
unsigned long long find_first(FoundPlace& place, cudaStream_t stream, const Start& start) {
  unsigned long long found = ~0ULL;
  place.reserve(1);
  check(cudaMemsetAsync(place.data(), 0xff, sizeof found, stream), "clearing");
  start(place.data());
  copy_elements(&found, place.data(), 1, stream);
  check(cudaStreamSynchronize(stream), "checking an argument");
  return found;
}

double read_element(const DeviceMatrix& matrix, std::int64_t at) {
  double value = 0.0;
  float single = 0.0F;
  const std::int64_t size = matrix.is_double ? 8 : 4;
  void* target = matrix.is_double ? static_cast<void*>(&value) : static_cast<void*>(&single);
  check(cudaMemcpy(target, static_cast<const unsigned char*>(matrix.data) + at * size,
                   static_cast<std::size_t>(size), cudaMemcpyDeviceToHost),
        "copying");
  return matrix.is_double ? value : static_cast<double>(single);
}

}  // namespace

void require_finite(const DeviceMatrix& matrix, std::int64_t first_row, const char* name,
                    FoundPlace& place, cudaStream_t stream) {
  const std::int64_t n = matrix.n_rows * matrix.n_columns;
  if (n == 0) return;
  const unsigned long long found = find_first(place, stream, [&](unsigned long long* first) {
    launch(find_bad, blocks_for(n), dim3(kThreads), 0, stream, matrix, first);
  });
  if (found == ~0ULL) return;
  const auto at = static_cast<std::int64_t>(found);
  const double value = read_element(matrix, at);
  const char* what = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  throw Failure(HSC_ARGUMENT, std::string(name) + " must be finite, got " + what + " at [" +
                                  std::to_string(first_row + at / matrix.n_columns) + ", " +
                                  std::to_string(at % matrix.n_columns) + "]");
}

void require_nonzero(const DeviceMatrix& directions, std::int64_t first_row, FoundPlace& place,
                     cudaStream_t stream) {
  if (directions.n_rows == 0) return;
  const unsigned long long found = find_first(place, stream, [&](unsigned long long* first) {
    launch(find_zero, blocks_for(directions.n_rows), dim3(kThreads), 0, stream, directions, first);
  });
  if (found == ~0ULL) return;
  throw Failure(HSC_ARGUMENT, "directions must not be zero, got a row of zeros at [" +
                                  std::to_string(first_row + static_cast<std::int64_t>(found)) +
                                  "]");
}

PointSet::PointSet(const HscMatrix& points, const HscCall& call) : given_(points) {
  if (points.n_rows < 1) throw Failure(HSC_ARGUMENT, "points must have at least one row");
  if (points.n_columns < 1) throw Failure(HSC_ARGUMENT, "points must have at least one column");
  if (points.n_rows > std::numeric_limits<std::int32_t>::max()) {
    throw Failure(HSC_ARGUMENT,
                  "points must have at most 2147483647 rows, got " + std::to_string(points.n_rows));
  }
  choose_pieces(call);
  find_frame(call);
  find_radius(call);
}

std::int64_t PointSet::n_bytes() const {
  return own_rows_.n_bytes() + panels_.n_bytes() + piece_panels_.n_bytes() + center_.n_bytes() +
         half_widths_.n_bytes();
}

// Keep all on the device if that leaves room for work, else pieces.
void PointSet::choose_pieces(const HscCall& call) {
  const bool on_device = given_.on_device != 0;
  const std::int64_t panel = std::int64_t{n_scan_rows()} * kTile;  // floats
  const std::int64_t tile_bytes = panel * 4 + (on_device ? 0 : kTile * row_bytes(given_));
  const std::int64_t n_tiles = (n_points() + kTile - 1) / kTile;
  const auto limit = static_cast<double>(call.memory_limit);
  if (on_device) rows_ = {given_.data, n_points(), n_features(), is_double()};
  if (static_cast<double>(n_tiles * tile_bytes) <= kResidentShare * limit) {
    piece_ = n_points();
    panels_.reserve(n_tiles * panel);
    if (on_device) return;
    own_rows_.reserve(n_points() * row_bytes(given_));
    copy_to_device(own_rows_.data(), given_.data, n_points() * row_bytes(given_), call);
    rows_ = {own_rows_.data(), n_points(), n_features(), is_double()};
    return;
  }
  const auto n = static_cast<std::int64_t>(kPieceShare * limit / static_cast<double>(tile_bytes));
  if (n < 1) {
    throw Failure(
        HSC_MEMORY,
        "memory_limit of " + std::to_string(call.memory_limit) + " bytes is too small: points of " +
            std::to_string(n_features()) + " features need at least " +
            std::to_string(
                static_cast<std::int64_t>(static_cast<double>(tile_bytes) / kPieceShare) + 1));
  }
  piece_ = std::min(n, n_tiles) * kTile;
  piece_panels_.reserve(piece_ / kTile * panel);
  if (!on_device) own_rows_.reserve(piece_ * row_bytes(given_));
}

void PointSet::visit_rows(const HscCall& call, const VisitRows& use) {
  for (std::int64_t first = 0; first < n_points(); first += piece_) {
    poll(call);
    const std::int64_t n = std::min(piece_, n_points() - first);
    DeviceMatrix piece{own_rows_.data(), n, n_features(), is_double()};
    if (has_rows()) {
      piece.data = static_cast<const unsigned char*>(rows_.data) + first * row_bytes(given_);
    } else {
      const auto* source =
          static_cast<const unsigned char*>(given_.data) + first * row_bytes(given_);
      copy_to_device(own_rows_.data(), source, n * row_bytes(given_), call);
    }
    use(piece, first);
  }
}

void PointSet::visit(const HscCall& call, double work, const Visit& use) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const double at_once = std::max(1.0, kWorkAtOnce / (work * kTile));
  const std::int64_t most = at_once < 1e9 ? static_cast<std::int64_t>(at_once) * kTile : n_points();
  const auto visit_parts = [&](const float* panels, const DeviceMatrix& rows, std::int64_t first) {
    for (std::int64_t at = 0; at < rows.n_rows; at += most) {
      if (first + at > 0) {
        check(cudaStreamSynchronize(stream), "scanning");
        poll(call);
      }
      const std::int64_t n = std::min(most, rows.n_rows - at);
      const auto* data = static_cast<const unsigned char*>(rows.data) + at * row_bytes(given_);
      use({panels + at * n_scan_rows(), n, first + at, n_scan_rows()},
          {data, n, rows.n_columns, rows.is_double}, first + at);
    }
  };
  if (panels_.data() != nullptr) return visit_parts(panels_.data(), rows_, 0);
  visit_rows(call, [&](const DeviceMatrix& rows, std::int64_t first) {
    pack_points(rows, 0, rows.n_rows, frame_, n_scan_rows(), piece_panels_.data(), stream);
    visit_parts(piece_panels_.data(), rows, first);
  });
}

Panels PointSet::part() const {
  const std::int64_t n_panels = (n_points() + kTile - 1) / kTile;
  const std::int64_t step = std::clamp<std::int64_t>(n_panels / kFewestPanels, 1, kPartStep);
  return {panels_.data(), n_points(), 0, n_scan_rows(), static_cast<int>(step)};
}

// The bounding box of the points, which must be finite: (2, n_features), lows then highs.
std::vector<double> PointSet::find_box(const HscCall& call) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const auto n = static_cast<std::size_t>(n_features());
  std::vector<double> box(2 * n, kInfinity);
  std::fill_n(box.begin() + std::ssize(box) / 2, n, -kInfinity);
  Buffer<double> boxes(static_cast<std::int64_t>(2 * n) * kMostBlocks);
  std::vector<double> part(2 * n * kMostBlocks);
  FoundPlace bad;
  visit_rows(call, [&](const DeviceMatrix& rows, std::int64_t first) {
    require_finite(rows, first, "points", bad, stream);
    const auto n_blocks =
        static_cast<std::size_t>(std::min<std::int64_t>(rows.n_rows, kMostBlocks));
    launch(find_boxes, dim3(static_cast<unsigned>(n_blocks)), dim3(kThreads), 0, stream, rows,
           boxes.data());
    copy_elements(part.data(), boxes.data(), static_cast<std::int64_t>(2 * n * n_blocks), stream);
    check(cudaStreamSynchronize(stream), "finding the bounding box");
    for (std::size_t i = 0; i < n_blocks; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        box[j] = std::min(box[j], part[2 * n * i + j]);
        box[n + j] = std::max(box[n + j], part[2 * n * i + n + j]);
      }
    }
  });
  return box;
}

// The middle of the bounding box, and a power of two that brings its reach near one.
void PointSet::find_frame(const HscCall& call) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const auto n = static_cast<std::size_t>(n_features());
  const std::vector<double> box = find_box(call);
  double reach = 0.0;
  double offset = 0.0;
  host_center_.resize(n);
  std::vector<double> half_widths(n);
  for (std::size_t j = 0; j < n; ++j) {
    host_center_[j] = decide::middle(box[j], box[n + j]);
    half_widths[j] = decide::half_width(box[j], box[n + j], host_center_[j]);
    reach = std::max(reach, half_widths[j]);
    offset = std::max(offset, std::abs(host_center_[j]));
  }
  center_.reserve(n_features());
  copy_elements(center_.data(), host_center_.data(), static_cast<std::int64_t>(n), stream);
  frame_ = {center_.data(), decide::unit_of(reach, offset)};
  for (double& width : half_widths) width = frame_.unit.to_set(width);
  half_widths_.reserve(n_features());
  copy_elements(half_widths_.data(), half_widths.data(), static_cast<std::int64_t>(n), stream);
  check(cudaStreamSynchronize(stream), "copying");
}

void PointSet::find_radius(const HscCall& call) {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  Buffer<unsigned long long> largest(1);
  check(cudaMemsetAsync(largest.data(), 0, sizeof(unsigned long long), stream), "clearing");
  visit_rows(call, [&](const DeviceMatrix& rows, std::int64_t) {
    launch(find_largest, blocks_for(rows.n_rows * kWarpSize), dim3(kThreads), 0, stream, rows,
           frame_, largest.data());
    if (panels_.data() != nullptr) {
      pack_points(rows, 0, rows.n_rows, frame_, n_scan_rows(), panels_.data(), stream);
    }
  });
  unsigned long long bits = 0;
  copy_elements(&bits, largest.data(), 1, stream);
  check(cudaStreamSynchronize(stream), "preparing the points");
  radius_ = std::sqrt(std::bit_cast<double>(bits));
  if (radius_ > 0.0) return;
  double square = 0.0;
  for (const double c : host_center_) {
    const double scaled = frame_.unit.to_set(c);
    square += scaled * scaled;
  }
  radius_ = decide::lone_radius(square, frame_.unit);
}

void PointSet::gather_rows(const Lists& lists, unsigned char* out, const HscCall& call) const {
  const auto stream = static_cast<cudaStream_t>(call.stream);
  const auto size = static_cast<std::size_t>(row_bytes(given_));
  const auto n = static_cast<std::size_t>(lists.n * lists.stride);
  std::vector<std::int32_t> points(n);
  std::vector<int> counts(static_cast<std::size_t>(lists.n));
  copy_elements(points.data(), lists.points, static_cast<std::int64_t>(n), stream);
  copy_elements(counts.data(), lists.counts, std::ssize(counts), stream);
  check(cudaStreamSynchronize(stream), "scanning");
  const auto* data = static_cast<const unsigned char*>(given_.data);
  const auto stride = static_cast<std::size_t>(lists.stride);
  const std::size_t at_once =
      std::max<std::size_t>(1, static_cast<std::size_t>(kCopiedAtOnce) / (stride * size));
  std::vector<unsigned char> rows(std::min(at_once, counts.size()) * stride * size);
  for (std::size_t first = 0; first < counts.size(); first += at_once) {
    const std::size_t last = std::min(first + at_once, counts.size());
    for (std::size_t i = first; i < last; ++i) {
      for (int k = 0; k < counts[i]; ++k) {
        const std::size_t place = i * stride + static_cast<std::size_t>(k);
        std::memcpy(&rows[(place - first * stride) * size],
                    data + static_cast<std::size_t>(points[place]) * size, size);
      }
    }
    copy_to_device(out + first * stride * size, rows.data(),
                   static_cast<std::int64_t>((last - first) * stride * size), call);
    check(cudaStreamSynchronize(stream), "copying rows to the device");
  }
}

}  // namespace hullspace::cuda
