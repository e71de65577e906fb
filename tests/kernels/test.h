/* A small harness for kernel tests. The same file runs natively, where main() prints TAP, and as WebAssembly, where kernels.test.js
 * calls test_count(), test_name() and test_run(). A test registers itself:
 *
 *   TEST("masked max ignores +Inf in padding") {
 *     float *x = TEST_NEW(float, n);
 *     CHECK(y[0] == 1, "y = %g", y[0]);
 *   }
 *
 * After a failed check the test goes on; the first failure of each test is reported. Memory is freed when the test ends. */
#ifndef PADLESS_TEST_H
#define PADLESS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

typedef struct test_case {
  const char *title;
  void (*run)(void);
  struct test_case *next;
} test_case;

void test_register(test_case *test);

#define TEST(title) TEST_EXPAND(title, __LINE__)
#define TEST_EXPAND(title, line) TEST_AT(title, line)
#define TEST_AT(title, line)                                                                                                       \
  static void test_at_##line(void);                                                                                                \
  static test_case test_case_at_##line = {title, test_at_##line, NULL};                                                            \
  __attribute__((constructor)) static void test_register_at_##line(void) { test_register(&test_case_at_##line); }                  \
  static void test_at_##line(void)

/* ---- checks: each returns whether it holds; a printf format and its values say which case failed ------------------------------- */

#define TEST_HERE __FILE__, __LINE__
#define TEST_PRINTF(at, first) __attribute__((format(printf, at, first)))

#define CHECK(condition, ...) test_check((condition), TEST_HERE, #condition, __VA_ARGS__)

/* |actual - expected| <= tolerance; equal infinities and two NaNs are close, too. */
#define CHECK_CLOSE(actual, expected, tolerance, ...)                                                                              \
  test_check_close((actual), (expected), (tolerance), TEST_HERE, #actual, __VA_ARGS__)

/* The same for n floats, with the tolerance absolute + relative * |expected|. */
#define CHECK_ARRAY_CLOSE(actual, expected, n, absolute, relative, ...)                                                            \
  test_check_array_close((actual), (expected), (size_t)(n), (absolute), (relative), TEST_HERE, #actual, __VA_ARGS__)

/* The same bits in n elements of 4 bytes: signs of zero and NaN payloads count. */
#define CHECK_BITS(actual, expected, n, ...) test_check_bits((actual), (expected), (size_t)(n), TEST_HERE, #actual, __VA_ARGS__)

/* n bytes are equal. */
#define CHECK_BYTES(actual, expected, n, ...) test_check_bytes((actual), (expected), (size_t)(n), TEST_HERE, #actual, __VA_ARGS__)

bool test_check(bool holds, const char *file, int line, const char *what, const char *format, ...) TEST_PRINTF(5, 6);
bool test_check_close(double actual, double expected, double tolerance, const char *file, int line, const char *what,
                      const char *format, ...) TEST_PRINTF(7, 8);
bool test_check_array_close(const float *actual, const float *expected, size_t n, double absolute, double relative,
                            const char *file, int line, const char *what, const char *format, ...) TEST_PRINTF(9, 10);
bool test_check_bits(const void *actual, const void *expected, size_t n, const char *file, int line, const char *what,
                     const char *format, ...) TEST_PRINTF(7, 8);
bool test_check_bytes(const void *actual, const void *expected, size_t n, const char *file, int line, const char *what,
                      const char *format, ...) TEST_PRINTF(7, 8);

/* ---- memory: exact sizes, so that ASan sees an access beyond them; without ASan, guard bytes show stores  */

/* n elements, 16-byte aligned. Every byte is 0xFF, so a float that is not written is NaN, an int32 -1. */
#define TEST_NEW(type, n) ((type *)test_new((size_t)(n) * sizeof(type)))
void *test_new(size_t bytes);

/* Frees all memory that the test has allocated; for loops over many shapes. */
void test_free(void);

/* ---- random data: depends only on the seed and the title of the test -------------------------------------------------- */

uint32_t test_bits(void);
int test_below(int n);                  /* 0 .. n-1 */
float test_uniform(float lo, float hi); /* lo <= u < hi */
void test_fill(float *x, size_t n, float lo, float hi);

/* ---- masks ------------------------------------------------------------------------------------------------------------------- */

typedef enum test_mask_kind {
  MASK_FULL,   /* every step counts */
  MASK_EMPTY,  /* none does */
  MASK_END,    /* padding at the end, each row of its own length 0..T */
  MASK_FRONT,  /* padding at the front */
  MASK_HOLES,  /* padding in the middle */
  MASK_RANDOM, /* each step counts with probability 1/2 */
  MASK_KINDS
} test_mask_kind;

/* mask [B, T]: a step that counts is a random byte other than 0. */
void test_mask(uint8_t *mask, test_mask_kind kind, int B, int T);
const char *test_mask_name(test_mask_kind kind);

/* Overwrites the steps of x [B, T, D] under the mask with NaN, infinities and huge numbers. */
void test_poison(float *x, const uint8_t *mask, int B, int T, int D);

/* x [B, T, D] = the steps of packed [N, D] at the steps that count, poison elsewhere. */
void test_spread(float *x, const float *packed, const uint8_t *mask, int B, int T, int D);

/* ---- shapes: B of 0, 1 and 3; T of 0..17 and 61; D of 0 .. 2*tile+1 and then a prime; every kind of mask --------------------- */

typedef struct test_shape {
  int B, T, D;
  test_mask_kind kind;
  uint8_t *mask; /* [B, T] */
  int next;      /* used by test_next_shape */
} test_shape;

/* Goes to the next shape and frees the memory of the one before; false after the last.
 *   for (test_shape s = {0}; test_next_shape(&s, 16);) */
bool test_next_shape(test_shape *s, int tile);

/* x [B, T, D], uniform in [lo, hi), poison under the mask. */
float *test_steps(const test_shape *s, float lo, float hi);

/* For messages: CHECK(..., SHAPE, SHAPE_OF(s)) */
#define SHAPE "B %d, T %d, D %d, %s"
#define SHAPE_OF(s) (s).B, (s).T, (s).D, test_mask_name((s).kind)

/* ---- for the runner ---------------------------------------------------------------------------------------------------------- */

void test_seed(uint32_t seed);
int test_count(void);
const char *test_name(int index);
int test_run(int index);        /* 0: passed */
const char *test_message(void); /* why the last run failed */

#endif
