/* Which of the two builds this is. */
#include "padless.h"

int pl_is_relaxed(void) {
#ifdef PL_RELAXED
  return 1;
#else
  return 0;
#endif
}
