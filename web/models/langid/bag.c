/* Trains a bag of hashed n-grams: text -> sum of the rows of its n-grams / sqrt(number of rows) -> dense layer -> softmax.
 *
 *   bag train FOLDER --rows N --width D --samples N --ternary N --rate R --seed S [--soft FILE]   writes FOLDER/float.bag and FOLDER/ternary.bag
 *   bag ids ROWS < lines of pieces              prints the row numbers of each line
 *   bag logits FOLDER/NAME.bag < lines of pieces    prints the float32 logits of each line, in binary
 *
 * FOLDER holds what train.py writes: labels.txt, text.txt, words.txt, bare.txt. A piece begins with its kind: w a word, u a run of a script
 * without spaces, s a single character. AdaGrad with one accumulator a row; ternary rows are trained with a straight-through gradient
 * (Courbariaux et al. 2015; the threshold is that of ternary weight networks, Li et al. 2016). One thread, so a seed gives one result.
 * A run that was stopped goes on from its last checkpoint. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  LABELS = 64,          /* labels are padded to this number */
  LONGEST = 5,          /* n-grams of words */
  LONGEST_UNSPACED = 3, /* and of runs without spaces */
  HASHES = 2,
  PIECE_MOST = 1024, /* code points of a piece */
  GRAMS_MOST = 65536, /* n-grams of a sample; evaluated texts are cut there, too */
  CHECKPOINT = 1000000 /* samples between two */
};
typedef float lane __attribute__((vector_size(32), aligned(4)));
enum { WIDTH_MOST = 96, VECTORS = LABELS / 8 };

static void fail(const char *what, const char *name) {
  fprintf(stderr, "bag: %s: %s\n", name, what);
  exit(2);
}
static void *grown(void *old, size_t bytes) {
  void *p = realloc(old, bytes);
  if (!p) fail("out of memory", "realloc");
  return p;
}

/* ---- random numbers: xorshift64 --------------------------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
static double uniform(void) { return (double)(next_random() >> 11) * (1.0 / 9007199254740992.0); }
static uint32_t below(uint32_t n) { return (uint32_t)(uniform() * n); }

/* ---- n-grams ---------------------------------------------------------------------------------------------------------------------- */

/* The finaliser of MurmurHash3. */
static uint32_t mixed(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}
static uint32_t extended(uint32_t h, uint32_t c) {
  h = (h ^ c) * 0x9e3779b1u;
  return h ^ (h >> 15);
}
static uint32_t row_of(uint32_t gram, uint32_t hash, uint32_t rows) { return mixed(gram + hash * 0x9e3779b1u) % rows; }

static int decoded(const char *s, size_t length, uint32_t *out, int most) {
  int n = 0;
  for (size_t i = 0; i < length && n < most;) {
    unsigned char c = (unsigned char)s[i];
    int k = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    uint32_t v = k == 1 ? c : k == 2 ? c & 31u : k == 3 ? c & 15u : c & 7u;
    for (int j = 1; j < k && i + j < length; j++) v = v << 6 | ((unsigned char)s[i + j] & 63u);
    i += k;
    out[n++] = v;
  }
  return n;
}

/* n-grams of `_word_` that begin at each character, the shortest first; the border itself is none. Then the whole word, if it is longer. */
static int grams_of(const char *piece, size_t length, uint32_t *out) {
  uint32_t c[PIECE_MOST + 2];
  int kind = piece[0], n = 0;
  int m = decoded(piece + 1, length - 1, c + 1, PIECE_MOST), from = 1, to = m, longest = LONGEST_UNSPACED;
  if (kind == 's') longest = 1;
  if (kind == 'w') {
    c[0] = c[m + 1] = '_';
    from = 0, to = m + 1, longest = LONGEST;
  }
  for (int i = from; i <= to; i++) {
    uint32_t h = 0;
    for (int k = i; k <= to && k < i + longest; k++) {
      h = extended(h, c[k]);
      if (k > i || kind != 'w' || (i > from && i < to)) out[n++] = h;
    }
  }
  if (kind == 'w' && m + 2 > longest) {
    uint32_t h = 0;
    for (int i = from; i <= to; i++) h = extended(h, c[i]);
    out[n++] = h;
  }
  return n;
}

/* Shares: of single words and of pairs; of words taken from the list instead of the text. */
static double ONE = 0.30, TWO = 0.22, LISTED = 0.6, NOISE = 0.12, CUT = 0.04;

/* ---- words and text --------------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t at;
  int count;
} word;
static word *words;
static char **spellings;
static uint32_t word_count, word_room, *bare;
static uint32_t *grams;
static size_t gram_count, gram_room;
static uint32_t *index_of;
static const uint32_t INDEX = 1u << 24;

static uint32_t word_of(const char *s, size_t length) {
  uint64_t h = 1469598103934665603u;
  for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)s[i]) * 1099511628211u;
  uint32_t at = (uint32_t)(h ^ (h >> 29)) & (INDEX - 1);
  for (; index_of[at]; at = (at + 1) & (INDEX - 1)) {
    uint32_t w = index_of[at] - 1;
    if (!strncmp(spellings[w], s, length) && !spellings[w][length]) return w;
  }
  if (word_count == word_room) {
    word_room = word_room ? 2 * word_room : 1 << 20;
    words = grown(words, word_room * sizeof *words);
    spellings = grown(spellings, word_room * sizeof *spellings);
  }
  uint32_t some[8 * PIECE_MOST];
  int n = grams_of(s, length, some);
  if (gram_count + n > gram_room) {
    gram_room = gram_room ? 2 * gram_room : 1 << 25;
    grams = grown(grams, gram_room * sizeof *grams);
  }
  memcpy(grams + gram_count, some, n * sizeof *grams);
  words[word_count] = (word){gram_count, n};
  spellings[word_count] = strndup(s, length);
  gram_count += n;
  index_of[at] = ++word_count;
  return word_count - 1;
}

/* A language: its running text, each different word of it, and its list of words with the running sum of their weights. */
typedef struct {
  uint32_t *text, *kinds, *lines, *list;
  double *sums;
  size_t text_count, text_room, kind_count, line_count, line_room, list_count, list_room;
  double bare_share, listed; /* shares of samples without diacritics, and of words from the list */
  int whole; /* samples are whole lines */
} language;
static language languages[LABELS];
static int label_count;

static FILE *opened(const char *folder, const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) fail(strerror(errno), path);
  return file;
}

static void read_text(const char *folder) {
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  FILE *file = opened(folder, "labels.txt");
  while ((length = getline(&line, &room, file)) > 0) {
    char name[64];
    language *l = &languages[label_count++];
    if (sscanf(line, "%63s %lf %d", name, &l->bare_share, &l->whole) != 3) fail("expected a label, a share and 0 or 1", "labels.txt");
  }
  fclose(file);
  file = opened(folder, "text.txt");
  while ((length = getline(&line, &room, file)) > 0) {
    line[length - 1] = 0;
    language *l = &languages[atoi(line)];
    if (l->line_count + 1 >= l->line_room) l->lines = grown(l->lines, (l->line_room = 2 * l->line_room + 1024) * sizeof *l->lines);
    l->lines[l->line_count++] = (uint32_t)l->text_count;
    for (char *s = strchr(line, '\t') + 1, *end; *s; s = end + (*end == ' ')) {
      end = s + strcspn(s, " ");
      if (l->text_count == l->text_room) l->text = grown(l->text, (l->text_room = 2 * l->text_room + 1024) * sizeof *l->text);
      l->text[l->text_count++] = word_of(s, (size_t)(end - s));
    }
  }
  fclose(file);
  file = opened(folder, "words.txt");
  while ((length = getline(&line, &room, file)) > 0) {
    line[length - 1] = 0;
    char *weight = strchr(line, '\t') + 1, *s = strchr(weight, '\t') + 1;
    language *l = &languages[atoi(line)];
    if (l->list_count == l->list_room) {
      l->list_room = 2 * l->list_room + 1024;
      l->list = grown(l->list, l->list_room * sizeof *l->list);
      l->sums = grown(l->sums, l->list_room * sizeof *l->sums);
    }
    l->list[l->list_count] = word_of(s, strlen(s));
    l->sums[l->list_count] = (l->list_count ? l->sums[l->list_count - 1] : 0) + atof(weight);
    l->list_count++;
  }
  fclose(file);
  for (int k = 0; k < label_count; k++) {
    language *l = &languages[k];
    l->lines[l->line_count] = (uint32_t)l->text_count;
    l->kinds = grown(NULL, (l->text_count + 1) * sizeof *l->kinds);
    char *seen = calloc(word_count, 1);
    for (size_t i = 0; i < l->text_count; i++)
      if (spellings[l->text[i]][0] != 's' && !seen[l->text[i]]) seen[l->text[i]] = 1, l->kinds[l->kind_count++] = l->text[i];
    free(seen);
  }
  free(line);
}

static int by_value(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* A list that is shorter than most is used less, so that its words are no more frequent than in a whole list. */
static void share_lists(void) {
  double all[LABELS];
  int n = 0;
  for (int k = 0; k < label_count; k++)
    if (languages[k].list_count) all[n++] = languages[k].sums[languages[k].list_count - 1];
  qsort(all, (size_t)n, sizeof *all, by_value);
  for (int k = 0; k < label_count; k++) {
    language *l = &languages[k];
    double part = l->list_count ? l->sums[l->list_count - 1] / all[n / 2] : 0;
    l->listed = LISTED * (part < 1 ? part : 1);
  }
}

/* bare.txt: pairs of code points, a letter with a mark and the letter alone. */
static void read_bare(const char *folder) {
  static uint32_t base[0x2000];
  FILE *file = opened(folder, "bare.txt");
  unsigned from, to;
  while (fscanf(file, "%u %u", &from, &to) == 2)
    if (from < 0x2000) base[from] = to;
  fclose(file);
  uint32_t count = word_count;
  bare = grown(NULL, (size_t)count * sizeof *bare);
  for (uint32_t w = 0; w < count; w++) {
    uint32_t c[PIECE_MOST];
    char other[PIECE_MOST * 4 + 2];
    size_t length = strlen(spellings[w]);
    int n = decoded(spellings[w] + 1, length - 1, c, PIECE_MOST), all = spellings[w][0] == 'w', changed = 0;
    other[0] = 'w';
    for (int i = 0; i < n; i++) {
      uint32_t b = c[i] < 0x2000 && base[c[i]] ? base[c[i]] : c[i];
      changed |= b != c[i];
      all &= b < 128;
      other[i + 1] = (char)b;
    }
    bare[w] = all && changed ? word_of(other, (size_t)n + 1) : w;
  }
}

/* ---- samples ---------------------------------------------------------------------------------------------------------------------- */

static int SAMPLE_MOST = 300;
static uint32_t noise[64];
static int noise_count;

static uint32_t drawn_word(const language *l) {
  if (l->list_count && uniform() < l->listed) {
    double r = uniform() * l->sums[l->list_count - 1];
    size_t a = 0, b = l->list_count - 1;
    while (a < b) {
      size_t m = (a + b) / 2;
      if (l->sums[m] < r) a = m + 1;
      else b = m;
    }
    return l->list[a];
  }
  if (uniform() < 0.6) return l->kinds[below((uint32_t)l->kind_count)];
  for (;;) {
    uint32_t w = l->text[below((uint32_t)l->text_count)];
    if (spellings[w][0] != 's') return w;
  }
}

static int drawn_words(const language *l, uint32_t *some) {
  double r = uniform();
  int n = 0;
  if (l->whole) {
    uint32_t line = below((uint32_t)l->line_count);
    for (uint32_t i = l->lines[line]; i < l->lines[line + 1] && n < 32; i++) some[n++] = l->text[i];
    return n;
  }
  if (r < ONE) some[n++] = drawn_word(l);
  else if (r < ONE + TWO && uniform() < 0.65) {
    some[n++] = drawn_word(l);
    some[n++] = drawn_word(l);
  } else {
    int most = r < ONE + TWO ? 2 : r < (1 + ONE + TWO) / 2 ? 3 + (int)below(5) : 8 + (int)below(14);
    /* Half of the runs begin with a line. */
    size_t i = uniform() < 0.5 ? l->lines[below((uint32_t)l->line_count)] : below((uint32_t)l->text_count);
    for (int j = 0; j < most && i < l->text_count && n < 40; i++) {
      some[n++] = l->text[i];
      j += spellings[l->text[i]][0] != 's';
    }
  }
  if (uniform() < l->bare_share)
    for (int i = 0; i < n; i++) some[i] = bare[some[i]];
  return n;
}

/* Row numbers of a sample of language k. */
static int drawn_sample(int k, uint32_t *rows_out, uint32_t rows) {
  uint32_t some[48], cut[8 * PIECE_MOST];
  int n = drawn_words(&languages[k], some), g = 0;
  static uint32_t all[64 * 8 * PIECE_MOST];
  const uint32_t *last = NULL;
  int last_count = 0;
  /* Somebody is typing: the last word is not whole. */
  const char *s = spellings[some[n - 1]];
  if (n > 1 && s[0] == 'w' && uniform() < CUT) {
    size_t length = strlen(s), keep = 2 + below((uint32_t)length - 1);
    while (keep < length && ((unsigned char)s[keep] & 0xC0) == 0x80) keep++;
    last_count = grams_of(s, keep, cut);
    last = cut;
  }
  if (uniform() < NOISE) some[n++] = noise[below((uint32_t)noise_count)];
  for (int i = 0; i < n; i++) {
    word w = words[some[i]];
    int whole = !(last && spellings[some[i]] == s);
    memcpy(all + g, whole ? grams + w.at : last, (size_t)(whole ? w.count : last_count) * sizeof *all);
    g += whole ? w.count : last_count;
  }
  int from = 0;
  if (g > SAMPLE_MOST) from = (int)below((uint32_t)(g - SAMPLE_MOST)), g = SAMPLE_MOST;
  for (int i = 0; i < g; i++)
    for (uint32_t h = 0; h < HASHES; h++) rows_out[i * HASHES + h] = row_of(all[from + i], h, rows);
  return g * HASHES;
}

/* ---- the model -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint32_t rows, width, padded; /* padded: floats from one row to the next */
  int ternary;
  float *table, *square;      /* [rows, padded], [rows] */
  float *kernel, *kernel_sum; /* [width, LABELS], [width] */
  float bias[LABELS];
} model;

static model new_model(uint32_t rows, uint32_t width) {
  model m = {.rows = rows, .width = width, .padded = (width + 7) / 8 * 8};
  m.table = aligned_alloc(64, (size_t)rows * m.padded * sizeof(float));
  m.square = calloc(rows, sizeof(float));
  m.kernel = aligned_alloc(64, (size_t)m.padded * LABELS * sizeof(float));
  m.kernel_sum = calloc(m.padded, sizeof(float));
  if (width > WIDTH_MOST || !m.table || !m.square || !m.kernel || !m.kernel_sum) fail("too large", "model");
  for (uint32_t i = 0; i < rows; i++)
    for (uint32_t d = 0; d < m.padded; d++) m.table[(size_t)i * m.padded + d] = d < width ? (float)(uniform() - 0.5) * 0.2f : 0;
  for (uint32_t i = 0; i < m.padded * LABELS; i++) m.kernel[i] = i < width * LABELS ? (float)(uniform() - 0.5) * 0.6f : 0;
  return m;
}

static void stored_or_read(model *m, FILE *file, int write, uint64_t *done) {
  struct {
    void *data;
    size_t bytes;
  } parts[] = {{done, 8}, {&state, 8}, {&m->ternary, sizeof m->ternary}, {m->table, (size_t)m->rows * m->padded * 4}, {m->square, m->rows * 4},
               {m->kernel, (size_t)m->padded * LABELS * 4}, {m->kernel_sum, m->padded * 4}, {m->bias, sizeof m->bias}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if ((write ? fwrite(parts[i].data, 1, parts[i].bytes, file) : fread(parts[i].data, 1, parts[i].bytes, file)) != parts[i].bytes)
      fail("cut short", "checkpoint");
}

/* "rows width", then what stored_or_read has. */
static void save(model *m, const char *path, uint64_t done) {
  char part[1024];
  snprintf(part, sizeof part, "%s.part", path);
  FILE *file = fopen(part, "wb");
  if (!file) fail(strerror(errno), part);
  fwrite(&m->rows, 4, 1, file);
  fwrite(&m->width, 4, 1, file);
  stored_or_read(m, file, 1, &done);
  if (fclose(file) || rename(part, path)) fail(strerror(errno), path);
}
static int restore(model *m, const char *path, uint64_t *done) {
  FILE *file = fopen(path, "rb");
  uint32_t size[2];
  if (!file) return 0;
  if (fread(size, 4, 2, file) != 2) fail("cut short", path);
  if (!m->table) *m = new_model(size[0], size[1]);
  if (m->rows != size[0] || m->width != size[1]) fail("a checkpoint of another size", path);
  stored_or_read(m, file, 0, done);
  fclose(file);
  return 1;
}

static float lane_sum(lane v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
typedef int32_t mask_lane __attribute__((vector_size(32), aligned(4)));
static lane magnitude(lane v) { return (lane)((mask_lane)v & 0x7fffffff); }

/* A row in -s, 0, +s. Above 0.7 of the mean magnitude a value counts; s is the mean magnitude of those, with one bit behind the first. */
static float ternary_scale(const model *m, const float *row, float *threshold) {
  lane sum = {0}, on = {0};
  mask_lane count = {0};
  for (uint32_t d = 0; d < m->padded; d += 8) sum += magnitude(*(const lane *)(row + d));
  *threshold = 0.7f * lane_sum(sum) / (float)m->width;
  for (uint32_t d = 0; d < m->padded; d += 8) {
    lane v = magnitude(*(const lane *)(row + d));
    mask_lane counts = v > *threshold;
    on += (lane)((mask_lane)v & counts);
    count -= counts;
  }
  int n = 0;
  for (int i = 0; i < 8; i++) n += count[i];
  union {
    float f;
    uint32_t bits;
  } s = {.f = n ? lane_sum(on) / (float)n : 0};
  s.bits = (s.bits + 0x200000u) & 0xFFC00000u;
  return s.f;
}

static void hidden(const model *m, const uint32_t *rows, int n, float *h) {
  lane sum[WIDTH_MOST / 8] = {{0}};
  uint32_t vectors = m->padded / 8;
  for (int i = 0; i < n; i++) {
    const float *row = m->table + (size_t)rows[i] * m->padded;
    if (i + 8 < n) {
      const char *ahead = (const char *)(m->table + (size_t)rows[i + 8] * m->padded);
      for (uint32_t b = 0; b < m->padded * 4; b += 64) __builtin_prefetch(ahead + b);
    }
    if (!m->ternary) {
      for (uint32_t v = 0; v < vectors; v++) sum[v] += ((const lane *)row)[v];
      continue;
    }
    float threshold, s = ternary_scale(m, row, &threshold);
    for (uint32_t v = 0; v < vectors; v++) {
      lane x = ((const lane *)row)[v];
      mask_lane sign = (mask_lane)x & (int32_t)0x80000000;
      sum[v] += (lane)(((mask_lane)((lane){0} + s) | sign) & (magnitude(x) > threshold));
    }
  }
  float scale = 1 / sqrtf(n > 0 ? (float)n : 1);
  for (uint32_t v = 0; v < vectors; v++) ((lane *)h)[v] = sum[v] * scale;
}

static void logits_of(const model *m, const float *h, float *z) {
  lane sum[VECTORS];
  for (int v = 0; v < VECTORS; v++) sum[v] = ((const lane *)m->bias)[v];
  for (uint32_t d = 0; d < m->width; d++)
    for (int v = 0; v < VECTORS; v++) sum[v] += h[d] * ((const lane *)(m->kernel + d * LABELS))[v];
  memcpy(z, sum, sizeof sum);
}

static void softmax(float *z) {
  float most = z[0], sum = 0;
  for (int k = 1; k < label_count; k++) most = z[k] > most ? z[k] : most;
  for (int k = 0; k < LABELS; k++) sum += z[k] = k < label_count ? expf(z[k] - most) : 0;
  for (int k = 0; k < LABELS; k++) z[k] /= sum;
}

/* One step on one sample; returns its loss. */
static double trained(model *m, const uint32_t *rows, int n, int k, float rate) {
  float h[WIDTH_MOST] __attribute__((aligned(32))), dh[WIDTH_MOST] __attribute__((aligned(32))) = {0}, z[LABELS] __attribute__((aligned(32)));
  hidden(m, rows, n, h);
  logits_of(m, h, z);
  softmax(z);
  double loss = -log(z[k] + 1e-9);
  z[k] -= 1;
  float scale = 1 / sqrtf((float)n), square = 0, q = 0;
  for (int c = 0; c < LABELS; c++) q += z[c] * z[c];
  for (uint32_t d = 0; d < m->width; d++) {
    lane *o = (lane *)(m->kernel + d * LABELS), sum = {0};
    m->kernel_sum[d] += q * h[d] * h[d];
    float step = rate * h[d] / sqrtf(m->kernel_sum[d] + 1e-3f);
    for (int v = 0; v < VECTORS; v++) {
      sum += o[v] * ((lane *)z)[v];
      o[v] -= step * ((lane *)z)[v];
    }
    dh[d] = lane_sum(sum);
    square += dh[d] * dh[d];
  }
  for (int c = 0; c < LABELS; c++) m->bias[c] -= 0.01f * rate * z[c];
  for (int i = 0; i < n; i++) {
    float *row = m->table + (size_t)rows[i] * m->padded;
    m->square[rows[i]] += square * scale * scale;
    float step = rate * scale / sqrtf(m->square[rows[i]] + 1e-4f);
    for (uint32_t v = 0; v < m->padded / 8; v++) ((lane *)row)[v] -= step * ((lane *)dh)[v];
  }
  return loss;
}

/* The rate falls from `from` to `to`. */
static void train(model *m, uint64_t samples, float from, float to, const char *checkpoint) {
  uint64_t done = 0;
  static uint32_t rows[HASHES * 4096];
  double loss = 0;
  time_t begun = time(NULL);
  if (restore(m, checkpoint, &done)) fprintf(stderr, "%s: goes on from sample %llu\n", checkpoint, (unsigned long long)done);
  uint64_t first = done;
  while (done < samples) {
    int k = (int)below((uint32_t)label_count);
    int n = drawn_sample(k, rows, m->rows);
    if (n) loss += trained(m, rows, n, k, from + (to - from) * (float)done / (float)samples);
    if (++done % CHECKPOINT == 0 || done == samples) {
      save(m, checkpoint, done);
      printf("%s %llu of %llu thousand, loss %.4f, %.0f a second\n", m->ternary ? "ternary" : "float", (unsigned long long)done / 1000,
             (unsigned long long)samples / 1000, loss / CHECKPOINT, (double)(done - first) / (double)(time(NULL) - begun + 1));
      fflush(stdout);
      loss = 0;
    }
  }
}

/* ---- commands --------------------------------------------------------------------------------------------------------------------- */

static int read_line(char **line, size_t *room, uint32_t *out) {
  ssize_t length = getline(line, room, stdin);
  int n = 0;
  if (length < 0) return -1;
  if (length && (*line)[length - 1] == '\n') (*line)[--length] = 0;
  for (char *s = *line, *end; *s && n < GRAMS_MOST - 8 * PIECE_MOST; s = end + (*end == ' ')) {
    end = s + strcspn(s, " ");
    n += grams_of(s, (size_t)(end - s), out + n);
  }
  return n;
}

static void print_ids(uint32_t rows) {
  char *line = NULL;
  size_t room = 0;
  uint32_t some[GRAMS_MOST];
  for (int n; (n = read_line(&line, &room, some)) >= 0; putchar('\n'))
    for (int i = 0; i < n; i++)
      for (uint32_t h = 0; h < HASHES; h++) printf("%s%u", i + h ? " " : "", row_of(some[i], h, rows));
  free(line);
}

static void print_logits(const char *path) {
  char *line = NULL;
  size_t room = 0;
  model m = {0};
  uint64_t done;
  if (!restore(&m, path, &done)) fail(strerror(errno), path);
  uint32_t some[GRAMS_MOST], rows[HASHES * GRAMS_MOST];
  for (int n; (n = read_line(&line, &room, some)) >= 0;) {
    float h[WIDTH_MOST] __attribute__((aligned(32))), z[LABELS] __attribute__((aligned(32)));
    for (int i = 0; i < n; i++)
      for (uint32_t j = 0; j < HASHES; j++) rows[HASHES * i + j] = row_of(some[i], j, m.rows);
    hidden(&m, rows, HASHES * n, h);
    logits_of(&m, h, z);
    fwrite(z, sizeof z, 1, stdout);
  }
  free(line);
}

static double option(int argc, char **argv, const char *name, double otherwise) {
  for (int i = 3; i + 1 < argc; i++)
    if (!strcmp(argv[i], name)) return atof(argv[i + 1]);
  return otherwise;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "ids")) return print_ids((uint32_t)atoi(argv[2])), 0;
  if (argc == 3 && !strcmp(argv[1], "logits")) return print_logits(argv[2]), 0;
  if (argc < 3 || strcmp(argv[1], "train")) fail("expected train, ids or logits", "command");
  const char *folder = argv[2];
  char floats[1024], ternary[1024];
  snprintf(floats, sizeof floats, "%s/float.bag", folder);
  snprintf(ternary, sizeof ternary, "%s/ternary.bag", folder);
  index_of = calloc(INDEX, sizeof *index_of);
  read_text(folder);
  read_bare(folder);
  const char *signs[] = {"s!", "s?", "s.", "s,", "s0", "s:", "s)", "s-", "s\"", "s\xef\xbf\xbc", "s/", "s@", "s#", "s\xe2\x80\xa6", "s("};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) noise[noise_count++] = word_of(signs[i], strlen(signs[i]));
  state ^= (uint64_t)option(argc, argv, "--seed", 1) * 0x9E3779B97F4A7C15u;
  ONE = option(argc, argv, "--one", ONE);
  TWO = option(argc, argv, "--two", TWO);
  LISTED = option(argc, argv, "--listed", LISTED);
  share_lists();
  printf("%u words, %d labels\n", word_count, label_count);
  fflush(stdout);
  model m = new_model((uint32_t)option(argc, argv, "--rows", 32768), (uint32_t)option(argc, argv, "--width", 43));
  float rate = (float)option(argc, argv, "--rate", 1);
  train(&m, (uint64_t)option(argc, argv, "--samples", 10e6), rate, rate / 2, floats);
  m.ternary = 1;
  for (uint32_t i = 0; i < m.rows; i++) m.square[i] = 0.02f;
  train(&m, (uint64_t)option(argc, argv, "--ternary", 10e6), rate / 2, 0, ternary);
  return 0;
}
