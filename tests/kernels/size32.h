/* Included before every file of build/native/size32: gives a 64-bit machine the 32-bit size_t of wasm32. */
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
