// A check that reports its place, and a main function that runs every test of a file.
#pragma once

#include <cstdio>
#include <exception>
#include <random>
#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void fail(const char* file, int line, const char* what) {
  ++failures();
  std::printf("%s:%d: failed: %s\n", file, line, what);
}

template <class T>
std::vector<T> gaussian(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(n);
  for (T& value : values) value = static_cast<T>(normal(engine));
  return values;
}

inline int run_all() {
  for (const Test& test : tests()) {
    const int before = failures();
    try {
      test.run();
    } catch (const std::exception& error) {
      fail(test.name, 0, error.what());
    }
    std::printf("%s %s\n", failures() == before ? "passed" : "FAILED", test.name);
  }
  if (tests().empty()) fail(__FILE__, __LINE__, "no tests");
  return failures() == 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                       \
  static void test_##name();                                             \
  static const check::Registration register_##name(#name, &test_##name); \
  static void test_##name()

#define CHECK(condition)                                           \
  do {                                                             \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_THROWS(expression, type)                                          \
  do {                                                                          \
    bool thrown = false;                                                        \
    try {                                                                       \
      (void)(expression);                                                       \
    } catch (const type&) {                                                     \
      thrown = true;                                                            \
    }                                                                           \
    if (!thrown) check::fail(__FILE__, __LINE__, #expression " throws " #type); \
  } while (false)
