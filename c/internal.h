/* What the families share and nobody else sees: assertions that give values, scratch from the arena, the walk over steps that count.
 * Extents are size_t in here; a NULL mask means that every step counts. */
#ifndef PADLESS_INTERNAL_H
#define PADLESS_INTERNAL_H

#include "padless.h"

#include <string.h>

/* ---- assertions: a caller's mistake, with the values that show it; nothing under NDEBUG --------------------------------------------- */

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

/* Row splits of B rows start at 0; that they never fall is pl_row_length's to see. */
#define PL_ASSERT_SPLITS(splits, B)                                                                                                \
  PL_ASSERT((B) >= 0 && (splits) && *(splits) == 0, "B = %d, splits %p start at %d", (B), (const void *)(splits),                  \
            (splits) ? *(splits) : 0)

/* An array that has elements is there. */
#define PL_ASSERT_ARRAY(p, count) PL_ASSERT((p) || (count) == 0, #p " is NULL, expected %zu elements", (size_t)(count))

/* Two arrays of 4-byte elements share no byte. */
#define PL_ASSERT_APART(p, p_count, q, q_count)                                                                                    \
  PL_ASSERT(pl_apart((p), (p_count), (q), (q_count)), #p " and " #q " overlap: %zu elements at %p, %zu at %p", (size_t)(p_count),  \
            (const void *)(p), (size_t)(q_count), (const void *)(q))

/* Two arrays of as many elements are one and the same, or share no byte. */
#define PL_ASSERT_SAME_OR_APART(p, q, count)                                                                                       \
  PL_ASSERT((const void *)(p) == (const void *)(q) || pl_apart((p), (count), (q), (count)),                                        \
            #p " and " #q " overlap in part: %zu elements at %p and at %p", (size_t)(count), (const void *)(p), (const void *)(q))

static inline int pl_apart(const void *p, size_t p_count, const void *q, size_t q_count) {
  uintptr_t a = (uintptr_t)p, b = (uintptr_t)q;
  return p_count == 0 || q_count == 0 || a + 4 * p_count <= b || b + 4 * q_count <= a;
}

/* ---- arena -------------------------------------------------------------------------------------------------------------------------- */

/* What a block of so many bytes takes from an arena: every block starts at a multiple of 16. A pl_*_scratch() is a sum of these. */
static inline size_t pl_arena_bytes(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

/* Whether blocks that add up to `bytes` (a sum of pl_arena_bytes) fit. */
static inline int pl_arena_has(const pl_arena *arena, size_t bytes) {
  size_t used = pl_arena_bytes(arena->used);
  return used <= arena->size && bytes <= arena->size - used;
}

/* A block, 16-byte aligned, uninitialised; there is room. A kernel puts arena->used back before it returns. */
void *pl_arena_take(pl_arena *arena, size_t bytes);

/* ---- steps that count ----------------------------------------------------------------------------------------------------------------- */

static inline int pl_counts(const uint8_t *mask, size_t t) { return !mask || mask[t]; }

/* The first step from t on that counts, T if none does. Padding comes in runs: eight of them are passed at a time.
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

/* The first step from t on that is padding, T if none is. */
static inline size_t pl_next_padding(const uint8_t *mask, size_t t, size_t T) {
  if (!mask) {
    return T;
  }
  while (t < T && mask[t]) {
    t++;
  }
  return t;
}

/* How many of T steps count. */
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

/* Length of row b; splits never fall. */
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
