#include "common/parallel.hpp"
