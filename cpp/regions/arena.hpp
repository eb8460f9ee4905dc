// Memory for what a depth-first search needs on its way down, given back on the way up.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace hullspace {

class Arena {
 public:
  struct Mark {
    std::size_t block;
    std::size_t used;
  };

  // Uninitialized, aligned for doubles and vectors of them.
  template <class T>
  T* take(std::ptrdiff_t count) {
    constexpr std::size_t kAlignment = 64;
    const std::size_t bytes =
        (static_cast<std::size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) add_block(bytes + kAlignment);
    std::byte* start = blocks_[block_].data + used_;
    used_ += bytes;
    return reinterpret_cast<T*>(start);
  }
  Mark mark() const { return {block_, used_}; }
  void release(Mark mark) {
    block_ = mark.block;
    used_ = mark.used;
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> owner;
    std::byte* data;
    std::size_t size;
  };

  void add_block(std::size_t least) {
    constexpr std::size_t kAlignment = 64;
    const std::size_t size = least > kBlock ? least : kBlock;
    auto owner = std::make_unique_for_overwrite<std::byte[]>(size + kAlignment);
    void* start = owner.get();
    std::size_t space = size + kAlignment;
    std::align(kAlignment, size, start, space);
    blocks_.push_back({std::move(owner), static_cast<std::byte*>(start), size});
    used_ = 0;
  }

  static constexpr std::size_t kBlock = std::size_t{1} << 18U;

  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace hullspace
