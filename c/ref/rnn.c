#include "ref.h"

#include <stdlib.h>
#include <string.h>

static int gates_of(int cell) { return cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3; }

/* Packed: kernel [D, G*H], recurrent kernel [H, G*H], bias [G*H], recurrent bias [G*H], unchanged. */
size_t pl_ref_rnn_packed_size(pl_cell cell, int D, int H) { return ((size_t)D + H + 2) * gates_of(cell) * H; }

void pl_ref_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D,
                     int H) {
  size_t width = (size_t)gates_of(cell) * H;
  for (size_t i = 0; i < D * width; i++) {
    *packed++ = kernel[i];
  }
  for (size_t i = 0; i < H * width; i++) {
    *packed++ = recurrent_kernel[i];
  }
  for (size_t i = 0; i < 2 * width; i++) {
    *packed++ = bias && (i < width || cell == PL_GRU_RESET_AFTER) ? bias[i] : 0;
  }
}

/* y[u] = bias[first+u] + sum_k x[k] w[k][first+u] for u < count; with int8 weights, x is rounded to 16 bits. */
static void product(const pl_rnn *rnn, double *y, const double *from, double scale_floor, const float *w, const float *bias, int K,
                    int width, int first, int count) {
  double *x = calloc((size_t)K + 1, sizeof *x);
  memcpy(x, from, (size_t)K * sizeof *x);
  if (rnn->int8) {
    pl_ref_quant_row(x, scale_floor, K);
  }
  for (int u = 0; u < count; u++) {
    y[u] = (double)bias[first + u];
    for (int k = 0; k < K; k++) {
      y[u] += x[k] * (double)w[(size_t)k * width + first + u];
    }
  }
  free(x);
}

/* One step: h and c [H] become the next state. `gates` holds 2 * G * H. */
static void step(double *h, double *c, const double *x, const pl_rnn *rnn, double *gates) {
  const int D = rnn->D, H = rnn->H, width = gates_of(rnn->cell) * H;
  const pl_act act = (pl_act)rnn->act, rec_act = (pl_act)rnn->rec_act;
  const float *W = rnn->packed, *U = W + (size_t)D * width, *b = U + (size_t)H * width, *rb = b + width;
  double *pre = gates, *rec = gates + width;
  product(rnn, pre, x, 0, W, b, D, width, 0, width);
  product(rnn, rec, h, 1, U, rb, H, width, 0, width);
  if (rnn->cell == PL_SIMPLE_RNN) {
    for (int u = 0; u < H; u++) {
      h[u] = pre[u] + rec[u];
    }
    pl_ref_activate_row(h, act, H);
  } else if (rnn->cell == PL_LSTM) {
    double *i = pre, *f = i + H, *g = f + H, *o = g + H;
    for (int u = 0; u < width; u++) {
      pre[u] += rec[u];
    }
    pl_ref_activate_row(i, rec_act, H);
    pl_ref_activate_row(f, rec_act, H);
    pl_ref_activate_row(g, act, H);
    pl_ref_activate_row(o, rec_act, H);
    for (int u = 0; u < H; u++) {
      h[u] = c[u] = f[u] * c[u] + i[u] * g[u];
    }
    pl_ref_activate_row(h, act, H);
    for (int u = 0; u < H; u++) {
      h[u] *= o[u];
    }
  } else {
    double *z = pre, *r = z + H, *hh = r + H, *candidate = rec + 2 * H;
    for (int u = 0; u < 2 * H; u++) {
      pre[u] += rec[u];
    }
    pl_ref_activate_row(z, rec_act, H);
    pl_ref_activate_row(r, rec_act, H);
    if (rnn->cell == PL_GRU) {
      for (int u = 0; u < H; u++) {
        rec[u] = r[u] * h[u];
        r[u] = 1;
      }
      product(rnn, candidate, rec, 1, U, rb, H, width, 2 * H, H);
    }
    for (int u = 0; u < H; u++) {
      hh[u] += r[u] * candidate[u];
    }
    pl_ref_activate_row(hh, act, H);
    for (int u = 0; u < H; u++) {
      h[u] = z[u] * h[u] + (1 - z[u]) * hh[u];
    }
  }
}

static void load(double *state, const float *init, int b, int H) {
  for (int u = 0; u < H; u++) {
    state[u] = init ? (double)init[(size_t)b * H + u] : 0;
  }
}

static void save(float *last, const double *state, int b, int H) {
  for (int u = 0; last && u < H; u++) {
    last[(size_t)b * H + u] = (float)state[u];
  }
}

/* Row b; its n steps that count are at[0] < at[1] < ... in x and y. */
static void row(float *y, int ldy, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                const size_t *at, size_t n, pl_order order, int b) {
  const int D = rnn->D, H = rnn->H;
  double *h = calloc(2 * (size_t)H + (size_t)D + 2 * (size_t)gates_of(rnn->cell) * (size_t)H + 1, sizeof *h);
  double *c = h + H, *input = c + H, *gates = input + D;
  load(h, init ? init->h : NULL, b, H);
  load(c, init ? init->c : NULL, b, H);
  for (size_t i = 0; i < n; i++) {
    const size_t from = at[order == PL_FORWARD ? i : n - 1 - i], to = at[order == PL_BACKWARD ? n - 1 - i : i];
    for (int d = 0; d < D; d++) {
      input[d] = (double)x[from * D + d];
    }
    step(h, c, input, rnn, gates);
    for (int u = 0; y && u < H; u++) {
      y[to * ldy + u] = (float)h[u];
    }
    for (int u = 0; cells && rnn->cell == PL_LSTM && u < H; u++) {
      cells[to * H + u] = (float)c[u];
    }
  }
  if (last) {
    save(last->h, h, b, H);
    save(rnn->cell == PL_LSTM ? last->c : NULL, c, b, H);
  }
  free(h);
}

pl_status pl_ref_ragged_rnn(float *y, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                            const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena) {
  for (int b = 0; b < B; b++) {
    const size_t n = (size_t)(splits[b + 1] - splits[b]);
    size_t *at = calloc(n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++) {
      at[i] = (size_t)splits[b] + i;
    }
    row(y, ldy, cells, last, x, rnn, init, at, n, order, b);
    arena->steps += n;
    free(at);
  }
  return PL_OK;
}

pl_status pl_ref_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                            pl_order order, int B, int T, pl_arena *arena) {
  for (size_t i = 0; y && i < (size_t)B * T * rnn->H; i++) {
    y[i] = 0;
  }
  for (int b = 0; b < B; b++) {
    size_t n = 0, *at = calloc((size_t)T + 1, sizeof *at);
    for (int t = 0; t < T; t++) {
      if (!mask || mask[(size_t)b * T + t]) {
        at[n++] = (size_t)b * T + t;
      }
    }
    row(y, rnn->H, NULL, last, x, rnn, init, at, n, order, b);
    arena->steps += n;
    free(at);
  }
  return PL_OK;
}
