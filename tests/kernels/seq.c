#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <string.h>

/* Random bits: the functions of this file must copy any. */
static float *random_bits(size_t n) {
  float *x = TEST_NEW(float, n);
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = test_bits();
    memcpy(x + i, &bits, sizeof bits);
  }
  return x;
}

static int count(const uint8_t *mask, int n) {
  int steps = 0;
  for (int i = 0; i < n; i++) {
    steps += mask[i] != 0;
  }
  return steps;
}

TEST("packing closes up the steps that count, in place, too") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int n = s.B * s.T * s.D, packed = count(s.mask, s.B * s.T) * s.D;
    float *x = random_bits(n), *y = TEST_NEW(float, packed), *expected = TEST_NEW(float, packed);
    pl_pack(y, x, s.mask, s.B, s.T, s.D);
    pl_ref_pack(expected, x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(y, expected, packed, SHAPE, SHAPE_OF(s));
    float *all = TEST_NEW(float, n);
    pl_pack(all, x, NULL, s.B, s.T, s.D);
    CHECK_BITS(all, x, n, SHAPE ", no mask", SHAPE_OF(s));
    pl_pack(x, x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(x, expected, packed, SHAPE ", in place", SHAPE_OF(s));
  }
}

TEST("unpacking puts steps back at their positions and fills the padding") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int n = s.B * s.T * s.D, packed = count(s.mask, s.B * s.T) * s.D;
    float *x = random_bits(packed), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
    pl_unpack(y, x, s.mask, -1.5f, s.B, s.T, s.D);
    pl_ref_unpack(expected, x, s.mask, -1.5f, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
    float *again = TEST_NEW(float, packed);
    pl_pack(again, y, s.mask, s.B, s.T, s.D);
    CHECK_BITS(again, x, packed, SHAPE ", packed again", SHAPE_OF(s));
    pl_unpack(y, expected, NULL, 9, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE ", no mask", SHAPE_OF(s));
  }
}

TEST("reversing a sequence mirrors the steps that count and leaves padding where it is") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int n = s.B * s.T * s.D;
    float *x = random_bits(n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
    pl_reverse_sequence(y, x, s.mask, s.B, s.T, s.D);
    pl_ref_reverse_sequence(expected, x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
    pl_reverse_sequence(expected, y, s.mask, s.B, s.T, s.D);
    CHECK_BITS(expected, x, n, SHAPE ", twice", SHAPE_OF(s));
    pl_reverse_sequence(y, x, NULL, s.B, s.T, s.D);
    pl_ref_reverse_sequence(expected, x, NULL, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE ", no mask", SHAPE_OF(s));
  }
}

TEST("reversing closed-up steps gives the bits of reversing the padded sequence") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int n = s.B * s.T * s.D, packed = count(s.mask, s.B * s.T) * s.D;
    int32_t *splits = TEST_NEW(int32_t, s.B + 1);
    pl_ref_row_splits(splits, s.mask, s.B, s.T);
    float *x = random_bits(n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, packed);
    pl_ref_reverse_sequence(y, x, s.mask, s.B, s.T, s.D);
    pl_ref_pack(expected, y, s.mask, s.B, s.T, s.D);
    float *closed = TEST_NEW(float, packed), *reversed = TEST_NEW(float, packed), *twin = TEST_NEW(float, packed);
    pl_ref_pack(closed, x, s.mask, s.B, s.T, s.D);
    pl_ragged_reverse(reversed, closed, splits, s.B, s.D);
    pl_ref_ragged_reverse(twin, closed, splits, s.B, s.D);
    CHECK_BITS(reversed, expected, packed, SHAPE, SHAPE_OF(s));
    CHECK_BITS(reversed, twin, packed, SHAPE ", twin", SHAPE_OF(s));
  }
}

TEST("1 0 3 4 5 with three steps of padding, reversed, is 5 4 3 0 1") {
  const float x[] = {1, 0, 3, 4, 5, 0, 0, 0}, expected[] = {5, 4, 3, 0, 1, 0, 0, 0};
  const int32_t length = 5;
  uint8_t mask[8];
  float y[8];
  pl_mask_from_lengths(mask, &length, 1, 8);
  pl_reverse_sequence(y, x, mask, 1, 8, 1);
  CHECK_BITS(y, expected, 8, "lengths decide, not zeros");
}

TEST("padding between steps stays in its place when they are reversed") {
  const float x[] = {7, 1, 8, 2, 3, 9}, expected[] = {7, 3, 8, 2, 1, 9};
  const uint8_t mask[] = {0, 1, 0, 1, 1, 0};
  float y[6];
  pl_reverse_sequence(y, x, mask, 1, 6, 1);
  CHECK_BITS(y, expected, 6, "7, 8 and 9 are padding");
}
