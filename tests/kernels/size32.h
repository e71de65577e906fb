/* Included before every file of build/native/size32: a size_t of 32 bits, as in wasm32, on a machine of 64. */
#ifndef PADLESS_SIZE32_H
#define PADLESS_SIZE32_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define size_t uint32_t
#undef SIZE_MAX
#define SIZE_MAX UINT32_MAX

#endif
