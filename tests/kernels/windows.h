/* Shared by the tests of windows along time: windows of every kind, batches, and the check that rows do not affect each other. */
#ifndef PADLESS_TEST_WINDOWS_H
#define PADLESS_TEST_WINDOWS_H

#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { LONG = 61 };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

typedef struct windows {
  int size, stride, dilation;
  pl_padding padding;
} windows;

static const windows all_windows[] = {
    {1, 1, 1, PL_VALID},  {2, 1, 1, PL_VALID},  {3, 1, 1, PL_VALID},  {3, 2, 1, PL_VALID},  {2, 3, 1, PL_VALID},
    {3, 1, 2, PL_VALID},  {5, 1, 1, PL_VALID},  {1, 1, 1, PL_SAME},   {2, 1, 1, PL_SAME},   {3, 1, 1, PL_SAME},
    {4, 1, 1, PL_SAME},   {2, 2, 1, PL_SAME},   {3, 2, 1, PL_SAME},   {1, 3, 1, PL_SAME},   {5, 3, 1, PL_SAME},
    {2, 1, 3, PL_SAME},   {3, 1, 2, PL_SAME},   {9, 1, 1, PL_SAME},   {2, 1, 1, PL_CAUSAL}, {3, 1, 1, PL_CAUSAL},
    {3, 2, 1, PL_CAUSAL}, {2, 1, 4, PL_CAUSAL}, {3, 1, 2, PL_CAUSAL}, {4, 3, 1, PL_CAUSAL},
};

#define WINDOWS "size %d, stride %d, dilation %d, padding %d"
#define WINDOWS_OF(w) (w).size, (w).stride, (w).dilation, (w).padding

/* Rows of one batch, whose lengths come from a list in turn, so that long, short and empty rows are mixed. */
typedef struct rows {
  int B;
  int32_t *splits, *out_splits;
} rows;

static inline rows new_rows(const windows *w, int B, const int *lengths, size_t many) {
  rows r = {B, TEST_NEW(int32_t, B + 1), TEST_NEW(int32_t, B + 1)};
  r.splits[0] = r.out_splits[0] = 0;
  for (int b = 0; b < B; b++) {
    int T = lengths[b % many];
    r.splits[b + 1] = r.splits[b] + T;
    r.out_splits[b + 1] = r.out_splits[b] + pl_conv_length(T, w->size, w->stride, w->dilation, w->padding);
  }
  return r;
}

/* Batch number i: 0, 1 or 3 rows of 0 to 17 steps, sometimes more. */
static inline rows some_rows(const windows *w, int i) {
  const int lengths[] = {i % 18, i % 6 == 1 ? LONG : i % 3 ? i % 7 : 0, i % 11};
  const int batches[] = {1, 3, 1, 3, 0};
  return new_rows(w, batches[i % 5], lengths, 3);
}

static inline float *uniform(size_t n) {
  float *x = TEST_NEW(float, n);
  test_fill(x, n, -1, 1);
  return x;
}

/* Compares the bits of each row in a batch with those of the row alone; then again with NaN in the middle row. */
typedef void run_rows(float *y, const float *x, const void *layer, const rows *r);

static inline void same_bits_alone(run_rows *run, const void *layer, const windows *w, int D, int N, const char *what) {
  enum { B = 5 };
  const int lengths[B] = {7, 0, 45, 13, LONG};
  rows all = new_rows(w, B, lengths, B);
  const int steps = all.splits[B], outputs = all.out_splits[B];
  float *x = uniform((size_t)steps * D), *y = TEST_NEW(float, outputs *N), *poisoned = TEST_NEW(float, outputs *N);
  run(y, x, layer, &all);
  for (int b = 0; b < B; b++) {
    rows one = new_rows(w, 1, lengths + b, 1);
    float *alone = TEST_NEW(float, one.out_splits[1] * N), *copy = TEST_NEW(float, lengths[b] * D);
    memcpy(copy, x + (size_t)all.splits[b] * D,
           (size_t)lengths[b] * D * sizeof *x); /* a copy, so that ASan sees an access beyond the row */
    run(alone, copy, layer, &one);
    CHECK_BITS(y + (size_t)all.out_splits[b] * N, alone, one.out_splits[1] * N, "%s, row %d, " WINDOWS, what, b, WINDOWS_OF(*w));
  }
  for (int i = all.splits[2] * D; i < all.splits[3] * D; i++) {
    x[i] = i % 3 ? NAN : INFINITY;
  }
  run(poisoned, x, layer, &all);
  const int from = all.out_splits[2], to = all.out_splits[3];
  CHECK_BITS(poisoned, y, from * N, "%s, before the row of NaN, " WINDOWS, what, WINDOWS_OF(*w));
  CHECK_BITS(poisoned + to * N, y + to * N, (outputs - to) * N, "%s, after the row of NaN, " WINDOWS, what, WINDOWS_OF(*w));
  test_free();
}

#endif
