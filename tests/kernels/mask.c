#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <math.h>
#include <string.h>

TEST("a mask from ids marks every id that is not the padding id") {
  for (test_shape s = {0}; test_next_shape(&s, 0);) {
    int n = s.B * s.T;
    int32_t *ids = TEST_NEW(int32_t, n);
    for (int i = 0; i < n; i++) {
      ids[i] = test_below(5) - 2;
    }
    for (int32_t pad = -2; pad <= 3; pad++) {
      uint8_t *mask = TEST_NEW(uint8_t, n), *expected = TEST_NEW(uint8_t, n);
      pl_mask_from_ids(mask, ids, pad, s.B, s.T);
      pl_ref_mask_from_ids(expected, ids, pad, s.B, s.T);
      CHECK_BYTES(mask, expected, n, SHAPE ", pad %d", SHAPE_OF(s), (int)pad);
    }
  }
}

TEST("a mask from lengths takes a length below 0 as 0 and above T as T") {
  for (test_shape s = {0}; test_next_shape(&s, 0);) {
    int n = s.B * s.T;
    int32_t *lengths = TEST_NEW(int32_t, s.B);
    for (int b = 0; b < s.B; b++) {
      lengths[b] = test_below(3) ? test_below(s.T + 1) : test_below(2) ? INT32_MIN : INT32_MAX;
    }
    uint8_t *mask = TEST_NEW(uint8_t, n), *expected = TEST_NEW(uint8_t, n);
    pl_mask_from_lengths(mask, lengths, s.B, s.T);
    pl_ref_mask_from_lengths(expected, lengths, s.B, s.T);
    CHECK_BYTES(mask, expected, n, SHAPE, SHAPE_OF(s));
  }
}

TEST("a float mask counts everything but 0 and -0, NaN included") {
  const float m[] = {0, -0.0f, 1, -1, 0.5f, NAN, INFINITY, 1e-45f, 1e-40f};
  const uint8_t expected[] = {0, 0, 1, 1, 1, 1, 1, 1, 1};
  uint8_t mask[9], twin[9];
  pl_mask_from_floats(mask, m, 3, 3);
  pl_ref_mask_from_floats(twin, m, 3, 3);
  CHECK_BYTES(mask, expected, 9, "kernel");
  CHECK_BYTES(twin, expected, 9, "twin");
}

TEST("a mask from floats matches its twin") {
  for (test_shape s = {0}; test_next_shape(&s, 0);) {
    int n = s.B * s.T;
    float *m = TEST_NEW(float, n);
    for (int i = 0; i < n; i++) {
      m[i] = s.mask[i] ? test_uniform(-1, 1) : 0;
    }
    uint8_t *mask = TEST_NEW(uint8_t, n), *expected = TEST_NEW(uint8_t, n);
    pl_mask_from_floats(mask, m, s.B, s.T);
    pl_ref_mask_from_floats(expected, m, s.B, s.T);
    CHECK_BYTES(mask, expected, n, SHAPE, SHAPE_OF(s));
  }
}

TEST("row splits count the steps of each row") {
  for (test_shape s = {0}; test_next_shape(&s, 0);) {
    int32_t *splits = TEST_NEW(int32_t, s.B + 1), *expected = TEST_NEW(int32_t, s.B + 1);
    int n = pl_row_splits(splits, s.mask, s.B, s.T);
    CHECK(n == pl_ref_row_splits(expected, s.mask, s.B, s.T), SHAPE ": N = %d", SHAPE_OF(s), n);
    CHECK_BITS(splits, expected, s.B + 1, SHAPE, SHAPE_OF(s));
    CHECK(pl_row_splits(splits, NULL, s.B, s.T) == s.B * s.T, SHAPE ": no mask, N = %d", SHAPE_OF(s), (int)splits[s.B]);
  }
}

TEST("row splits count any byte but 0 as a step") {
  uint8_t mask[256];
  int32_t splits[2] = {0};
  for (int i = 0; i < 256; i++) {
    mask[i] = (uint8_t)i;
  }
  CHECK(pl_row_splits(splits, mask, 1, 256) == 255, "N = %d", (int)splits[1]);
}

TEST("applying a mask copies the bits of steps that count and clears the others") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int n = s.B * s.T * s.D;
    float *x = TEST_NEW(float, n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
    for (int i = 0; i < n; i++) {
      x[i] = test_uniform(-1, 1);
    }
    test_poison(x, s.mask, s.B, s.T, s.D);
    pl_apply_mask(y, x, s.mask, s.B, s.T, s.D);
    pl_ref_apply_mask(expected, x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
    pl_apply_mask(y, x, NULL, s.B, s.T, s.D);
    CHECK_BITS(y, x, n, SHAPE ", no mask", SHAPE_OF(s));
    pl_apply_mask(x, x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(x, expected, n, SHAPE ", in place", SHAPE_OF(s));
  }
}

TEST("applying a mask keeps the payload of a NaN at a step that counts") {
  const uint32_t bits[] = {0x7FA12345, 0xFFC54321, 0x7F800001, 0x80000000};
  const uint8_t mask[] = {1, 0, 255, 1};
  float x[4], y[4];
  memcpy(x, bits, sizeof x);
  pl_apply_mask(y, x, mask, 2, 2, 1);
  const uint32_t expected[] = {0x7FA12345, 0, 0x7F800001, 0x80000000};
  CHECK_BITS(y, expected, 4, "payloads");
}
