/* Trains small recurrent models of padless on one processor core: embeddings (sums of the rows of a step's ids, and a projection of fixed vectors),
 * optionally a window of steps (Conv1D), one or two bidirectional GRUs as Keras has them (reset_after), and either the mean over the steps and a softmax, or
 * a linear-chain CRF. Adam, a cosine schedule, a running mean of the weights. State is kept after each epoch, and a run goes on from it.
 *
 *   rnn train FOLDER --name value ...    FOLDER holds train.bin, and vectors.bin where R > 0; writes state.bin, weights.bin
 *   rnn run FOLDER FILE                  answers for the rows of FILE: logits [N, K] (class) or tags, one byte a step (crf)
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef float v8 __attribute__((vector_size(32), aligned(4)));
typedef struct { int V, E, R, W, C, H, L, K, crf, F; } Shape; /* vocabulary, embedding, fixed vector, window, filters, units, layers, labels, crf?, ids a step */

static void fail(const char *what) { fprintf(stderr, "rnn: %s\n", what); exit(1); }
static void *take(size_t n) { void *p = aligned_alloc(64, (n + 63) / 64 * 64); if (!p) fail("no memory"); memset(p, 0, n); return p; }
static int up(int n) { return (n + 15) / 16 * 16; }

/* ---------------------------------------------------------------- products */

/* c[i][j] += sum_p a(i, p) b[p][j], a(i, p) at a[i * ar + p * ac]; n is a multiple of 16 */
#define TILE(ROWS)                                                                                        \
    static void tile##ROWS(float *c, const float *a, const float *b, int k, int n, int ldc, long ar, long ac) { \
        for (int j = 0; j < n; j += 16) {                                                                  \
            v8 s[ROWS][2];                                                                                 \
            for (int r = 0; r < ROWS; r++) { s[r][0] = *(v8 *)(c + (long)r * ldc + j); s[r][1] = *(v8 *)(c + (long)r * ldc + j + 8); } \
            for (int p = 0; p < k; p++) {                                                                  \
                v8 b0 = *(const v8 *)(b + (long)p * n + j), b1 = *(const v8 *)(b + (long)p * n + j + 8);   \
                for (int r = 0; r < ROWS; r++) { float x = a[r * ar + p * ac]; s[r][0] += x * b0; s[r][1] += x * b1; } \
            }                                                                                              \
            for (int r = 0; r < ROWS; r++) { *(v8 *)(c + (long)r * ldc + j) = s[r][0]; *(v8 *)(c + (long)r * ldc + j + 8) = s[r][1]; } \
        }                                                                                                  \
    }
TILE(6) TILE(1)
static void product(float *c, const float *a, const float *b, int m, int k, int n, long ar, long ac) {
    int i = 0;
    /* blocks of p keep b's panel in the cache */
    for (int p = 0; p < k; p += 256) {
        int kk = k - p < 256 ? k - p : 256;
        for (i = 0; i + 6 <= m; i += 6) tile6(c + (long)i * n, a + i * ar + p * ac, b + (long)p * n, kk, n, n, ar, ac);
        for (; i < m; i++) tile1(c + (long)i * n, a + i * ar + p * ac, b + (long)p * n, kk, n, n, ar, ac);
    }
}
/* c[m][n] += a[m][k] b[k][n] */
static void nn(float *c, const float *a, const float *b, int m, int k, int n) { product(c, a, b, m, k, n, k, 1); }
/* c[k][n] += a[m][k]^T b[m][n] */
static void tn(float *c, const float *a, const float *b, int m, int k, int n) { product(c, a, b, k, m, n, 1, k); }
/* c[m][k] += a[m][n] b[k][n]^T; k is a multiple of 16 */
static float *flipped;
static void nt(float *c, const float *a, const float *b, int m, int n, int k) {
    for (int i = 0; i < k; i++) for (int j = 0; j < n; j++) flipped[(long)j * k + i] = b[(long)i * n + j];
    nn(c, a, flipped, m, n, k);
}
static void sums(float *c, const float *a, int m, int n) { for (int i = 0; i < m; i++) for (int j = 0; j < n; j++) c[j] += a[(long)i * n + j]; }

/* ---------------------------------------------------------------- weights */

typedef struct { float *table, *proj, *conv, *convb, *x[2][2], *u[2][2], *b[2][2], *out, *outb, *trans, *start, *end; } Weights;
static Shape S;
static int Kp, I1, I2; /* labels rounded up; inputs of both layers */

static size_t place(Weights *w, float *p) {
    size_t n = 0;
#define PART(name, size) w->name = p ? p + n : 0, n += ((size_t)(size) + 15) / 16 * 16
    PART(table, (size_t)S.V * S.E);
    PART(proj, S.R * S.E);
    PART(conv, S.W * S.E * S.C);
    PART(convb, S.W ? S.C : 0);
    for (int l = 0; l < S.L; l++)
        for (int d = 0; d < 2; d++) {
            PART(x[l][d], (l ? I2 : I1) * 3 * S.H);
            PART(u[l][d], S.H * 3 * S.H);
            PART(b[l][d], 6 * S.H);
        }
    PART(out, 2 * S.H * Kp);
    PART(outb, Kp);
    if (S.crf) { PART(trans, Kp * Kp); PART(start, Kp); PART(end, Kp); }
    return n;
}

/* ---------------------------------------------------------------- random numbers */

static uint64_t seed64 = 1;
static uint64_t next64(void) { seed64 ^= seed64 >> 12; seed64 ^= seed64 << 25; seed64 ^= seed64 >> 27; return seed64 * 0x2545f4914f6cdd1dull; }
static float uniform(void) { return (next64() >> 40) * 0x1p-24f; }
static float normal(void) { float a = uniform() + 1e-7f, b = uniform(); return sqrtf(-2 * logf(a)) * cosf(6.2831853f * b); }

/* ---------------------------------------------------------------- data */

typedef struct { int N, *T; int **ids; void **label; } Data; /* label: float [K] or bytes [T] */
static Data read_data(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail("a data file is missing");
    Data d;
    int has;
    if (fread(&d.N, 4, 1, f) != 1 || fread(&has, 4, 1, f) != 1) fail("a data file is cut off");
    d.T = take(4L * d.N); d.ids = take(8L * d.N); d.label = take(8L * d.N);
    for (int n = 0; n < d.N; n++) {
        if (fread(d.T + n, 4, 1, f) != 1) fail("a data file is cut off");
        d.ids[n] = take(4L * d.T[n] * S.F);
        if (fread(d.ids[n], 4L * S.F, d.T[n], f) != (size_t)d.T[n]) fail("a data file is cut off");
        size_t size = S.crf ? d.T[n] : 4L * S.K;
        d.label[n] = take(size);
        if (has && fread(d.label[n], 1, size, f) != size) fail("a data file is cut off");
    }
    fclose(f);
    return d;
}

/* ---------------------------------------------------------------- a batch forwards and backwards */

enum { B_MOST = 256 };
static float *vectors, *unknown;                       /* [V, R]; chance of each id to become the unknown one */
static float *X0, *Xc, *Xw, *dX0, *dXw, *vec, *mask;   /* [T*B, ...] */
static float *hs[2], *dhs[2], *inner; /* by layer / direction */
static float *out, *dout, *mean, *dmean, *drop_mean, *drop_x, *drop_h[2];
static int *ids, *kept;
static int T, B;
static float dropout_x, dropout_h, dropout_state, delta_dropout;

static void allocate(int T_most) {
    long n = (long)T_most * B_MOST;
    X0 = take(4 * n * S.E); dX0 = take(4 * n * S.E); drop_x = take(4 * n * S.E);
    vec = take(4 * n * (S.R + 1)); mask = take(4 * n);
    Xw = take(4 * n * (S.W * S.E + 1)); dXw = take(4 * n * (S.W * S.E + 1)); Xc = take(4 * n * (S.C + 1));
    for (int l = 0; l < 2; l++) {
        hs[l] = take(4 * n * 2 * S.H); dhs[l] = take(4 * n * 2 * S.H); drop_h[l] = take(4 * n * 2 * S.H);
    }
    inner = take(4 * n * 3 * S.H);
    out = take(4 * n * Kp); dout = take(4 * n * Kp);
    mean = take(4L * B_MOST * 2 * S.H); dmean = take(4L * B_MOST * 2 * S.H); drop_mean = take(4L * B_MOST * 2 * S.H);
    ids = take(4 * n * S.F); kept = take(4 * n);
    flipped = take(4L << 20);
}


/* One direction of one layer. x [T*B, I]; h goes to columns [d*H, (d+1)*H) of y [T*B, 2H]. Everything the gradient needs is kept in k. */
typedef struct { float *zr, *c, *q, *h, *prev; } Kept;
static Kept keep[2][2];
static float *work3, *workq, *workh;

static void gru(const float *x, int I, const float *wx, const float *wu, const float *bias, int back, float *y, int d, Kept *k) {
    int H = S.H, G = 3 * H;
    long n = (long)T * B;
    for (long i = 0; i < n; i++) memcpy(work3 + i * G, bias, 4 * G);
    nn(work3, x, wx, n, I, G);
    float *h = workh;
    memset(h, 0, 4L * B * H);
    for (int s = 0; s < T; s++) {
        int t = back ? T - 1 - s : s;
        float *q = workq, *a = work3 + (long)t * B * G;
        for (int b = 0; b < B; b++) memcpy(q + (long)b * G, bias + G, 4 * G);
        nn(q, h, wu, B, H, G);
        memcpy(k->prev + (long)t * B * H, h, 4L * B * H);
        for (int b = 0; b < B; b++) {
            float m = mask[(long)t * B + b];
            long at = (long)t * B + b;
            float *ab = a + (long)b * G, *qb = q + (long)b * G, *zr = k->zr + at * 2 * H, *c = k->c + at * H, *hb = h + (long)b * H, *yb = y + at * 2 * H + d * H;
            for (int i = 0; i < 2 * H; i++) zr[i] = 1 / (1 + expf(-(ab[i] + qb[i])));
            for (int i = 0; i < H; i++) c[i] = 2 / (1 + expf(-2 * (ab[2 * H + i] + zr[H + i] * qb[2 * H + i]))) - 1;
            memcpy(k->q + at * H, qb + 2 * H, 4 * H);
            for (int i = 0; i < H; i++) yb[i] = hb[i] = m * (zr[i] * hb[i] + (1 - zr[i]) * c[i]);
        }
    }
}

/* dy [T*B, 2H]; adds to the weights' gradients and, where dx is not NULL, to dx [T*B, I]. */
static void gru_back(const float *x, int I, const float *wx, const float *wu, int back, const float *dy, int d, Kept *k,
                     float *gx, float *gu, float *gb, float *dx) {
    int H = S.H, G = 3 * H;
    long n = (long)T * B;
    float *dh = workh, *da = work3;
    memset(dh, 0, 4L * B * H);
    for (int i = 0; i < H; i++) for (int j = 0; j < G; j++) flipped[(long)j * H + i] = wu[(long)i * G + j];
    for (int s = T - 1; s >= 0; s--) {
        int t = back ? T - 1 - s : s;
        for (int b = 0; b < B; b++) {
            long at = (long)t * B + b;
            float m = mask[at], *dhb = dh + (long)b * H, *in = inner + at * G, *dab = da + at * G;
            const float *zr = k->zr + at * 2 * H, *c = k->c + at * H, *q = k->q + at * H, *h = k->prev + at * H, *dyb = dy + at * 2 * H + d * H;
            for (int i = 0; i < H; i++) {
                float z = zr[i], r = zr[H + i], g = m * (dhb[i] + dyb[i]), dc = g * (1 - z) * (1 - c[i] * c[i]);
                float dz = g * (h[i] - c[i]) * z * (1 - z), dr = dc * q[i] * r * (1 - r);
                in[i] = dab[i] = dz; in[H + i] = dab[H + i] = dr; dab[2 * H + i] = dc; in[2 * H + i] = dc * r;
                dhb[i] = g * z;
            }
        }
        nn(dh, inner + (long)t * B * G, flipped, B, G, H);
    }
    tn(gu, k->prev, inner, n, H, G);
    sums(gb + G, inner, n, G);
    tn(gx, x, da, n, I, G);
    sums(gb, da, n, G);
    if (dx) nt(dx, da, wx, n, G, I);
}

static void make_drop(float *p, long n, float rate) {
    float keep_ = 1 / (1 - rate);
    uint32_t limit = rate * 65536;
    for (long i = 0; i < n; i += 4) { uint64_t r = next64(); for (int j = 0; j < 4; j++) p[i + j] = ((r >> 16 * j) & 65535) < limit ? 0 : keep_; }
}

static double crf(const Weights *w, Weights *g, const Data *d, const int *rows, const int *lens);

static void forward(const Weights *w, const Data *d, const int *rows, int training, int *lens) {
    T = 0;
    for (int b = 0; b < B; b++) { lens[b] = d->T[rows[b]]; if (lens[b] > T) T = lens[b]; }
    long n = (long)T * B;
    int E = S.E;
    memset(X0, 0, 4 * n * E);
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++) {
            long at = (long)t * B + b;
            mask[at] = t < lens[b];
            float *x = X0 + at * E;
            kept[at] = !(training && delta_dropout > 0 && uniform() < delta_dropout);
            for (int f = 0; f < S.F; f++) {
                int id = t < lens[b] ? d->ids[rows[b]][t * S.F + f] : 0;
                if (id && training && unknown && uniform() < unknown[id]) id = f ? 0 : 1;
                ids[at * S.F + f] = id;
                if (!id) continue;
                if (kept[at]) for (int i = 0; i < E; i++) x[i] += w->table[(long)id * E + i];
                if (S.R && !f) memcpy(vec + at * S.R, vectors + (long)id * S.R, 4L * S.R);
            }
            if (S.R && !ids[at * S.F]) memset(vec + at * S.R, 0, 4L * S.R);
        }
    if (S.R) nn(X0, vec, w->proj, n, S.R, E);
    if (training) { make_drop(drop_x, n * E, dropout_x); for (long i = 0; i < n * E; i++) X0[i] *= drop_x[i]; }
    const float *x = X0;
    if (S.W) {
        int half = S.W / 2;
        for (int t = 0; t < T; t++)
            for (int b = 0; b < B; b++)
                for (int k = 0; k < S.W; k++) {
                    int s = t + k - half;
                    float *to = Xw + ((long)t * B + b) * S.W * E + k * E;
                    if (s >= 0 && s < lens[b]) memcpy(to, X0 + ((long)s * B + b) * E, 4L * E);
                    else memset(to, 0, 4L * E);
                }
        for (long i = 0; i < n; i++) memcpy(Xc + i * S.C, w->convb, 4L * S.C);
        nn(Xc, Xw, w->conv, n, S.W * E, S.C);
        for (long i = 0; i < n * S.C; i++) Xc[i] = Xc[i] > 0 ? Xc[i] : 0;
        x = Xc;
    }
    for (int l = 0; l < S.L; l++) {
        for (int k = 0; k < 2; k++) gru(x, l ? I2 : I1, w->x[l][k], w->u[l][k], w->b[l][k], k, hs[l], k, &keep[l][k]);
        if (training && (l < S.L - 1 || S.crf)) {
            make_drop(drop_h[l], n * 2 * S.H, l < S.L - 1 ? dropout_state : dropout_h);
            for (long i = 0; i < n * 2 * S.H; i++) hs[l][i] *= drop_h[l][i];
        }
        x = hs[l];
    }
    int D = 2 * S.H;
    if (S.crf) {
        for (long i = 0; i < n; i++) memcpy(out + i * Kp, w->outb, 4L * Kp);
        nn(out, x, w->out, n, D, Kp);
        return;
    }
    memset(mean, 0, 4L * B * D);
    for (int t = 0; t < T; t++) for (int b = 0; b < B; b++) for (int i = 0; i < D; i++) mean[b * D + i] += x[((long)t * B + b) * D + i];
    if (training) make_drop(drop_mean, (long)B * D, dropout_h);
    for (int b = 0; b < B; b++) for (int i = 0; i < D; i++) mean[b * D + i] *= (training ? drop_mean[b * D + i] : 1) / lens[b];
    for (int b = 0; b < B; b++) memcpy(out + (long)b * Kp, w->outb, 4L * Kp);
    nn(out, mean, w->out, B, D, Kp);
}

/* Adds the gradients of one batch's mean loss to g; the loss. */
static double backward(const Weights *w, Weights *g, const Data *d, const int *rows) {
    static int lens[B_MOST];
    forward(w, d, rows, 1, lens);
    int D = 2 * S.H, E = S.E;
    long n = (long)T * B;
    double loss = 0;
    float *dy = dhs[S.L - 1];
    const float *top = hs[S.L - 1];
    if (S.crf) {
        loss = crf(w, g, d, rows, lens);
        memset(dy, 0, 4 * n * D);
        tn(g->out, top, dout, n, D, Kp);
        sums(g->outb, dout, n, Kp);
        nt(dy, dout, w->out, n, Kp, D);
        for (long i = 0; i < n * D; i++) dy[i] *= drop_h[S.L - 1][i];
    } else {
        for (int b = 0; b < B; b++) {
            float *o = out + (long)b * Kp, *e = dout + (long)b * Kp, most = o[0], sum = 0;
            const float *y = d->label[rows[b]];
            for (int k = 1; k < S.K; k++) if (o[k] > most) most = o[k];
            for (int k = 0; k < S.K; k++) sum += e[k] = expf(o[k] - most);
            for (int k = 0; k < S.K; k++) { loss -= y[k] * (o[k] - most - logf(sum)) / B; e[k] = (e[k] / sum - y[k]) / B; }
            for (int k = S.K; k < Kp; k++) e[k] = 0;
        }
        tn(g->out, mean, dout, B, D, Kp);
        sums(g->outb, dout, B, Kp);
        memset(dmean, 0, 4L * B * D);
        nt(dmean, dout, w->out, B, Kp, D);
        for (int t = 0; t < T; t++)
            for (int b = 0; b < B; b++)
                for (int i = 0; i < D; i++) dy[((long)t * B + b) * D + i] = dmean[b * D + i] * drop_mean[b * D + i] / lens[b];
    }
    for (int l = S.L - 1; l >= 0; l--) {
        int I = l ? I2 : I1;
        const float *x = l ? hs[l - 1] : S.W ? Xc : X0;
        float *dx = l ? dhs[l - 1] : S.W ? Xc + 0 : dX0;
        static float *dxc;
        if (!l && S.W) { if (!dxc) dxc = take(4L * B_MOST * 512 * S.C); dx = dxc; }
        memset(dx, 0, 4 * n * I);
        for (int k = 0; k < 2; k++) gru_back(x, I, w->x[l][k], w->u[l][k], k, dhs[l], k, &keep[l][k], g->x[l][k], g->u[l][k], g->b[l][k], dx);
        if (l) for (long i = 0; i < n * 2 * S.H; i++) dx[i] *= drop_h[l - 1][i];
        else if (S.W) {
            for (long i = 0; i < n * S.C; i++) if (Xc[i] <= 0) dx[i] = 0;
            tn(g->conv, Xw, dx, n, S.W * E, S.C);
            sums(g->convb, dx, n, S.C);
            memset(dXw, 0, 4 * n * S.W * E);
            nt(dXw, dx, w->conv, n, S.C, S.W * E);
            memset(dX0, 0, 4 * n * E);
            for (int t = 0; t < T; t++)
                for (int b = 0; b < B; b++)
                    for (int k = 0; k < S.W; k++) {
                        int s = t + k - S.W / 2;
                        if (s < 0 || s >= lens[b]) continue;
                        float *to = dX0 + ((long)s * B + b) * E, *from = dXw + ((long)t * B + b) * S.W * E + k * E;
                        for (int i = 0; i < E; i++) to[i] += from[i];
                    }
        }
    }
    for (long i = 0; i < n * E; i++) dX0[i] *= drop_x[i];
    if (S.R) tn(g->proj, vec, dX0, n, S.R, E);
    for (long at = 0; at < n; at++)
        if (kept[at])
            for (int f = 0; f < S.F; f++) {
                int id = ids[at * S.F + f];
                if (id) for (int i = 0; i < E; i++) g->table[(long)id * E + i] += dX0[at * E + i];
            }
    return loss;
}

/* ---------------------------------------------------------------- CRF */

static float *tr, *em, *alpha, *before, *beta, *ya;
/* Negative log-likelihood a step; dout becomes its gradient, and those of the transitions are added to g. */
static double crf(const Weights *w, Weights *g, const Data *d, const int *rows, const int *lens) {
    int K = S.K;
    long n = (long)T * B, steps = 0;
    double loss = 0;
    for (int b = 0; b < B; b++) steps += lens[b];
    memset(tr, 0, 4L * Kp * Kp);
    for (int i = 0; i < K; i++) for (int j = 0; j < K; j++) tr[i * Kp + j] = expf(w->trans[i * Kp + j]);
    for (long at = 0; at < n; at++) {
        float *o = out + at * Kp, *e = em + at * Kp, most = o[0];
        for (int k = 1; k < K; k++) if (o[k] > most) most = o[k];
        for (int k = 0; k < K; k++) e[k] = expf(o[k] - most);
        for (int k = K; k < Kp; k++) e[k] = 0;
        if (mask[at]) loss += most;
    }
    for (int t = 0; t < T; t++) {
        float *p = before + (long)t * B * Kp, *a = alpha + (long)t * B * Kp, *e = em + (long)t * B * Kp;
        memset(p, 0, 4L * B * Kp);
        if (t) nn(p, a - (long)B * Kp, tr, B, Kp, Kp);
        else for (int b = 0; b < B; b++) for (int k = 0; k < K; k++) p[b * Kp + k] = expf(w->start[k]);
        for (int b = 0; b < B; b++) {
            float sum = 0;
            for (int k = 0; k < Kp; k++) sum += a[b * Kp + k] = p[b * Kp + k] * e[b * Kp + k];
            for (int k = 0; k < Kp; k++) a[b * Kp + k] /= sum;
            if (t < lens[b]) loss += logf(sum);
            if (t == lens[b] - 1) {
                float z = 0;
                for (int k = 0; k < K; k++) z += a[b * Kp + k] * expf(w->end[k]);
                loss += logf(z);
            }
        }
    }
    for (int i = 0; i < Kp; i++) for (int j = 0; j < Kp; j++) flipped[(long)j * Kp + i] = tr[i * Kp + j];
    float *count = take(4L * Kp * Kp), *left = take(4L * B * Kp);
    for (int t = T - 1; t >= 0; t--) {
        float *be = beta + (long)t * B * Kp, *a = alpha + (long)t * B * Kp, *e = em + (long)t * B * Kp, *p = before + (long)t * B * Kp;
        memset(be, 0, 4L * B * Kp);
        if (t < T - 1) nn(be, ya, flipped, B, Kp, Kp);
        for (int b = 0; b < B; b++) {
            float *bb = be + b * Kp, sum = 0, z = 0, *go = dout + ((long)t * B + b) * Kp;
            if (t >= lens[b]) { memset(bb, 0, 4L * Kp); memset(go, 0, 4L * Kp); memset(ya + (long)b * Kp, 0, 4L * Kp); memset(left + (long)b * Kp, 0, 4L * Kp); continue; }
            if (t == lens[b] - 1) for (int k = 0; k < K; k++) bb[k] = expf(w->end[k]);
            for (int k = 0; k < K; k++) sum += bb[k];
            for (int k = 0; k < K; k++) bb[k] /= sum;
            for (int k = 0; k < K; k++) z += go[k] = a[b * Kp + k] * bb[k];
            for (int k = 0; k < K; k++) go[k] /= z * steps;
            for (int k = K; k < Kp; k++) go[k] = 0;
            if (t == lens[b] - 1) for (int k = 0; k < K; k++) g->end[k] += go[k];
            if (!t) for (int k = 0; k < K; k++) g->start[k] += go[k];
            int gold = ((uint8_t *)d->label[rows[b]])[t];
            loss -= out[((long)t * B + b) * Kp + gold];
            go[gold] -= 1.f / steps;
            if (t == lens[b] - 1) { loss -= w->end[gold]; g->end[gold] -= 1.f / steps; }
            if (!t) { loss -= w->start[gold]; g->start[gold] -= 1.f / steps; }
            float pair = 0;
            for (int k = 0; k < K; k++) { float y = e[b * Kp + k] * bb[k]; ya[(long)b * Kp + k] = y; pair += p[b * Kp + k] * y; }
            if (t) {
                int from = ((uint8_t *)d->label[rows[b]])[t - 1];
                loss -= w->trans[from * Kp + gold];
                g->trans[from * Kp + gold] -= 1.f / steps;
                for (int k = 0; k < Kp; k++) left[(long)b * Kp + k] = a[b * Kp + k - (long)B * Kp] / (pair * steps);
            }
        }
        if (t) tn(count, left, ya, B, Kp, Kp);
    }
    for (int i = 0; i < K; i++) for (int j = 0; j < K; j++) g->trans[i * Kp + j] += count[i * Kp + j] * tr[i * Kp + j];
    free(count); free(left);
    return loss / steps;
}

static void viterbi(const Weights *w, int len, int b, uint8_t *tags) {
    static float s[256], next[256];
    uint8_t *from = take((long)len * 256);
    for (int k = 0; k < S.K; k++) s[k] = w->start[k] + out[(long)b * Kp + k];
    for (int t = 1; t < len; t++) {
        for (int j = 0; j < S.K; j++) {
            int best = 0;
            float most = -1e30f;
            for (int i = 0; i < S.K; i++) if (s[i] + w->trans[i * Kp + j] > most) most = s[i] + w->trans[i * Kp + j], best = i;
            next[j] = most + out[((long)t * B + b) * Kp + j];
            from[(long)t * 256 + j] = best;
        }
        memcpy(s, next, sizeof s);
    }
    int best = 0;
    for (int k = 1; k < S.K; k++) if (s[k] + w->end[k] > s[best] + w->end[best]) best = k;
    for (int t = len - 1; t >= 0; t--) { tags[t] = best; best = from[(long)t * 256 + best]; }
    free(from);
}

/* ---------------------------------------------------------------- training */

static double option(int n, char **v, const char *name, double otherwise) {
    for (int i = 3; i + 1 < n; i++) if (!strncmp(v[i], "--", 2) && !strcmp(v[i] + 2, name)) return atof(v[i + 1]);
    return otherwise;
}
static const char *folder;
static const char *in(const char *name) { static char path[4][4096]; static int k; k = (k + 1) % 4; snprintf(path[k], 4096, "%s/%s", folder, name); return path[k]; }
static int by_length(const void *a, const void *b); static const Data *sorting;
static int by_length(const void *a, const void *b) { return sorting->T[*(int *)a] - sorting->T[*(int *)b]; }

static void set_up(void) {
    Kp = up(S.K); I1 = S.W ? S.C : S.E; I2 = 2 * S.H;
    if (S.E % 16 || S.H % 16 || (S.W && S.C % 16) || S.R % 16 || S.L > 2) fail("E, H, R and C are multiples of 16, L is 1 or 2");
}
static void buffers(int T_most) {
    long n = (long)T_most * B_MOST;
    allocate(T_most);
    for (int l = 0; l < S.L; l++) for (int k = 0; k < 2; k++) {
        keep[l][k].zr = take(8 * n * S.H); keep[l][k].c = take(4 * n * S.H); keep[l][k].q = take(4 * n * S.H); keep[l][k].prev = take(4 * n * S.H);
    }
    work3 = take(12 * n * S.H); workq = take(12L * B_MOST * S.H); workh = take(4L * B_MOST * S.H);
    if (S.crf) { tr = take(4L * Kp * Kp); em = take(4 * n * Kp); alpha = take(4 * n * Kp); before = take(4 * n * Kp); beta = take(4 * n * Kp); ya = take(4L * B_MOST * Kp); }
}
static int longest(const Data *d) { int t = 1; for (int n = 0; n < d->N; n++) if (d->T[n] > t) t = d->T[n]; return t; }
static float *read_floats(const char *path, size_t n, int must) {
    FILE *f = fopen(path, "rb");
    if (!f) { if (must) fail("a file of numbers is missing"); return 0; }
    float *p = take(4 * n);
    if (fread(p, 4, n, f) != n) fail("a file of numbers is cut off");
    fclose(f);
    return p;
}

int main(int n, char **v) {
    if (n < 3) fail("usage: rnn train FOLDER --name value ..., rnn run FOLDER FILE");
    folder = v[2];
    Weights w, g;
    if (!strcmp(v[1], "run")) {
        FILE *f = fopen(in("weights.bin"), "rb");
        if (!f || fread(&S, sizeof S, 1, f) != 1) fail("no weights");
        set_up();
        size_t size = place(&w, 0);
        float *p = take(4 * size);
        if (fread(p, 4, size, f) != size) fail("weights are cut off");
        place(&w, p);
        if (S.R) vectors = read_floats(in("vectors.bin"), (size_t)S.V * S.R, 1);
        Data d = read_data(v[3]);
        buffers(longest(&d));
        uint8_t *tags = take(longest(&d));
        int lens[1];
        B = 1;
        for (int i = 0; i < d.N; i++) {
            forward(&w, &d, &i, 0, lens);
            if (S.crf) { viterbi(&w, lens[0], 0, tags); fwrite(tags, 1, lens[0], stdout); }
            else fwrite(out, 4, S.K, stdout);
        }
        return 0;
    }
    S = (Shape){ option(n, v, "V", 0), option(n, v, "E", 48), option(n, v, "R", 0), option(n, v, "W", 0), option(n, v, "C", 0), option(n, v, "H", 96),
                 option(n, v, "L", 1), option(n, v, "K", 0), option(n, v, "crf", 0), option(n, v, "F", 1) };
    set_up();
    int epochs = option(n, v, "epochs", 20), size = option(n, v, "B", 128);
    float rate = option(n, v, "rate", 4e-3), average = option(n, v, "average", 0.999), clip = option(n, v, "clip", 1), stddev = option(n, v, "stddev", 0.1);
    dropout_x = option(n, v, "dropx", 0.3); dropout_h = option(n, v, "droph", 0.5); dropout_state = option(n, v, "drops", 0.3); delta_dropout = option(n, v, "delta", 0);
    seed64 = 0x9e3779b97f4a7c15ull * (uint64_t)(option(n, v, "seed", 1) + 1);
    for (int i = 0; i < 8; i++) next64();
    Data d = read_data(in("train.bin"));
    size_t count = place(&w, 0);
    float *p = take(4 * count), *gr = take(4 * count), *m1 = take(4 * count), *m2 = take(4 * count), *ema = take(4 * count);
    place(&w, p); place(&g, gr);
    buffers(longest(&d));
    if (S.R) vectors = read_floats(in("vectors.bin"), (size_t)S.V * S.R, 1);
    unknown = read_floats(in("unknown.bin"), S.V, 0);
    for (size_t i = 0; i < (size_t)S.V * S.E; i++) w.table[i] = stddev * normal();
    memset(w.table, 0, 4L * S.E);
    for (int i = 0; i < S.R * S.E; i++) w.proj[i] = 0.3f / sqrtf(S.R) * normal();
    for (int i = 0; i < S.W * S.E * S.C; i++) w.conv[i] = sqrtf(2.f / (S.W * S.E)) * normal();
    for (int l = 0; l < S.L; l++) for (int k = 0; k < 2; k++) {
        int I = l ? I2 : I1;
        for (int i = 0; i < I * 3 * S.H; i++) w.x[l][k][i] = sqrtf(2.f / (I + S.H)) * normal();
        for (int i = 0; i < S.H * 3 * S.H; i++) w.u[l][k][i] = sqrtf(1.f / S.H) * normal();
    }
    for (int i = 0; i < 2 * S.H * Kp; i++) w.out[i] = i % Kp < S.K ? sqrtf(2.f / (2 * S.H + S.K)) * normal() : 0;
    FILE *f = fopen(in("start.bin"), "rb"); /* weights to begin with, of another task: all but the labels' */
    if (f) {
        Shape old;
        if (fread(&old, sizeof old, 1, f) != 1) fail("start.bin is cut off");
        size_t same = w.out - p;
        if (old.V != S.V || old.E != S.E || old.H != S.H || old.C != S.C || old.L != S.L) fail("start.bin has other shapes");
        if (fread(p, 4, same, f) != same) fail("start.bin is cut off");
        fclose(f);
    }
    memcpy(ema, p, 4 * count);
    int step = 0, begun = 0;
    f = fopen(in("state.bin"), "rb");
    if (f) {
        if (fread(&begun, 4, 1, f) != 1 || fread(&step, 4, 1, f) != 1 || fread(&seed64, 8, 1, f) != 1) fail("state.bin is cut off");
        for (int i = 0; i < 4; i++) if (fread((float *[]){ p, m1, m2, ema }[i], 4, count, f) != count) fail("state.bin is cut off");
        fclose(f);
    }
    int per = d.N / size, steps = epochs * per, *order = take(4L * d.N), *starts = take(4L * (per + 1));
    if (option(n, v, "check", 0)) { /* gradients against differences, without dropout */
        dropout_x = dropout_h = dropout_state = delta_dropout = 0; unknown = 0; B = size;
        for (int i = 0; i < d.N; i++) order[i] = i;
        backward(&w, &g, &d, order);
        float *keep_g = take(4 * count), h = 1e-2f;
        memcpy(keep_g, gr, 4 * count);
        float *parts[] = { w.table + S.E * 5, w.proj, w.conv, w.x[0][0], w.x[0][1], w.u[0][0], w.u[0][1], w.b[0][0], w.b[0][1] + 3 * S.H, w.x[1][1], w.u[1][0], w.out, w.outb, w.trans, w.start, w.end };
        for (int k = 0; k < 16; k++) for (int i = 0; i < 3; i++) {
            float *q = parts[k] + i * 7, was = *q;
            if (!parts[k] || (k == 1 && !S.R) || (k == 2 && !S.W) || ((k == 9 || k == 10) && S.L < 2) || (k > 12 && !S.crf)) continue;
            *q = was + h; double a = backward(&w, &g, &d, order); *q = was - h; double b = backward(&w, &g, &d, order); *q = was;
            printf("%d %d  %.6f %.6f\n", k, i, keep_g[q - p], (a - b) / (2 * h));
        }
        return 0;
    }
    double t0 = (double)clock() / CLOCKS_PER_SEC;
    for (int e = begun; e < epochs; e++) {
        for (int i = 0; i < d.N; i++) order[i] = i;
        for (int i = d.N - 1; i > 0; i--) { int j = next64() % (i + 1), o = order[i]; order[i] = order[j]; order[j] = o; }
        sorting = &d;
        for (int i = 0; i < d.N; i += 16 * size) qsort(order + i, d.N - i < 16 * size ? d.N - i : 16 * size, 4, by_length);
        for (int i = 0; i < per; i++) starts[i] = i * size;
        for (int i = per - 1; i > 0; i--) { int j = next64() % (i + 1), o = starts[i]; starts[i] = starts[j]; starts[j] = o; }
        double loss = 0;
        for (int i = 0; i < per; i++) {
            step++;
            memset(gr, 0, 4 * count);
            B = size;
            loss += backward(&w, &g, &d, order + starts[i]);
            double norm = 0;
            for (size_t j = 0; j < count; j++) norm += gr[j] * gr[j];
            float scale = sqrt(norm) > clip ? clip / sqrt(norm) : 1;
            float lr = rate * (step < 100 ? step / 100.f : 1) * fmaxf(0.02f, 0.5f + 0.5f * cosf(3.14159265f * step / steps));
            float c1 = 1 / (1 - powf(0.9f, step)), c2 = 1 / (1 - powf(0.99f, step)), keep_ = fminf(average, (float)step / (step + 50));
            for (size_t j = 0; j < count; j++) {
                float x = gr[j] * scale;
                m1[j] = 0.9f * m1[j] + 0.1f * x;
                m2[j] = 0.99f * m2[j] + 0.01f * x * x;
                p[j] -= lr * m1[j] * c1 / (sqrtf(m2[j] * c2) + 1e-7f);
                ema[j] = keep_ * ema[j] + (1 - keep_) * p[j];
            }
        }
        printf("epoch %d/%d  loss %.4f  %.1f s of processor time\n", e + 1, epochs, loss / per, (double)clock() / CLOCKS_PER_SEC - t0);
        fflush(stdout);
        f = fopen(in("state.part"), "wb");
        int next = e + 1;
        fwrite(&next, 4, 1, f); fwrite(&step, 4, 1, f); fwrite(&seed64, 8, 1, f);
        for (int i = 0; i < 4; i++) fwrite((float *[]){ p, m1, m2, ema }[i], 4, count, f);
        fclose(f);
        rename(in("state.part"), in("state.bin"));
        f = fopen(in("weights.part"), "wb");
        fwrite(&S, sizeof S, 1, f); fwrite(ema, 4, count, f);
        fclose(f);
        rename(in("weights.part"), in("weights.bin"));
    }
    return 0;
}
