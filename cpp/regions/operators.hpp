// Linear operators of a network, on vectors one after the other.
#pragma once

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "common/kernels.hpp"
#include "hullspace/regions.hpp"

namespace hullspace {

using RowEntries = std::vector<std::pair<std::ptrdiff_t, double>>;

class DenseOperator {
 public:
  explicit DenseOperator(const DenseData& data);
  std::ptrdiff_t n_in() const { return n_in_; }
  std::ptrdiff_t n_out() const { return n_out_; }
  std::ptrdiff_t longest_row() const { return n_in_; }
  void apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count, double* out,
             std::ptrdiff_t out_stride) const;
  void apply_absolute(const double* in, double* out) const;
  void read_row(std::ptrdiff_t i, RowEntries& entries) const;
  // Column j, n_out elements, and its absolute values.
  const double* column(std::ptrdiff_t j) const { return &columns_[j * column_stride_]; }
  const double* absolute_column(std::ptrdiff_t j) const {
    return &absolute_columns_[j * column_stride_];
  }

 private:
  const Kernels& kernels_ = kernels();
  std::ptrdiff_t n_in_;
  std::ptrdiff_t n_out_;
  std::ptrdiff_t stride_;
  std::ptrdiff_t column_stride_;
  std::vector<double> matrix_;
  std::vector<double> absolute_;
  std::vector<double> columns_;
  std::vector<double> absolute_columns_;
};

class SparseOperator {
 public:
  explicit SparseOperator(const SparseData& data);
  std::ptrdiff_t n_in() const { return n_in_; }
  std::ptrdiff_t n_out() const { return static_cast<std::ptrdiff_t>(starts_.size()) - 1; }
  std::ptrdiff_t longest_row() const { return longest_; }
  void apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count, double* out,
             std::ptrdiff_t out_stride) const;
  void apply_absolute(const double* in, double* out) const;
  void read_row(std::ptrdiff_t i, RowEntries& entries) const;

 private:
  std::ptrdiff_t n_in_;
  std::ptrdiff_t longest_ = 0;
  std::vector<double> values_;
  std::vector<std::int32_t> columns_;
  std::vector<std::int64_t> starts_;
};

class ConvolutionOperator {
 public:
  explicit ConvolutionOperator(const ConvolutionData& data);
  std::ptrdiff_t n_in() const { return data_.input[0] * data_.input[1] * data_.input[2]; }
  std::ptrdiff_t n_out() const { return data_.shape[0] * height_ * width_; }
  std::ptrdiff_t longest_row() const { return data_.shape[1] * data_.shape[2] * data_.shape[3]; }
  void apply(const double* in, std::ptrdiff_t in_stride, std::ptrdiff_t count, double* out,
             std::ptrdiff_t out_stride) const;
  void apply_absolute(const double* in, double* out) const;
  void read_row(std::ptrdiff_t i, RowEntries& entries) const;

 private:
  void convolve(const std::vector<double>& kernels, const double* in, double* out) const;
  double weight(std::ptrdiff_t channel, std::ptrdiff_t c, std::ptrdiff_t y, std::ptrdiff_t x) const;

  const Kernels& kernels_ = hullspace::kernels();
  ConvolutionData data_;  // its weights are those below
  std::ptrdiff_t height_;
  std::ptrdiff_t width_;
  std::vector<double> kernels_of_;  // (channels_out, kernel height, kernel width, channels_in)
  std::vector<double> absolute_;
};

// out[k * out_stride + i] = sum over j of matrix(i, j) in[k * in_stride + j] for `count` vectors;
// the same for one vector and absolute values; the elements of a row that are not zero.
using Operator = std::variant<DenseOperator, SparseOperator, ConvolutionOperator>;

}  // namespace hullspace
