/* A CUDA library without CUDA that fails as HULLSPACE_STUB says. */
#include <stdlib.h>
#include <string.h>

#include "cuda/interface.h"

static const char* mode(void) {
  const char* asked = getenv("HULLSPACE_STUB");
  return asked == NULL ? "" : asked;
}

static int is(const char* wanted) { return strcmp(mode(), wanted) == 0; }

static const char* last_error(void) {
  return is("no driver") ? "counting devices: the driver is missing" : "points are what they are";
}

static int count_devices(int* count) {
  *count = is("no device") || is("no driver") ? 0 : 1;
  return is("no driver") ? HSC_DEVICE : HSC_OK;
}

static int describe_device(int device, HscDevice* out) {
  memset(out, 0, sizeof *out);
  strcpy(out->name, "Stub");
  out->capability = 120;
  out->n_multiprocessors = 3 + device;
  out->total_memory = (int64_t)2 << 30;
  out->free_memory = (int64_t)1 << 30;
  return HSC_OK;
}

static int make_hull(const HscCall* call, const HscMatrix* points, HscHull** out) {
  (void)points;
  (void)out;
  if (is("argument")) return HSC_ARGUMENT;
  if (is("memory")) return HSC_MEMORY;
  if (is("interrupted")) {
    while (!call->interrupted(call->interrupted_data)) continue;
    return HSC_INTERRUPTED;
  }
  return HSC_DEVICE;
}

static void free_hull(HscHull* hull) { (void)hull; }

const HscInterface* hullspace_cuda(int version) {
  static HscInterface table;
  table.version = is("next version") ? version + 1 : version;
  table.last_error = last_error;
  table.count_devices = count_devices;
  table.describe_device = describe_device;
  table.make_hull = make_hull;
  table.free_hull = free_hull;
  return is("unknown version") ? NULL : &table;
}
