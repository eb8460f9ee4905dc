// What the core was built with and what it uses on this machine.
#pragma once

#include <string>
#include <vector>

namespace hullspace {

struct BuildInfo {
  std::string version;
  std::string compiler;
  std::vector<std::string> instruction_sets_built;
  std::vector<std::string> instruction_sets_found;
  std::string instruction_set_used;
  int n_threads = 1;
  bool cuda_built = false;
  std::string cuda_reason;         // why not, else empty
  std::string cuda_architectures;  // that there is machine code for, as in "sm_80 sm_90"
  std::string cuda_library;        // its path; empty if it is not there
};

// Throws ArgumentError if the environment variable HULLSPACE_ISA names an instruction set that
// is not built or that this machine lacks.
BuildInfo build_info();

}  // namespace hullspace
