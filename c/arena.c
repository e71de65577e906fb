/* Scratch memory that the caller owns; sizes that saturate; failed assertions. */
#include "internal.h"

#ifndef NDEBUG
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void pl_assert_failed(const char *file, int line, const char *condition, const char *format, ...) {
#ifdef __wasm__
  /* Printing would need imports. The stack of the trap names the kernel. */
  (void)file, (void)line, (void)condition, (void)format;
  __builtin_trap();
#else
  va_list values;
  va_start(values, format);
  fprintf(stderr, "%s:%d: padless: expected %s: ", file, line, condition);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  abort();
#endif
}
#endif

size_t pl_sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

size_t pl_product(size_t a, size_t b) {
  size_t product;
  return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

size_t pl_round_up(size_t n, size_t step) { return pl_sum(n, step - 1) == SIZE_MAX ? SIZE_MAX : (n + step - 1) & ~(step - 1); }

size_t pl_arena_floats(size_t M, size_t N) { return pl_arena_bytes(pl_product(pl_product(M, N), sizeof(float))); }

int pl_arena_has(const pl_arena *arena, size_t bytes) {
  const size_t used = pl_arena_bytes(arena->used);
  return used <= arena->size && bytes <= arena->size - used && bytes < SIZE_MAX;
}

void pl_arena_init(pl_arena *arena, void *base, size_t size) {
  PL_ASSERT((uintptr_t)base % 16 == 0, "base %p is not 16-byte aligned", base);
  *arena = (pl_arena){.base = base, .size = size};
}

void *pl_arena_take(pl_arena *arena, size_t bytes) {
  PL_ASSERT(pl_arena_has(arena, bytes), "%zu bytes, %zu of %zu used", bytes, arena->used, arena->size);
  uint8_t *block = arena->base + pl_arena_bytes(arena->used);
  arena->used = pl_arena_bytes(arena->used) + bytes;
  return block;
}
