// Words of an integer of any size, the lowest first: a few in place, more on the heap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace hullspace {

class Words {
 public:
  // As many as the minors of eight rows of doubles take, mostly.
  static constexpr std::size_t kInPlace = 8;

  Words() = default;
  explicit Words(std::size_t size) { resize(size); }  // of any value
  Words(const Words& other) : Words(other.size_) { copy(other); }
  Words(Words&& other) noexcept { take(other); }
  Words& operator=(const Words& other) {
    if (this == &other) return *this;
    resize(other.size_);
    copy(other);
    return *this;
  }
  Words& operator=(Words&& other) noexcept {
    take(other);
    return *this;
  }
  ~Words() = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::uint64_t* data() { return heap_ ? heap_.get() : place_; }
  const std::uint64_t* data() const { return heap_ ? heap_.get() : place_; }
  std::uint64_t& operator[](std::size_t i) { return data()[i]; }
  std::uint64_t operator[](std::size_t i) const { return data()[i]; }

  // Keeps no values, unless it shrinks.
  void resize(std::size_t size) {
    if (size > capacity_) {
      heap_ = std::make_unique_for_overwrite<std::uint64_t[]>(size);
      capacity_ = size;
    }
    size_ = size;
  }

 private:
  void copy(const Words& other) { std::copy_n(other.data(), size_, data()); }
  void take(Words& other) {
    if (other.heap_) {
      heap_ = std::move(other.heap_);
      capacity_ = std::exchange(other.capacity_, kInPlace);
      size_ = std::exchange(other.size_, 0);
    } else {
      size_ = other.size_;
      copy(other);
    }
  }

  std::size_t size_ = 0;
  std::size_t capacity_ = kInPlace;
  std::unique_ptr<std::uint64_t[]> heap_;
  std::uint64_t place_[kInPlace];
};

}  // namespace hullspace
