#include "regions/operators.hpp"

#include <algorithm>
#include <cmath>

#include "common/thin_qr.hpp"
#include "hullspace/error.hpp"

namespace hullspace {
namespace {

std::vector<double> absolute_values(const std::vector<double>& values) {
  std::vector<double> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), [](double x) { return std::abs(x); });
  return out;
}

}  // namespace

DenseOperator::DenseOperator(const DenseData& data)
    : n_in_(data.matrix.cols),
      n_out_(data.matrix.rows),
      stride_(ThinQr::padded(n_in_)),
      column_stride_(ThinQr::padded(n_out_)) {
  matrix_.assign(static_cast<std::size_t>(n_out_ * stride_), 0.0);
  columns_.assign(static_cast<std::size_t>(n_in_ * column_stride_), 0.0);
  for (std::ptrdiff_t i = 0; i < n_out_; ++i) {
    std::copy_n(data.matrix.row(i), n_in_, &matrix_[i * stride_]);
    for (std::ptrdiff_t j = 0; j < n_in_; ++j) {
      columns_[j * column_stride_ + i] = data.matrix.row(i)[j];
    }
  }
  absolute_ = absolute_values(matrix_);
  absolute_columns_ = absolute_values(columns_);
}

void DenseOperator::apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count,
                          double* out, std::ptrdiff_t out_stride) const {
  kernels_.dots_of_many(matrix_.data(), stride_, n_out_, in, in_stride, count, n_in_, out,
                        out_stride);
}

void DenseOperator::apply_absolute(const double* in, double* out) const {
  kernels_.dots(absolute_.data(), stride_, n_out_, in, n_in_, out);
}

void DenseOperator::read_row(std::ptrdiff_t i, RowEntries& entries) const {
  const double* row = &matrix_[i * stride_];
  for (std::ptrdiff_t j = 0; j < n_in_; ++j) {
    if (row[j] != 0.0) entries.emplace_back(j, row[j]);
  }
}

SparseOperator::SparseOperator(const SparseData& data)
    : n_in_(data.n_in),
      values_(data.values.begin(), data.values.end()),
      columns_(data.columns.begin(), data.columns.end()),
      starts_(data.row_starts.begin(), data.row_starts.end()) {
  for (std::ptrdiff_t i = 0; i < n_out(); ++i) {
    longest_ = std::max<std::ptrdiff_t>(longest_, starts_[i + 1] - starts_[i]);
  }
  for (const std::int32_t column : columns_) {
    if (column < 0 || column >= n_in_) throw ArgumentError("columns must be in the matrix");
  }
}

void SparseOperator::apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count,
                           double* out, std::ptrdiff_t out_stride) const {
  for (std::ptrdiff_t k = 0; k < count; ++k) {
    const double* x = in + k * in_stride;
    for (std::ptrdiff_t i = 0; i < n_out(); ++i) {
      double total = 0.0;
      for (std::int64_t j = starts_[i]; j < starts_[i + 1]; ++j)
        total += values_[j] * x[columns_[j]];
      out[k * out_stride + i] = total;
    }
  }
}

void SparseOperator::apply_absolute(const double* in, double* out) const {
  for (std::ptrdiff_t i = 0; i < n_out(); ++i) {
    double total = 0.0;
    for (std::int64_t j = starts_[i]; j < starts_[i + 1]; ++j) {
      total += std::abs(values_[j]) * in[columns_[j]];
    }
    out[i] = total;
  }
}

void SparseOperator::read_row(std::ptrdiff_t i, RowEntries& entries) const {
  for (std::int64_t j = starts_[i]; j < starts_[i + 1]; ++j) {
    if (values_[j] != 0.0) entries.emplace_back(columns_[j], values_[j]);
  }
}

ConvolutionOperator::ConvolutionOperator(const ConvolutionData& data) : data_(data) {
  const auto out_size = [&](int axis) {
    const std::ptrdiff_t whole = data.input[axis + 1] + data.padding[axis] + data.padding[axis + 2];
    return (whole - data.dilation[axis] * (data.shape[axis + 2] - 1) - 1) / data.stride[axis] + 1;
  };
  height_ = out_size(0);
  width_ = out_size(1);
  if (data.input[0] != data.shape[1] * data.groups || data.shape[0] % data.groups != 0 ||
      height_ < 1 || width_ < 1) {
    throw ArgumentError("a convolution's kernels must fit its input");
  }
  const auto [channels, inner, tall, wide] = data.shape;
  kernels_of_.resize(static_cast<std::size_t>(channels * inner * tall * wide));
  for (std::ptrdiff_t channel = 0; channel < channels; ++channel) {
    for (std::ptrdiff_t c = 0; c < inner; ++c) {
      for (std::ptrdiff_t place = 0; place < tall * wide; ++place) {
        kernels_of_[(channel * tall * wide + place) * inner + c] =
            data.weight[(channel * inner + c) * tall * wide + place];
      }
    }
  }
  absolute_ = absolute_values(kernels_of_);
  data_.weight = {};
}

double ConvolutionOperator::weight(std::ptrdiff_t channel, std::ptrdiff_t c, std::ptrdiff_t y,
                                   std::ptrdiff_t x) const {
  return kernels_of_[((channel * data_.shape[2] + y) * data_.shape[3] + x) * data_.shape[1] + c];
}

// Row by row of the output; all input channels of one element of the kernel at a time.
void ConvolutionOperator::convolve(const std::vector<double>& weights, const double* in,
                                   double* out) const {
  const auto [channels, inner, tall, wide] = data_.shape;
  const std::ptrdiff_t rows = data_.input[1];
  const std::ptrdiff_t columns = data_.input[2];
  std::vector<double> line(static_cast<std::size_t>(columns));
  for (std::ptrdiff_t channel = 0; channel < channels; ++channel) {
    const double* from = in + channel / (channels / data_.groups) * inner * rows * columns;
    for (std::ptrdiff_t row = 0; row < height_; ++row) {
      double* to = out + (channel * height_ + row) * width_;
      std::fill_n(to, width_, 0.0);
      for (std::ptrdiff_t y = 0; y < tall; ++y) {
        const std::ptrdiff_t given =
            row * data_.stride[0] - data_.padding[0] + y * data_.dilation[0];
        if (given < 0 || given >= rows) continue;
        for (std::ptrdiff_t x = 0; x < wide; ++x) {
          const double* coefficients = &weights[((channel * tall + y) * wide + x) * inner];
          const std::ptrdiff_t step = data_.stride[1];
          const std::ptrdiff_t shift = x * data_.dilation[1] - data_.padding[1];
          // Columns of the output whose input lies within the row.
          const std::ptrdiff_t first = shift >= 0 ? 0 : (-shift + step - 1) / step;
          const std::ptrdiff_t last = std::min(width_, (columns - 1 - shift) / step + 1);
          if (columns - 1 - shift < 0 || first >= last) continue;
          const double* start = from + given * columns;
          if (step == 1) {
            kernels_.combine(start + first + shift, rows * columns, inner, coefficients, to + first,
                             last - first);
            continue;
          }
          std::fill(line.begin(), line.end(), 0.0);
          kernels_.combine(start, rows * columns, inner, coefficients, line.data(), columns);
          for (std::ptrdiff_t j = first; j < last; ++j) to[j] += line[j * step + shift];
        }
      }
    }
  }
}

void ConvolutionOperator::apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count,
                                double* out, std::ptrdiff_t out_stride) const {
  for (std::ptrdiff_t k = 0; k < count; ++k) {
    convolve(kernels_of_, in + k * in_stride, out + k * out_stride);
  }
}

void ConvolutionOperator::apply_absolute(const double* in, double* out) const {
  convolve(absolute_, in, out);
}

void ConvolutionOperator::read_row(std::ptrdiff_t i, RowEntries& entries) const {
  const std::ptrdiff_t channel = i / (height_ * width_);
  const std::ptrdiff_t row = i / width_ % height_;
  const std::ptrdiff_t column = i % width_;
  const std::ptrdiff_t first = channel / (data_.shape[0] / data_.groups) * data_.shape[1];
  for (std::ptrdiff_t c = 0; c < data_.shape[1]; ++c) {
    for (std::ptrdiff_t y = 0; y < data_.shape[2]; ++y) {
      for (std::ptrdiff_t x = 0; x < data_.shape[3]; ++x) {
        const std::ptrdiff_t j = row * data_.stride[0] - data_.padding[0] + y * data_.dilation[0];
        const std::ptrdiff_t k =
            column * data_.stride[1] - data_.padding[1] + x * data_.dilation[1];
        const double value = weight(channel, c, y, x);
        if (j < 0 || j >= data_.input[1] || k < 0 || k >= data_.input[2] || value == 0.0) continue;
        entries.emplace_back(((first + c) * data_.input[1] + j) * data_.input[2] + k, value);
      }
    }
  }
}

}  // namespace hullspace
