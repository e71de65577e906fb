#include "test.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name)
#endif

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

static test_case *first_test, **next_test = &first_test;
static uint32_t run_seed;

void test_register(test_case *test) {
  *next_test = test;
  next_test = &test->next;
}

static const test_case *test_at(int index) {
  const test_case *test = first_test;
  while (test && index-- > 0) {
    test = test->next;
  }
  return test;
}

EXPORT(test_count) int test_count(void) {
  int count = 0;
  while (test_at(count)) {
    count++;
  }
  return count;
}

EXPORT(test_name) const char *test_name(int index) { return test_at(index)->title; }

/* ---- checks ------------------------------------------------------------------------------------------------------------------ */

static bool failed;
static char message[1024];
static size_t message_length;

EXPORT(test_message) const char *test_message(void) { return message; }

static void say_list(const char *format, va_list values) TEST_PRINTF(1, 0);
static void say_list(const char *format, va_list values) {
  size_t available = sizeof message - message_length;
  int length = vsnprintf(message + message_length, available, format, values);
  message_length += length < 0 ? 0 : (size_t)length < available ? (size_t)length : available - 1;
}

static void say(const char *format, ...) TEST_PRINTF(1, 2);
static void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  say_list(format, values);
  va_end(values);
}

/* Begins the message of the first failure: "tests/kernels/pool.c:12: y: where". */
static void fail_at(const char *file, int line, const char *what, const char *format, va_list values) TEST_PRINTF(4, 0);
static void fail_at(const char *file, int line, const char *what, const char *format, va_list values) {
  failed = true;
  say("%s:%d: %s: ", file, line, what);
  say_list(format, values);
}

/* Reports the first failure of a test; later ones are ignored. */
#define FAIL(...)                                                                                                                  \
  if (!failed) {                                                                                                                   \
    va_list values;                                                                                                                \
    va_start(values, format);                                                                                                      \
    fail_at(file, line, what, format, values);                                                                                     \
    va_end(values);                                                                                                                \
    say(__VA_ARGS__);                                                                                                              \
  }

bool test_check(bool holds, const char *file, int line, const char *what, const char *format, ...) {
  if (!holds) {
    FAIL("%s", "");
  }
  return holds;
}

static bool is_close(double actual, double expected, double tolerance) {
  return actual == expected || (isnan(actual) && isnan(expected)) || fabs(actual - expected) <= tolerance;
}

bool test_check_close(double actual, double expected, double tolerance, const char *file, int line, const char *what,
                      const char *format, ...) {
  bool holds = is_close(actual, expected, tolerance);
  if (!holds) {
    FAIL(": is %.9g, expected %.9g within %.3g", actual, expected, tolerance);
  }
  return holds;
}

bool test_check_array_close(const float *actual, const float *expected, size_t n, double absolute, double relative,
                            const char *file, int line, const char *what, const char *format, ...) {
  for (size_t i = 0; i < n; i++) {
    double tolerance = absolute + relative * fabs((double)expected[i]);
    if (!is_close((double)actual[i], (double)expected[i], tolerance)) {
      FAIL(": [%lu] of %lu is %.9g, expected %.9g within %.3g", (unsigned long)i, (unsigned long)n, (double)actual[i],
           (double)expected[i], tolerance);
      return false;
    }
  }
  return true;
}

static uint32_t word_at(const void *p, size_t i) {
  uint32_t word;
  memcpy(&word, (const char *)p + 4 * i, sizeof word);
  return word;
}

static double float_at(const void *p, size_t i) {
  float value;
  memcpy(&value, (const char *)p + 4 * i, sizeof value);
  return (double)value;
}

bool test_check_bits(const void *actual, const void *expected, size_t n, const char *file, int line, const char *what,
                     const char *format, ...) {
  for (size_t i = 0; i < n; i++) {
    uint32_t a = word_at(actual, i), e = word_at(expected, i);
    if (a != e) {
      FAIL(": [%lu] of %lu is 0x%08lx (as float %.9g), expected 0x%08lx (%.9g)", (unsigned long)i, (unsigned long)n,
           (unsigned long)a, float_at(actual, i), (unsigned long)e, float_at(expected, i));
      return false;
    }
  }
  return true;
}

bool test_check_bytes(const void *actual, const void *expected, size_t n, const char *file, int line, const char *what,
                      const char *format, ...) {
  const uint8_t *a = actual, *e = expected;
  for (size_t i = 0; i < n; i++) {
    if (a[i] != e[i]) {
      FAIL(": byte %lu of %lu is %d, expected %d", (unsigned long)i, (unsigned long)n, a[i], e[i]);
      return false;
    }
  }
  return true;
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------ */

/* ASan watches the bytes around a block. Without ASan, they hold guard values that are checked. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
enum { GUARD_BYTES = 0 };
#else
enum { GUARD_BYTES = 64 };
#endif
enum { GUARD = 0xA5, ALIGNMENT = 16 };

typedef struct block {
  struct block *next;
  uint8_t *raw, *bytes;
  size_t size;
} block;

static block *blocks;

static void *allocate(size_t size) {
  void *p = malloc(size);
  if (!p) {
    abort();
  }
  return p;
}

void *test_new(size_t size) {
  block *b = allocate(sizeof *b);
  b->next = blocks;
  b->size = size;
  b->raw = allocate(size + (GUARD_BYTES ? 2 * GUARD_BYTES + ALIGNMENT : 0));
  b->bytes = b->raw + GUARD_BYTES;
  b->bytes += -(uintptr_t)b->bytes % ALIGNMENT;
  memset(b->bytes - GUARD_BYTES, GUARD, GUARD_BYTES);
  memset(b->bytes, 0xFF, size);
  memset(b->bytes + size, GUARD, GUARD_BYTES);
  blocks = b;
  return b->bytes;
}

static void check_guards(const block *b) {
  for (size_t i = 0; i < GUARD_BYTES; i++) {
    CHECK(b->bytes[-1 - (ptrdiff_t)i] == GUARD, "a byte %lu before an array of %lu bytes was written", (unsigned long)i + 1,
          (unsigned long)b->size);
    CHECK(b->bytes[b->size + i] == GUARD, "byte %lu of an array of %lu bytes was written", (unsigned long)(b->size + i),
          (unsigned long)b->size);
  }
}

void test_free(void) {
  while (blocks) {
    block *b = blocks;
    blocks = b->next;
    check_guards(b);
    free(b->raw);
    free(b);
  }
}

/* ---- random data ------------------------------------------------------------------------------------------------------------- */

static uint64_t random_state;

/* The upper half of SplitMix64 (Steele, Lea, Flood 2014). */
uint32_t test_bits(void) {
  uint64_t z = random_state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return (uint32_t)((z ^ (z >> 31)) >> 32);
}

int test_below(int n) { return (int)(((uint64_t)test_bits() * (uint64_t)n) >> 32); }

float test_uniform(float lo, float hi) { return lo + (hi - lo) * ((float)(test_bits() >> 8) * 0x1p-24f); }

void test_fill(float *x, size_t n, float lo, float hi) {
  for (size_t i = 0; i < n; i++) {
    x[i] = test_uniform(lo, hi);
  }
}

/* ---- masks ------------------------------------------------------------------------------------------------------------------- */

static void mask_row(uint8_t *mask, test_mask_kind kind, int T) {
  int a = test_below(T + 1), b = test_below(T + 1);
  int from = a < b ? a : b, to = a < b ? b : a;
  for (int t = 0; t < T; t++) {
    bool counts = kind == MASK_FULL     ? true
                  : kind == MASK_END    ? t < a
                  : kind == MASK_FRONT  ? t >= a
                  : kind == MASK_HOLES  ? t < from || t >= to
                  : kind == MASK_RANDOM ? test_below(2) == 1
                                        : false;
    mask[t] = counts ? (uint8_t)(1 + test_below(255)) : 0;
  }
}

void test_mask(uint8_t *mask, test_mask_kind kind, int B, int T) {
  for (int b = 0; b < B; b++) {
    mask_row(mask + (size_t)b * T, kind, T);
  }
}

const char *test_mask_name(test_mask_kind kind) {
  static const char *const names[MASK_KINDS] = {"full mask",        "empty mask",      "padding at the end",
                                                "padding in front", "padding between", "random mask"};
  return names[kind];
}

static float poison(void) {
  static const float values[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, -1e10f, 1e-42f};
  return values[test_below(sizeof values / sizeof *values)];
}

void test_poison(float *x, const uint8_t *mask, int B, int T, int D) {
  for (size_t step = 0; step < (size_t)B * T; step++) {
    for (int d = 0; !mask[step] && d < D; d++) {
      x[step * D + d] = poison();
    }
  }
}

void test_spread(float *x, const float *packed, const uint8_t *mask, int B, int T, int D) {
  for (size_t step = 0; step < (size_t)B * T; step++) {
    for (int d = 0; mask[step] && d < D; d++) {
      x[step * D + d] = *packed++;
    }
  }
  test_poison(x, mask, B, T, D);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------------ */

bool test_next_shape(test_shape *s, int tile) {
  static const int batches[] = {0, 1, 3}, primes[] = {2, 5, 7, 11, 13, 19, 23, 29, 37, 41, 43, 53, 67, 71};
  const int times = 19, widths = 2 * tile + 3;
  test_free();
  int i = s->next++;
  s->kind = (test_mask_kind)(i % MASK_KINDS);
  i /= MASK_KINDS;
  s->B = batches[i % 3];
  i /= 3;
  s->T = i % times == times - 1 ? 61 : i % times;
  i /= times;
  s->D = i;
  if (i == widths - 1) {
    for (size_t k = 0; s->D < widths; k++) {
      s->D = primes[k];
    }
  }
  s->mask = TEST_NEW(uint8_t, s->B * s->T);
  test_mask(s->mask, s->kind, s->B, s->T);
  return i < widths;
}

float *test_steps(const test_shape *s, float lo, float hi) {
  size_t n = (size_t)s->B * s->T * s->D;
  float *x = TEST_NEW(float, n);
  test_fill(x, n, lo, hi);
  test_poison(x, s->mask, s->B, s->T, s->D);
  return x;
}

/* ---- running ----------------------------------------------------------------------------------------------------------------- */

EXPORT(test_seed) void test_seed(uint32_t seed) { run_seed = seed; }

/* A test's random numbers depend on the seed and on its title, not on the tests before it. */
static uint64_t seed_of(const test_case *test) {
  uint64_t hash = 0xCBF29CE484222325 ^ run_seed; /* FNV-1a */
  for (const char *c = test->title; *c; c++) {
    hash = (hash ^ (uint8_t)*c) * 0x100000001B3;
  }
  return hash;
}

EXPORT(test_run) int test_run(int index) {
  const test_case *test = test_at(index);
  random_state = seed_of(test);
  failed = false;
  message[message_length = 0] = '\0';
  test->run();
  test_free();
  return failed;
}

#ifndef __wasm__
#include <time.h>

/* TAP on standard output. PADLESS_SEED sets the seed; an argument picks the tests whose titles contain it. */
int main(int argc, char **argv) {
  const char *seed = getenv("PADLESS_SEED");
  test_seed(seed ? (uint32_t)strtoul(seed, NULL, 10) : (uint32_t)time(NULL));
  printf("TAP version 13\n1..%d\n# PADLESS_SEED=%lu\n", test_count(), (unsigned long)run_seed);
  int failures = 0;
  for (int i = 0; i < test_count(); i++) {
    if (argc > 1 && !strstr(test_name(i), argv[1])) {
      printf("ok %d - %s # SKIP not asked for\n", i + 1, test_name(i));
      continue;
    }
    bool passed = test_run(i) == 0;
    printf("%s %d - %s\n", passed ? "ok" : "not ok", i + 1, test_name(i));
    if (!passed) {
      printf("# %s\n", test_message());
      failures++;
    }
    fflush(stdout);
  }
  return failures > 0;
}
#endif
