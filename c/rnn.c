/* Recurrent layers: Keras's SimpleRNN, GRU (Cho et al. 2014; reset_after as in cuDNN) and LSTM (Hochreiter and Schmidhuber 1997).
 *
 * A step of a row is pre = x W + b (many steps at once) and R = h U (+ recurrent bias), then the cell. Outputs of both products are
 * laid out for the cell: blocks of 4 units, in each the gates one behind the other, H rounded up to Hp, a multiple of 4. Lanes from H
 * on have zero weights and no one reads them.
 * Rows are sorted by length, longest first: those that have ended are the last ones, and the loop goes on without them. */
#include "gemm.h"
#include "quant.h"
#include "vmath.h"

/* Rows of the input product that are kept at a time, over the whole batch. */
enum { CHUNK_ROWS = 128, CHUNK_LEAST = 8 };

typedef struct sizes {
  size_t D, H, Hp, G; /* G gates */
} sizes;

static size_t gates_of(pl_cell cell) { return cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3; }

static sizes sizes_of(pl_cell cell, int D, int H) {
  return (sizes){(size_t)D, (size_t)H, ((size_t)H + 3) & ~(size_t)3, gates_of(cell)};
}

/* ---- packing: input panels, recurrent panels; a GRU that resets before its product has z, r and then h apart -------------------------- */

/* A kernel or recurrent kernel, float or int8. */
typedef struct matrix {
  const float *w;
  const int8_t *w8;   /* in place of w, with */
  const float *scale; /* one a column */
} matrix;

static size_t packed_size(int int8, size_t K, size_t N) { return int8 ? quant_packed_size(K, N) : gemm_packed_size(K, N); }

/* Gates first .. first+count-1 of w [K, gates*H], as blocks of 4 units. */
static __attribute__((noinline)) float *pack_gates(float *packed, const matrix *from, const float *bias, size_t K, sizes s,
                                                   size_t first, size_t count) {
  const size_t size = packed_size(from->w8 != NULL, K, count * s.Hp);
  memset(packed, 0, size * sizeof *packed);
  for (size_t gate = 0; gate < count; gate++) {
    for (size_t u = 0; u < s.H; u++) {
      const size_t column = (first + gate) * s.H + u, to = u / 4 * 4 * count + gate * 4 + u % 4;
      const float *b = bias ? bias + column : NULL;
      if (from->w8) {
        quant_pack_column(packed, to, from->w8 + column, s.G * s.H, from->scale[column], b, K);
      } else {
        gemm_pack_column(packed, to, from->w + column, s.G * s.H, b, K);
      }
    }
  }
  return packed + size;
}

static __attribute__((noinline)) void pack(float *packed, const matrix *kernel, const matrix *recurrent_kernel, const float *bias,
                                           pl_cell cell, sizes s) {
  float *recurrent = pack_gates(packed, kernel, bias, s.D, s, 0, s.G);
  if (cell == PL_GRU) {
    float *candidate = pack_gates(recurrent, recurrent_kernel, NULL, s.H, s, 0, 2);
    pack_gates(candidate, recurrent_kernel, NULL, s.H, s, 2, 1);
  } else {
    const float *recurrent_bias = cell == PL_GRU_RESET_AFTER && bias ? bias + s.G * s.H : NULL;
    pack_gates(recurrent, recurrent_kernel, recurrent_bias, s.H, s, 0, s.G);
  }
}

static size_t all_packed_size(int int8, pl_cell cell, sizes s) {
  return packed_size(int8, s.D, s.G * s.Hp) +
         (cell == PL_GRU ? packed_size(int8, s.H, 2 * s.Hp) + packed_size(int8, s.H, s.Hp) : packed_size(int8, s.H, s.G * s.Hp));
}

size_t pl_rnn_packed_size(pl_cell cell, int D, int H) { return all_packed_size(0, cell, sizes_of(cell, D, H)); }
size_t pl_quant_rnn_packed_size(pl_cell cell, int D, int H) { return all_packed_size(1, cell, sizes_of(cell, D, H)); }

void pl_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D, int H) {
  PL_ASSERT_SIZES(1, D, H);
  pack(packed, &(matrix){.w = kernel}, &(matrix){.w = recurrent_kernel}, bias, cell, sizes_of(cell, D, H));
}

void pl_quant_rnn_pack(float *packed, const int8_t *kernel, const float *kernel_scale, const int8_t *recurrent_kernel,
                       const float *recurrent_scale, const float *bias, pl_cell cell, int D, int H) {
  PL_ASSERT_SIZES(1, D, H);
  const matrix recurrent = {.w8 = recurrent_kernel, .scale = recurrent_scale};
  pack(packed, &(matrix){.w8 = kernel, .scale = kernel_scale}, &recurrent, bias, cell, sizes_of(cell, D, H));
}

/* ---- products: x W + b and h U, float or int8 ------------------------------------------------------------------------------------------- */

static size_t product_scratch(const pl_rnn *rnn, size_t M, size_t K) { return rnn->int8 ? quant_scratch(M, K) : 0; }

/* `least` as for pl_quant_dense. */
static void product(const pl_rnn *rnn, float *y, size_t ldy, const float *x, size_t ldx, float least, const float *panels, size_t M,
                    size_t K, size_t N, void *scratch) {
  if (rnn->int8) {
    quant(y, ldy, x, ldx, least, panels, M, K, N, scratch);
  } else {
    gemm(y, ldy, x, ldx, panels, M, K, N);
  }
}

size_t pl_rnn_products_size(pl_cell cell, int H) {
  const sizes s = sizes_of(cell, 1, H);
  return s.G * s.Hp;
}

size_t pl_rnn_products_scratch(const pl_rnn *rnn, int N) { return product_scratch(rnn, (size_t)N, (size_t)rnn->D); }

pl_status pl_rnn_products(float *products, const float *x, const pl_rnn *rnn, int N, pl_arena *arena) {
  PL_ASSERT_SIZES(N, rnn->D, rnn->H);
  const sizes s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H);
  const size_t width = s.G * s.Hp, used = arena->used;
  if (!pl_arena_has(arena, pl_rnn_products_scratch(rnn, N))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  void *scratch = pl_arena_take(arena, pl_rnn_products_scratch(rnn, N));
  product(rnn, products, width, x, s.D, 0.0f, rnn->packed, (size_t)N, s.D, width, scratch);
  arena->used = used;
  return PL_OK;
}

/* ---- cells -------------------------------------------------------------------------------------------------------------------------------- */

/* Whether the cell has the activations of nearly every file, for which it is written out below. */
static int usual(const pl_rnn *rnn) { return rnn->act == PL_TANH && rnn->rec_act == PL_SIGMOID; }

static void add(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    v_store(y + i, v_add(v_load(x + i), v_load(y + i)));
  }
}

/* act over gate `gate` of `count` interleaved ones. Over a whole gate at once, since softmax looks at all units. */
static void activate_gate(float *gates, size_t gate, size_t count, int act, sizes s, float *units) {
  float *first = gates + gate * 4;
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(units + u, v_load(first + u * count));
  }
  pl_activate(units, units, (pl_act)act, 1, (int)s.H);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(first + u * count, v_load(units + u));
  }
}

/* What a step works on: one row. */
typedef struct step {
  const pl_rnn *rnn;
  sizes s;
  const float *pre;   /* x W + b, G gates */
  float *gates;       /* h U, G gates (2 for a GRU that resets before); overwritten */
  float *h, *c;       /* state, overwritten */
  float *reset;       /* r*h, Hp */
  float *units;       /* scratch, Hp */
  const float *panel; /* Uh of a GRU that resets before */
  void *scratch;      /* of its product */
} step;

/* h = act(pre + h U) */
static void simple_rnn(const step *p) {
  add(p->gates, p->pre, p->s.Hp);
  activate_gate(p->gates, 0, 1, p->rnn->act, p->s, p->units);
  memcpy(p->h, p->gates, p->s.Hp * sizeof *p->h);
}

/* h = tanh(c) / den, den at every fourth block of `gates`, for n blocks of 4 units. */
static inline __attribute__((always_inline)) void lstm_output(float *h, const float *c, const float *gates, const int n) {
  v4f x[4], num[4], den[4];
  UNROLL
  for (int i = 0; i < n; i++) {
    x[i] = v_load(c + 4 * i);
  }
  v_tanh_parts(num, den, x, n);
  UNROLL
  for (int i = 0; i < n; i++) {
    v_store(h + 4 * i, v_div(num[i], v_mul(den[i], v_load(gates + 16 * i))));
  }
}

/* The same with sigmoid and tanh: i*g and o*tanh(c) take one division each, and state and output are two short loops, not a long chain. */
static void lstm_usual(const step *p) {
  const v4f one = v_splat(1.0f);
  float *gates = p->gates;
  for (size_t u = 0; u < p->s.Hp; u += 4) {
    float *g = gates + 4 * u;
    const float *pre = p->pre + 4 * u;
    v4f x[3] = {v_add(v_load(pre), v_load(g)), v_add(v_load(pre + 4), v_load(g + 4)), v_add(v_load(pre + 12), v_load(g + 12))};
    v4f e[3], num, den, candidate = v_add(v_load(pre + 8), v_load(g + 8));
    v_exp_neg(e, x, 3);
    v_tanh_parts(&num, &den, &candidate, 1);
    v4f in = v_div(num, v_mul(den, v_add(one, e[0])));
    v4f forget = v_div(one, v_add(one, e[1]));
    v_store(p->c + u, v_madd(forget, v_load(p->c + u), in));
    v_store(g + 12, v_add(one, e[2]));
  }
  size_t u = 0;
  for (; u + 16 <= p->s.Hp; u += 16) {
    lstm_output(p->h + u, p->c + u, gates + 4 * u + 12, 4);
  }
  for (; u < p->s.Hp; u += 4) {
    lstm_output(p->h + u, p->c + u, gates + 4 * u + 12, 1);
  }
}

/* i, f, o = rec_act; g = act; c = f*c + i*g; h = o * act(c) */
static void lstm(const step *p) {
  if (usual(p->rnn)) {
    lstm_usual(p);
    return;
  }
  const sizes s = p->s;
  float *gates = p->gates;
  add(gates, p->pre, 4 * s.Hp);
  activate_gate(gates, 0, 4, p->rnn->rec_act, s, p->units);
  activate_gate(gates, 1, 4, p->rnn->rec_act, s, p->units);
  activate_gate(gates, 2, 4, p->rnn->act, s, p->units);
  activate_gate(gates, 3, 4, p->rnn->rec_act, s, p->units);
  for (size_t u = 0; u < s.Hp; u += 4) {
    const float *g = gates + 4 * u;
    v4f c = v_madd(v_load(g + 4), v_load(p->c + u), v_mul(v_load(g), v_load(g + 8)));
    v_store(p->c + u, c);
    v_store(p->units + u, c);
  }
  pl_activate(p->units, p->units, (pl_act)p->rnn->act, 1, (int)s.H);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(p->h + u, v_mul(v_load(gates + 4 * u + 12), v_load(p->units + u)));
  }
}

/* h = z*h + (1-z)*hh */
static inline v4f gru_state(v4f z, v4f h, v4f hh) { return v_madd(z, h, v_mul(v_sub(v_splat(1.0f), z), hh)); }

/* z, r = sigmoid(pre + gates), for a block of 4 units. */
static inline __attribute__((always_inline)) void update_and_reset(v4f *z, v4f *r, const float *pre, const float *g) {
  const v4f one = v_splat(1.0f);
  v4f x[2] = {v_add(v_load(pre), v_load(g)), v_add(v_load(pre + 4), v_load(g + 4))}, e[2];
  v_exp_neg(e, x, 2);
  *z = v_div(one, v_add(one, e[0]));
  *r = v_div(one, v_add(one, e[1]));
}

static void gru_reset_after_usual(const step *p) {
  for (size_t u = 0; u < p->s.Hp; u += 4) {
    const float *g = p->gates + 3 * u, *pre = p->pre + 3 * u;
    v4f z, r;
    update_and_reset(&z, &r, pre, g);
    v4f hh = v_tanh(v_madd(r, v_load(g + 8), v_load(pre + 8)));
    v_store(p->h + u, gru_state(z, v_load(p->h + u), hh));
  }
}

/* z, r = rec_act; hh = act(pre_h + r * (h Uh + rh)) */
static void gru_reset_after(const step *p) {
  if (usual(p->rnn)) {
    gru_reset_after_usual(p);
    return;
  }
  const sizes s = p->s;
  float *gates = p->gates;
  for (size_t u = 0; u < s.Hp; u += 4) {
    float *g = gates + 3 * u;
    const float *pre = p->pre + 3 * u;
    v_store(g, v_add(v_load(pre), v_load(g)));
    v_store(g + 4, v_add(v_load(pre + 4), v_load(g + 4)));
  }
  activate_gate(gates, 0, 3, p->rnn->rec_act, s, p->units);
  activate_gate(gates, 1, 3, p->rnn->rec_act, s, p->units);
  for (size_t u = 0; u < s.Hp; u += 4) {
    const float *g = gates + 3 * u;
    v_store(p->units + u, v_madd(v_load(g + 4), v_load(g + 8), v_load(p->pre + 3 * u + 8)));
  }
  pl_activate(p->units, p->units, (pl_act)p->rnn->act, 1, (int)s.H);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(p->h + u, gru_state(v_load(gates + 3 * u), v_load(p->h + u), v_load(p->units + u)));
  }
}

/* z, r = rec_act; hh = act(pre_h + (r*h) Uh) */
static void gru_reset_before(const step *p) {
  const sizes s = p->s;
  float *gates = p->gates;
  for (size_t u = 0; u < s.Hp; u += 4) {
    float *g = gates + 2 * u;
    const float *pre = p->pre + 3 * u;
    v_store(g, v_add(v_load(pre), v_load(g)));
    v_store(g + 4, v_add(v_load(pre + 4), v_load(g + 4)));
  }
  activate_gate(gates, 0, 2, p->rnn->rec_act, s, p->units);
  activate_gate(gates, 1, 2, p->rnn->rec_act, s, p->units);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(p->reset + u, v_mul(v_load(gates + 2 * u + 4), v_load(p->h + u)));
  }
  product(p->rnn, p->units, s.Hp, p->reset, s.Hp, 1.0f, p->panel, 1, s.H, s.Hp, p->scratch);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(p->units + u, v_add(v_load(p->pre + 3 * u + 8), v_load(p->units + u)));
  }
  pl_activate(p->units, p->units, (pl_act)p->rnn->act, 1, (int)s.H);
  for (size_t u = 0; u < s.Hp; u += 4) {
    v_store(p->h + u, gru_state(v_load(gates + 2 * u), v_load(p->h + u), v_load(p->units + u)));
  }
}

static void run_cell(const step *p) {
  switch (p->rnn->cell) {
  case PL_LSTM:
    lstm(p);
    break;
  case PL_GRU_RESET_AFTER:
    gru_reset_after(p);
    break;
  case PL_GRU:
    gru_reset_before(p);
    break;
  default:
    simple_rnn(p);
  }
}

/* ---- the loop over time ----------------------------------------------------------------------------------------------------------------- */

static size_t chunk_steps(size_t B, size_t T) {
  size_t S = B ? CHUNK_ROWS / B : 0;
  S = S < CHUNK_LEAST ? CHUNK_LEAST : S;
  return S < T ? S : T;
}

static size_t floats(size_t n) { return pl_arena_bytes(n * sizeof(float)); }

/* Of the products, one after the other: inputs of a row, states of all. */
static size_t products_bytes(const pl_rnn *rnn, size_t B, size_t T) {
  return pl_larger(product_scratch(rnn, chunk_steps(B, T), (size_t)rnn->D), product_scratch(rnn, B, (size_t)rnn->H));
}

static size_t scratch_bytes(const pl_rnn *rnn, size_t B, size_t T) {
  const sizes s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H);
  return floats(B) + floats(T + 1)                                           /* order, rows of each length */
         + 2 * floats(B * s.Hp) + floats(B * s.G * s.Hp)                     /* h, c, h U */
         + 2 * floats(s.Hp)                                                  /* r*h, units */
         + products_bytes(rnn, B, T)                                         /* rows rounded for int8 weights */
         + (rnn->products ? 0 : floats(B * chunk_steps(B, T) * s.G * s.Hp)); /* x W + b */
}

size_t pl_ragged_rnn_scratch(const pl_rnn *rnn, const int32_t *splits, int B) {
  return scratch_bytes(rnn, (size_t)B, pl_longest_row(splits, B));
}

/* order: the rows from the longest to the shortest, equal ones as they stand. rows_of [T+1] is scratch. */
static void sort_by_length(int32_t *order, int32_t *rows_of, const int32_t *splits, int B, size_t T) {
  memset(rows_of, 0, (T + 1) * sizeof *rows_of);
  for (int b = 0; b < B; b++) {
    rows_of[pl_row_length(splits, b)]++;
  }
  int32_t place = 0; /* of the first row of each length */
  for (size_t n = T + 1; n-- > 0;) {
    int32_t rows = rows_of[n];
    rows_of[n] = place;
    place += rows;
  }
  for (int b = 0; b < B; b++) {
    order[rows_of[pl_row_length(splits, b)]++] = b;
  }
}

static void load_state(float *state, const float *init, const int32_t *order, int B, sizes s) {
  memset(state, 0, (size_t)B * s.Hp * sizeof *state);
  for (int m = 0; init && m < B; m++) {
    memcpy(state + (size_t)m * s.Hp, init + (size_t)order[m] * s.H, s.H * sizeof *state);
  }
}

static void save_state(float *last, const float *state, const int32_t *order, int B, sizes s) {
  for (int m = 0; last && m < B; m++) {
    memcpy(last + (size_t)order[m] * s.H, state + (size_t)m * s.Hp, s.H * sizeof *last);
  }
}

pl_status pl_ragged_rnn(float *y, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                        const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena) {
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT(!y || ldy >= rnn->H, "ldy = %d, H = %d", ldy, rnn->H);
  PL_ASSERT(!rnn->products == !rnn->rows, "products %p, rows %p", (const void *)rnn->products, (const void *)rnn->rows);
  const sizes s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H);
  const size_t T = pl_longest_row(splits, B), width = s.G * s.Hp, S = chunk_steps((size_t)B, T);
  if (!pl_arena_has(arena, scratch_bytes(rnn, (size_t)B, T))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  int32_t *sorted = pl_arena_take(arena, (size_t)B * sizeof *sorted);
  sort_by_length(sorted, pl_arena_take(arena, (T + 1) * sizeof(int32_t)), splits, B, T);
  float *h = pl_arena_take(arena, (size_t)B * s.Hp * sizeof *h);
  float *c = pl_arena_take(arena, (size_t)B * s.Hp * sizeof *c);
  float *recurrent = pl_arena_take(arena, (size_t)B * width * sizeof *recurrent);
  float *reset = pl_arena_take(arena, s.Hp * sizeof *reset);
  float *units = pl_arena_take(arena, s.Hp * sizeof *units);
  float *pre = rnn->products ? NULL : pl_arena_take(arena, (size_t)B * S * width * sizeof *pre);
  void *scratch = pl_arena_take(arena, products_bytes(rnn, (size_t)B, T));
  memset(reset, 0, s.Hp * sizeof *reset);
  memset(units, 0, s.Hp * sizeof *units);
  load_state(h, init ? init->h : NULL, sorted, B, s);
  load_state(c, init ? init->c : NULL, sorted, B, s);

  const float *input_panels = rnn->packed;
  const float *recurrent_panels = input_panels + packed_size(rnn->int8, s.D, width);
  const float *candidate_panels = recurrent_panels + packed_size(rnn->int8, s.H, 2 * s.Hp); /* PL_GRU alone */
  const size_t recurrent_width = rnn->cell == PL_GRU ? 2 * s.Hp : width;

  size_t active = (size_t)B;
  for (size_t chunk = 0; chunk < T; chunk += S) {
    /* x W + b of the next S steps that each row visits; backward, these are the last ones not visited yet. */
    for (size_t m = 0; pre && m < active; m++) {
      const size_t length = pl_row_length(splits, sorted[m]);
      if (length <= chunk) {
        break;
      }
      const size_t n = length - chunk < S ? length - chunk : S;
      const size_t from = (size_t)splits[sorted[m]] + (order == PL_FORWARD ? chunk : length - chunk - n);
      product(rnn, pre + m * S * width, width, x + from * s.D, s.D, 0.0f, input_panels, n, s.D, width, scratch);
    }
    for (size_t t = chunk; t < T && t < chunk + S; t++) {
      while (active && pl_row_length(splits, sorted[active - 1]) <= t) {
        active--;
      }
      product(rnn, recurrent, width, h, s.Hp, 1.0f, recurrent_panels, active, s.H, recurrent_width, scratch);
      for (size_t m = 0; m < active; m++) {
        const size_t start = (size_t)splits[sorted[m]], length = pl_row_length(splits, sorted[m]);
        const size_t n = length - chunk < S ? length - chunk : S;
        const size_t at = order == PL_FORWARD ? t - chunk : n - 1 - (t - chunk);
        const size_t visited = start + (order == PL_FORWARD ? t : length - 1 - t);
        run_cell(&(step){.rnn = rnn,
                         .s = s,
                         .pre = pre ? pre + (m * S + at) * width : rnn->products + (size_t)rnn->rows[visited] * width,
                         .gates = recurrent + m * width,
                         .h = h + m * s.Hp,
                         .c = c + m * s.Hp,
                         .reset = reset,
                         .units = units,
                         .panel = candidate_panels,
                         .scratch = scratch});
        const size_t row = start + (order == PL_BACKWARD ? length - 1 - t : t);
        if (y) {
          v_copy(y + row * (size_t)ldy, h + m * s.Hp, s.H);
        }
        if (cells && rnn->cell == PL_LSTM) {
          v_copy(cells + row * s.H, c + m * s.Hp, s.H);
        }
      }
      arena->steps += active;
    }
  }
  if (last) {
    save_state(last->h, h, sorted, B, s);
    save_state(rnn->cell == PL_LSTM ? last->c : NULL, c, sorted, B, s);
  }
  arena->used = used;
  return PL_OK;
}

/* ---- with a mask: closed up, run, put back ------------------------------------------------------------------------------------------------ */

static size_t longest_masked(const uint8_t *mask, int B, int T, size_t *N) {
  size_t most = 0;
  *N = 0;
  for (int b = 0; b < B; b++) {
    size_t n = pl_count_steps(pl_mask_row(mask, (size_t)b, (size_t)T), (size_t)T);
    *N += n;
    most = pl_larger(most, n);
  }
  return most;
}

size_t pl_masked_rnn_scratch(const pl_rnn *rnn, const uint8_t *mask, int B, int T) {
  size_t N, most = longest_masked(mask, B, T, &N);
  return floats((size_t)B + 1) + floats(N * (size_t)rnn->D) + floats(N * (size_t)rnn->H) + scratch_bytes(rnn, (size_t)B, most);
}

pl_status pl_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                        pl_order order, int B, int T, pl_arena *arena) {
  PL_ASSERT(!rnn->products, "products %p, expected none behind a mask", (const void *)rnn->products);
  if (!pl_arena_has(arena, pl_masked_rnn_scratch(rnn, mask, B, T))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  int32_t *splits = pl_arena_take(arena, ((size_t)B + 1) * sizeof *splits);
  const size_t N = (size_t)pl_row_splits(splits, mask, B, T);
  float *closed = pl_arena_take(arena, N * (size_t)rnn->D * sizeof *closed);
  float *output = y ? pl_arena_take(arena, N * (size_t)rnn->H * sizeof *output) : NULL;
  pl_pack(closed, x, mask, B, T, rnn->D);
  pl_status status = pl_ragged_rnn(output, NULL, last, closed, rnn, init, splits, order, rnn->H, B, arena);
  if (y && status == PL_OK) {
    pl_unpack(y, output, mask, 0.0f, B, T, rnn->H);
  }
  arena->used = used;
  return status;
}
