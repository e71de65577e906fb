#include "internal.h"
#include "test.h"

TEST("an arena starts empty; its blocks follow each other and start at multiples of 16") {
  uint8_t *base = TEST_NEW(uint8_t, 96);
  pl_arena arena;
  arena.used = arena.steps = 7;
  pl_arena_init(&arena, base, 96);
  CHECK(arena.base == base && arena.size == 96 && arena.used == 0 && arena.steps == 0, "after init");
  CHECK(pl_arena_take(&arena, 5) == base, "first block");
  CHECK(pl_arena_take(&arena, 16) == base + 16, "second block");
  CHECK(pl_arena_take(&arena, 17) == base + 32, "third block");
}

TEST("pl_arena_has is true for exactly the blocks that fit") {
  pl_arena arena;
  pl_arena_init(&arena, TEST_NEW(uint8_t, 64), 64);
  CHECK(pl_arena_has(&arena, 64) && !pl_arena_has(&arena, 65), "empty");
  arena.used = 33;
  CHECK(pl_arena_has(&arena, 16) && !pl_arena_has(&arena, 17), "33 bytes used");
  arena.used = 64;
  CHECK(pl_arena_has(&arena, 0) && !pl_arena_has(&arena, 1), "full");
  CHECK(!pl_arena_has(&arena, SIZE_MAX), "more than memory");
}

TEST("an arena that is used beyond its size has no room, not even for an empty block") {
  pl_arena arena;
  pl_arena_init(&arena, TEST_NEW(uint8_t, 64), 64);
  for (size_t used = 65; used < 130; used++) {
    arena.used = used;
    CHECK(!pl_arena_has(&arena, 0) && !pl_arena_has(&arena, 16), "%d bytes used", (int)used);
  }
}
