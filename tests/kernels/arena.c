#define _POSIX_C_SOURCE 200809L /* fork and pipe; NOLINT(bugprone-reserved-identifier) */
#include "internal.h"
#include "test.h"

#if !defined(__wasm__) && !defined(NDEBUG)
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST("a failed assertion prints what it expected and the values, and aborts") {
  int ends[2];
  CHECK(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  if (child == 0) {
    const int32_t splits[] = {3, 2};
    dup2(ends[1], STDERR_FILENO);
    pl_row_length(splits, 0);
    _exit(0);
  }
  close(ends[1]);
  char said[512] = {0};
  for (ssize_t n = 1, at = 0; n > 0; at += n) {
    n = read(ends[0], said + at, sizeof said - 1 - (size_t)at);
  }
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d", status);
  CHECK(strstr(said, "expected 0 <= splits[b] && splits[b] <= splits[b + 1]: splits[0] = 3, splits[1] = 2\n"), "%s", said);
}
#endif

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
