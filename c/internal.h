/* Shared by all files: assertions that print values, sizes that saturate, scratch from the arena, iteration over steps that count.
 * Sizes are size_t here: functions of padless.h convert them first. A NULL mask means that every step counts. */
#ifndef PADLESS_INTERNAL_H
#define PADLESS_INTERNAL_H

#include "padless.h"

#include <string.h>

/* ---- assertions of what callers must do, with the values in question; no code under NDEBUG ----------------------------------- */

/* PL_ASSERT(T >= 0, "T = %d", T) */
#ifdef NDEBUG
#define PL_ASSERT(condition, ...) ((void)sizeof(condition))
#else
#define PL_ASSERT(condition, ...) ((condition) ? (void)0 : pl_assert_failed(__FILE__, __LINE__, #condition, __VA_ARGS__))
_Noreturn void pl_assert_failed(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#endif

/* Sizes are not negative. */
#define PL_ASSERT_SIZES(B, T, D) PL_ASSERT((B) >= 0 && (T) >= 0 && (D) >= 0, #B " = %d, " #T " = %d, " #D " = %d", (B), (T), (D))

/* Row splits of B rows start at 0; pl_row_length asserts that they never decrease. */
#define PL_ASSERT_SPLITS(splits, B)                                                                                                \
  PL_ASSERT((B) >= 0 && (splits) && *(splits) == 0, "B = %d, splits %p start at %d", (B), (const void *)(splits),                  \
            (splits) ? *(splits) : 0)

/* An array may be NULL only if it has no elements. */
#define PL_ASSERT_ARRAY(p, count) PL_ASSERT((p) || (count) == 0, #p " is NULL, expected %zu elements", (size_t)(count))

/* Two arrays of 4-byte elements share no byte. */
#define PL_ASSERT_APART(p, p_count, q, q_count)                                                                                    \
  PL_ASSERT(pl_apart((p), (p_count), (q), (q_count)), #p " and " #q " overlap: %zu elements at %p, %zu at %p", (size_t)(p_count),  \
            (const void *)(p), (size_t)(q_count), (const void *)(q))

/* Two arrays of the same number of elements are the same array, or share no byte. */
#define PL_ASSERT_SAME_OR_APART(p, q, count)                                                                                       \
  PL_ASSERT((const void *)(p) == (const void *)(q) || pl_apart((p), (count), (q), (count)),                                        \
            #p " and " #q " overlap in part: %zu elements at %p and at %p", (size_t)(count), (const void *)(p), (const void *)(q))

static inline int pl_apart(const void *p, size_t p_count, const void *q, size_t q_count) {
  uintptr_t a = (uintptr_t)p, b = (uintptr_t)q;
  return p_count == 0 || q_count == 0 || a + 4 * p_count <= b || b + 4 * q_count <= a;
}

/* ---- sizes that saturate ----------------------------------------------------------------------------------------------------- */

/* a + b and a * b; SIZE_MAX if the result overflows size_t (4 GiB and more in wasm32). Allocating SIZE_MAX bytes fails, whereas a wrapped size
 * would let a kernel write past the end. Every pl_*_size() and pl_*_scratch() is computed with these. */
size_t pl_sum(size_t a, size_t b);
size_t pl_product(size_t a, size_t b);

/* The smallest multiple of `step`, a power of two, that is at least n. */
size_t pl_round_up(size_t n, size_t step);

/* ---- arena ------------------------------------------------------------------------------------------------------------------- */

/* Bytes that a block takes in an arena, in which every block starts at a multiple of 16; pl_arena_floats: for a block of floats [M, N].
 * A pl_*_scratch() is a sum of these. */
static inline size_t pl_arena_bytes(size_t bytes) { return pl_round_up(bytes, 16); }
size_t pl_arena_floats(size_t M, size_t N);

/* Whether the arena has `bytes` (a sum of pl_arena_bytes) left. */
int pl_arena_has(const pl_arena *arena, size_t bytes);

/* A block, 16-byte aligned and uninitialised. The caller must have checked that it fits, and must restore arena->used before it returns. */
void *pl_arena_take(pl_arena *arena, size_t bytes);

/* ---- steps that count -------------------------------------------------------------------------------------------------------- */

static inline int pl_counts(const uint8_t *mask, size_t t) { return !mask || mask[t]; }

/* The first step from t on that counts, T if there is none. Padding is mostly contiguous, so it is skipped eight steps at a time.
 *   for (size_t t = pl_next_step(mask, 0, T); t < T; t = pl_next_step(mask, t + 1, T)) */
static inline size_t pl_next_step(const uint8_t *mask, size_t t, size_t T) {
  while (t < T && !pl_counts(mask, t)) {
    uint64_t eight = 1;
    if (T - t >= sizeof eight) {
      memcpy(&eight, mask + t, sizeof eight);
    }
    t += eight ? 1 : sizeof eight;
  }
  return t;
}

/* The first step from t on that is padding, T if there is none. */
static inline size_t pl_next_padding(const uint8_t *mask, size_t t, size_t T) {
  if (!mask) {
    return T;
  }
  while (t < T && mask[t]) {
    t++;
  }
  return t;
}

/* How many of the T steps count. */
static inline size_t pl_count_steps(const uint8_t *mask, size_t T) {
  if (!mask) {
    return T;
  }
  size_t n = 0;
  for (size_t t = 0; t < T; t++) {
    n += mask[t] != 0;
  }
  return n;
}

/* Row b of mask [B, T]. */
static inline const uint8_t *pl_mask_row(const uint8_t *mask, size_t b, size_t T) { return mask ? mask + b * T : NULL; }

/* Length of row b. */
static inline size_t pl_row_length(const int32_t *splits, size_t b) {
  PL_ASSERT(0 <= splits[b] && splits[b] <= splits[b + 1], "splits[%zu] = %d, splits[%zu] = %d", b, splits[b], b + 1, splits[b + 1]);
  return (size_t)(splits[b + 1] - splits[b]);
}

static inline size_t pl_larger(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t pl_smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Length of the longest of B rows; 0 if there is none. */
static inline size_t pl_longest_row(const int32_t *splits, int B) {
  size_t longest = 0;
  for (size_t b = 0; b < (size_t)B; b++) {
    longest = pl_larger(longest, pl_row_length(splits, b));
  }
  return longest;
}

#endif
