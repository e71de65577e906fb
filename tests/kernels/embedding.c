#include "padless.h"
#include "ref/ref.h"
#include "test.h"

TEST("embedding copies rows, gives 0 at padding and ignores ids under the mask") {
  enum { V = 7 };
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    const int M = s.B * s.T, n = M * s.D;
    float *table = TEST_NEW(float, V *s.D), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
    int32_t *ids = TEST_NEW(int32_t, M);
    test_fill(table, (size_t)V * s.D, -1, 1);
    for (int m = 0; m < M; m++) {
      ids[m] = s.mask[m] ? test_below(V) : (int32_t)test_bits();
    }
    CHECK(pl_masked_embedding(y, table, ids, s.mask, s.B, s.T, V, s.D) == PL_OK, SHAPE, SHAPE_OF(s));
    pl_ref_masked_embedding(expected, table, ids, s.mask, s.B, s.T, V, s.D);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
  }
}

TEST("embedding returns PL_ID_OUT_OF_RANGE for an id outside the vocabulary at a step that counts") {
  const float table[] = {1, 2, 3, 4, 5, 6};
  const int32_t good[] = {0, 2, 1}, negative[] = {0, -1, 1}, beyond[] = {0, 1, 3}, extreme[] = {INT32_MIN, 0, 0};
  const uint8_t last_two[] = {0, 1, 1};
  float y[6];
  CHECK(pl_embedding(y, table, good, 3, 3, 2) == PL_OK, "%d", 0);
  CHECK(y[0] == 1 && y[2] == 5 && y[5] == 4, "%g %g %g", (double)y[0], (double)y[2], (double)y[5]);
  CHECK(pl_embedding(y, table, negative, 3, 3, 2) == PL_ID_OUT_OF_RANGE, "%d", -1);
  CHECK(pl_embedding(y, table, beyond, 3, 3, 2) == PL_ID_OUT_OF_RANGE, "%d", 3);
  CHECK(pl_embedding(y, table, extreme, 3, 3, 2) == PL_ID_OUT_OF_RANGE, "%d", INT32_MIN);
  CHECK(pl_masked_embedding(y, table, extreme, last_two, 1, 3, 3, 2) == PL_OK, "%d", INT32_MIN);
}
