#include "common/thin_qr.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "gaussian.hpp"

using namespace hullspace;

namespace {

constexpr int kRows = 12;
using Column = std::vector<double>;  // padded with zeros

Column random_column(unsigned seed) {
  Column column = tests::gaussian<double>(kRows, seed);
  column.resize(ThinQr::padded(kRows));
  return column;
}

// Largest deviation of A^T (b - A x) from zero, for x the least-squares solution by `qr`.
double normal_equation_error(const ThinQr& qr, const std::vector<Column>& columns,
                             const Column& b) {
  std::vector<double> x(columns.size());
  qr.coordinates(b.data(), x.data());
  qr.solve(x.data());
  Column residual = b;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    for (int i = 0; i < kRows; ++i) residual[i] -= x[j] * columns[j][i];
  }
  double worst = 0.0;
  for (const Column& column : columns) {
    double dot = 0.0;
    for (int i = 0; i < kRows; ++i) dot += column[i] * residual[i];
    worst = std::max(worst, std::abs(dot));
  }
  return worst;
}

}  // namespace

TEST_CASE("solves least squares while columns come and go") {
  std::mt19937 engine(1);
  const Column b = random_column(2);
  ThinQr qr(kRows);
  std::vector<Column> columns;
  for (unsigned step = 0; step < 500; ++step) {
    const bool remove = !columns.empty() && (columns.size() == kRows || engine() % 3 == 0);
    if (remove) {
      const std::size_t j = engine() % columns.size();
      std::vector<double> turned(columns.size());
      qr.coordinates(b.data(), turned.data());
      qr.remove(std::ptrdiff_t(j), turned.data());
      columns.erase(columns.begin() + std::ptrdiff_t(j));
      std::vector<double> anew(columns.size());
      qr.coordinates(b.data(), anew.data());
      for (std::size_t i = 0; i < columns.size(); ++i) CHECK(std::abs(turned[i] - anew[i]) < 1e-12);
    } else {
      columns.push_back(random_column(10 + step));
      CHECK(qr.append(columns.back().data()));
    }
    CHECK(qr.size() == std::ssize(columns));
    if (!columns.empty()) CHECK(normal_equation_error(qr, columns, b) < 1e-10);
  }
}

TEST_CASE("refuses dependent columns") {
  ThinQr qr(kRows);
  const Column a = random_column(3);
  const Column b = random_column(4);
  CHECK(qr.append(a.data()));
  CHECK(qr.append(b.data()));
  Column mixture(ThinQr::padded(kRows));
  for (int i = 0; i < kRows; ++i) mixture[i] = 0.3 * a[i] - 2.0 * b[i];
  CHECK(!qr.append(mixture.data()));
  CHECK(!qr.append(Column(ThinQr::padded(kRows), 0.0).data()));
  CHECK(qr.size() == 2);
  mixture[5] += 1e-6;
  CHECK(qr.append(mixture.data()));
}

TEST_CASE("stays orthogonal for nearly parallel columns") {
  ThinQr qr(kRows);
  const Column base = random_column(5);
  for (unsigned j = 0; j < 8; ++j) {
    Column column = base;
    const Column noise = random_column(20 + j);
    for (int i = 0; i < kRows; ++i) column[i] += 1e-9 * noise[i];
    CHECK(qr.append(column.data()));
  }
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b <= a; ++b) {
      double dot = 0.0;
      for (int i = 0; i < kRows; ++i) dot += qr.q(i, a) * qr.q(i, b);
      CHECK(std::abs(dot - (a == b ? 1.0 : 0.0)) < 1e-13);
    }
  }
}
