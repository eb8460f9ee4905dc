#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cuda/selection.hpp"
#include "gaussian.hpp"

using namespace hullspace::cuda;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kCapacity = 400;

// Lists of several shares that are filled as a scan fills them, `step` keys at a time.
class Shares {
 public:
  Shares(int n_shares, int most, float threshold)
      : most_(most),
        threshold_(threshold),
        keys_(std::size_t(n_shares) * kCapacity),
        counts_(n_shares) {}

  void offer(int share, const std::vector<Key>& keys) {
    constexpr std::size_t kStep = 64;
    for (std::size_t first = 0; first < keys.size(); first += kStep) {
      const std::size_t last = std::min(first + kStep, keys.size());
      for (std::size_t i = first; i < last; ++i) {
        if (score_of(keys[i]) < threshold_) list(share)[counts_[share]++] = keys[i];
      }
      if (counts_[share] <= kCapacity - int(kStep)) continue;
      const auto thinned =
          thin_out(SerialTeam(), list(share), counts_[share], most_ + 1, kCapacity - int(kStep));
      CHECK(thinned.count > most_);
      CHECK(thinned.count <= kCapacity - int(kStep));
      counts_[share] = thinned.count;
      threshold_ = std::min(threshold_, threshold_of(thinned.pivot));
    }
  }

  std::vector<Key> select(int keep) {
    std::vector<Key> lowest(keep, 0);
    const int count =
        join(SerialTeam(), keys_.data(), kCapacity, counts_.data(), int(counts_.size()));
    int n = 0;
    select_lowest(SerialTeam(), keys_.data(), count, keep, [&](int rank, Key key) {
      lowest[rank] = key;
      ++n;
    });
    lowest.resize(n);
    return lowest;
  }

 private:
  Key* list(int share) { return keys_.data() + std::size_t(share) * kCapacity; }

  int most_;
  float threshold_;
  std::vector<Key> keys_;
  std::vector<int> counts_;
};

std::vector<Key> keys_of(const std::vector<float>& scores) {
  std::vector<Key> keys;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    keys.push_back(key_of(scores[i], static_cast<std::uint32_t>(i)));
  }
  return keys;
}

std::vector<Key> lowest_of(std::vector<Key> keys, float threshold, std::size_t keep) {
  std::erase_if(keys, [&](Key key) { return !(score_of(key) < threshold); });
  std::sort(keys.begin(), keys.end());
  keys.resize(std::min(keep, keys.size()));
  return keys;
}

// Scores of many kinds, `n` of each.
std::vector<std::vector<float>> score_sets(int n) {
  std::vector<std::vector<float>> sets(5, tests::gaussian<float>(n, 3));
  for (float& x : sets[1]) x = std::round(2.0F * x);  // many ties, zeros of both signs
  std::fill(sets[2].begin(), sets[2].end(), -0.25F);
  for (float& x : sets[3]) x = std::copysign(std::pow(std::abs(x), 40.0F), x);
  for (float& x : sets[4]) x = -1.0F + 1e-7F * std::round(x);
  sets[3][0] = std::numeric_limits<float>::denorm_min();
  sets[3][n / 2] = -std::numeric_limits<float>::denorm_min();
  sets[3][n - 1] = std::numeric_limits<float>::max();
  return sets;
}

}  // namespace

TEST_CASE("keys are in the order of scores and indices") {
  const std::vector<float> ascending = {-kInfinity, std::numeric_limits<float>::lowest(),
                                        -1.0F,      -std::numeric_limits<float>::denorm_min(),
                                        0.0F,       std::numeric_limits<float>::denorm_min(),
                                        1.0F,       std::numeric_limits<float>::max(),
                                        kInfinity};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const float score = ascending[i];
    CHECK(score_of(key_of(score, 7)) == score);
    CHECK(index_of(key_of(score, 7)) == 7);
    CHECK(key_of(score, 3) < key_of(score, 2147483647));
    if (i > 0) CHECK(key_of(ascending[i - 1], 9) < key_of(score, 2));
    // Thresholds: all of the score but the first index 0 need the next one.
    CHECK(threshold_of(key_of(score, 0)) == score);
    if (i + 1 < ascending.size()) {
      CHECK(threshold_of(key_of(score, 1)) == std::nextafter(score, kInfinity));
    }
  }
  CHECK(key_of(-0.0F, 5) == key_of(0.0F, 5));
  CHECK(!std::signbit(score_of(key_of(-0.0F, 5))));
}

TEST_CASE("thinning out keeps the lowest in their order") {
  for (const auto& scores : score_sets(300)) {
    const auto all = keys_of(scores);
    for (const int keep : {1, 2, 50, 198, 199}) {
      auto keys = all;
      const auto thinned = thin_out(SerialTeam(), keys.data(), 300, keep, 200);
      CHECK(thinned.count >= keep);
      CHECK(thinned.count <= keep + (200 - keep) / 2);
      auto expected = all;
      std::erase_if(expected, [&](Key key) { return key >= thinned.pivot; });
      keys.resize(thinned.count);
      CHECK(keys == expected);
    }
  }
}

TEST_CASE("selection finds the lowest in any order") {
  constexpr int kMost = 40;
  for (const auto& scores : score_sets(5000)) {
    auto keys = keys_of(scores);
    for (int order = 0; order < 4; ++order) {
      if (order == 1) std::sort(keys.begin(), keys.end());
      if (order == 2) std::reverse(keys.begin(), keys.end());
      if (order == 3) std::shuffle(keys.begin(), keys.end(), std::mt19937(5));
      for (const float threshold : {kInfinity, 0.0F, -0.25F, -2.5F, -1e30F}) {
        for (const int keep : {0, 1, 39, kMost}) {
          Shares shares(1, kMost, threshold);
          shares.offer(0, keys);
          CHECK(shares.select(keep) == lowest_of(keys, threshold, keep));
        }
      }
    }
  }
}

// The threshold that one share has found is used by the others, whose points may tie with it.
TEST_CASE("shares lose nothing to the thresholds of others") {
  constexpr int kMost = 30;
  for (const auto& scores : score_sets(3000)) {
    const auto keys = keys_of(scores);
    for (unsigned seed = 0; seed < 4; ++seed) {
      std::vector<int> order = {0, 1, 2, 3, 4, 5};
      std::shuffle(order.begin(), order.end(), std::mt19937(seed));
      Shares shares(6, kMost, 10.0F);
      for (const int share : order) {
        shares.offer(share, {keys.begin() + share * 500, keys.begin() + (share + 1) * 500});
      }
      CHECK(shares.select(kMost) == lowest_of(keys, 10.0F, kMost));
    }
  }
}
