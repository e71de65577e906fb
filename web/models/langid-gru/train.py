"""Language identification over characters: train, compare with naive Bayes, evaluate, export.

    pip install -r requirements.txt
    python train.py                     # everything; writes langid-gru.safetensors and results.json beside this file
    python train.py --evaluate-only     # naive Bayes and the shipped weights on the benchmark

Training text: Common Voice sentence collections (CC0), Tatoeba (CC BY 2.0 FR), and greetings (phrases.json). The benchmark is read once, at the end;
every choice (naive Bayes' alpha, and the settings below) was made on sentences held out of the training text, but for spellings(): that
old code pages matter was seen in an earlier model's confusions there.
Data comes from --data, by default the folder `shared` beside the checkout.
"""

import gzip
import json
import os
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import shared  # noqa: E402
from shared import PAD, UNKNOWN, ids_of, jax, jnp, keras, normalize, np  # noqa: E402

MAXLEN = 512
VOCABULARY, EMBEDDING, UNITS = 3200, 32, 96
SENTENCES, TEXTS = "sentences", ("sentences", "word-pairs", "single-words")

# Ours -> Tatoeba's. Not claimed, though they are in the benchmark, because this text cannot tell them apart well enough:
# bs and Latin-script Serbian (from hr), ms (from id), nn (from nb).
LANGUAGES = dict(
    af="afr", ar="ara", az="aze", be="bel", bg="bul", bn="ben", ca="cat", cs="ces", cy="cym", da="dan", de="deu", el="ell",
    en="eng", eo="epo", es="spa", et="est", eu="eus", fa="pes", fi="fin", fr="fra", ga="gle", he="heb", hi="hin", hr="hrv",
    hu="hun", hy="hye", id="ind", is_="isl", it="ita", ja="jpn", ka="kat", kk="kaz", ko="kor", la="lat", lg=None, lt="lit",
    lv="lvs", mk="mkd", mn="mon", mr="mar", nb="nob", nl="nld", pa=None, pl="pol", pt="por", ro="ron", ru="rus", sk="slk",
    sl="slv", sq="sqi", sr="srp", sv="swe", ta="tam", te="tel", th="tha", tl="tgl", tr="tur", uk="ukr", ur="urd", vi="vie",
    zh_Hans="cmn", zh_Hant="cmn")  # fmt: skip
LANGUAGES = {name.strip("_").replace("_", "-"): code for name, code in LANGUAGES.items()}
LABELS = sorted(LANGUAGES)
UNSEGMENTED = {"ja", "th", "zh-Hans", "zh-Hant"}  # written without spaces
# Beside the loss of the text, the same last layer answers from the states of single characters: at every EVERYth, with this weight.
EVERY, STATE_LOSS = 2, 0.3
AVERAGE = 0.999  # The weights are a running mean: how much of it one step keeps.
SPLIT_SEED = 1
GREETINGS = 20  # times that each greeting stands in the text that windows are cut from
PER_CORPUS = 5000  # sentences of one language from one corpus, at most


# ---------------------------------------------------------------- text

def encode(text, ids):
    return [ids.get(c, UNKNOWN) for c in normalize(text)][:MAXLEN]


def script(c, seen={}):
    """Rough script of a letter (first word of its Unicode name; kana count as Han), None for anything else."""
    if c not in seen:
        name = unicodedata.name(c, "").split(" ")[0] if c.isalpha() else None
        seen[c] = "CJK" if name in ("HIRAGANA", "KATAKANA") else name
    return seen[c]


def read_tsv(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            text, _, label = line.rstrip("\n").rpartition("\t")
            yield text, label


def greetings(label):
    """What people type first: read-aloud sentences hold next to none of it."""
    with open(HERE / "phrases.json", encoding="utf-8") as file:
        return [normalize(text) for text in json.load(file).get(label, [])]


def read_training_text(data, seed):
    """{label: (training sentences, held-out sentences)}, normalised."""
    texts = defaultdict(list)
    for text, label in read_tsv(data / "langid-commonvoice-cc0/cv.tsv.gz"):
        if label in LANGUAGES:
            texts[label].append(normalize(text))
    # Tatoeba's cmn mixes scripts: a sentence goes where its telling characters (seen in one script only) all point.
    hans, hant = (set("".join(texts[label])) for label in ("zh-Hans", "zh-Hant"))
    ours = {code: label for label, code in LANGUAGES.items() if code}
    tatoeba = defaultdict(list)
    for text, code in read_tsv(data / "langid-tatoeba-laser/tatoeba.tsv.gz"):
        text, label = normalize(text), ours.get(code)
        if code == "cmn":
            simple, traditional = set(text) & (hans - hant), set(text) & (hant - hans)
            label = None if bool(simple) == bool(traditional) else "zh-Hans" if simple else "zh-Hant"
        if label:
            tatoeba[label].append(text)
    rng = random.Random(seed)
    for label, more in tatoeba.items():
        texts[label] += rng.sample(more, min(len(more), PER_CORPUS))

    shared = Counter(text for label in LABELS for text in set(texts[label]))
    split = {}
    for label in LABELS:
        letters = Counter(s for text in texts[label] for s in map(script, text) if s)
        own = letters.most_common(1)[0][0]
        kept = [
            text for text in dict.fromkeys(texts[label])
            if shared[text] == 1 and 2 * sum(script(c) == own for c in text) > sum(c.isalpha() for c in text)
        ]  # fmt: skip
        rng.shuffle(kept)
        held = min(200, len(kept) // 20)
        split[label] = kept[held:] + greetings(label), kept[:held]
    return split


def choose_vocabulary(split):
    """Characters by the share they have in the language that uses them most, so that a small alphabet is never crowded out."""
    share = Counter()
    for train, _ in split.values():
        counts = Counter("".join(train))
        total = sum(counts.values())
        for c, n in counts.items():
            if n > 2:
                share[c] = max(share[c], n / total)
    ranked = sorted(share, key=lambda c: (-share[c], c))
    return ["", ""] + ranked[: VOCABULARY - 2]


# ---------------------------------------------------------------- training batches

NEUTRAL = ["  ", " ", "!", "?", "...", " :) ", "1", "42", "2024", "12:30", "3,5", "100%", "- ", "\"", "(", ")", "#", "@", "1. ",
           "https://example.com/", "www.example.org", "http://", "user@example.com", "+49 30 1234567", "01.02.2023", "€ 20",
           "😀", "❤️", "👍🏽", "\n", "\t"]  # fmt: skip


class Batches:
    """Endless random windows of the training text: (ids [B, T], label [B]).

    All text stands in one flat array, the sentences of a language one after another with a space between, so a window
    may span sentences. A word is a run of characters between spaces, without the punctuation around it; where a
    language writes no spaces, every letter is one.
    """

    # name, longest, rows made at a time, share of those draws
    KINDS = [("word", 16, 512, 0.14), ("pair", 32, 320, 0.13), ("start", 32, 320, 0.18), ("few", 64, 192, 0.26), ("long", 128, 128, 0.29)]
    # T -> B: rows of like length share a batch, so that little of the work is padding
    SHAPES = {8: 1024, 16: 512, 24: 384, 32: 256, 48: 192, 64: 128, 96: 96, 128: 64}

    def __init__(self, split, vocabulary, seed):
        self.rng = np.random.default_rng(seed)
        ids = ids_of(vocabulary)
        flat, starts, ends = [], [], []
        self.bounds, self.types, self.segmented, self.firsts, sizes = [], [], [], [], []
        for label in LABELS:
            first, known, before, firsts = len(starts), {}, len(flat), []
            for text in split[label][0] + GREETINGS * greetings(label):
                base = len(flat)
                firsts.append(len(starts))
                for a, b in words(text, label not in UNSEGMENTED):
                    known.setdefault(text[a:b], len(starts))
                    starts.append(base + a)
                    ends.append(base + b)
                flat += [ids.get(c, UNKNOWN) for c in text]
                flat.append(ids[" "])
            self.bounds.append((first, len(starts)))
            self.types.append(np.array(list(known.values())))
            self.firsts.append(np.array(firsts[:-1]))
            self.segmented.append(label not in UNSEGMENTED)
            sizes.append(len(flat) - before)
        self.neutral = []
        for text in NEUTRAL:
            self.neutral.append((len(flat), len(flat) + len(text)))
            flat += [ids.get(c, UNKNOWN) for c in text]
        self.neutral = np.array(self.neutral)
        self.space = len(flat)
        flat += [ids[" "]] + [PAD] * 256
        self.flat = np.array(flat, np.int32)
        self.starts, self.ends, self.bounds = np.array(starts), np.array(ends), np.array(self.bounds)
        self.segmented = np.array(self.segmented)
        # Small corpora are seen more often than their size, but not so often that they are learnt by heart.
        self.prior = np.array(sizes) ** 0.3
        self.prior /= self.prior.sum()
        self.punctuation = np.array([bool(c) and not c.isalnum() and c != " " and not unicodedata.category(c).startswith("M")
                                     for c in vocabulary])  # fmt: skip
        self.characters = sum(sizes)
        self.spellings = spellings(vocabulary)
        self.waiting = {T: (np.zeros((0, T), np.int32), np.zeros(0, int)) for T in self.SHAPES}

    def word(self, y):
        """A random word of each language: half of the time by its frequency, else each different word alike."""
        low, high = self.bounds[y].T
        token = self.rng.integers(low, high)
        kind = np.array([self.types[label][int(r * len(self.types[label]))] for label, r in zip(y, self.rng.random(len(y)))])
        return np.where(self.rng.random(len(y)) < 0.5, token, kind)

    def window(self, y, fewest, most, start=False):
        """Where a run of words starts and ends, at a sentence's first word if asked; unsegmented languages count two to three letters as a word."""
        rng, B = self.rng, len(y)
        n = rng.integers(fewest, most + 1, B)
        n = np.where(self.segmented[y], n, rng.integers(n, 3 * n + 1))
        if start:
            first = np.array([self.firsts[label][int(r * len(self.firsts[label]))] for label, r in zip(y, rng.random(B))])
        else:
            first = self.word(y)
        last = np.minimum(first + n, self.bounds[y, 1]) - 1
        return self.starts[first], self.ends[last]

    def batch(self):
        """Draws windows until some length has enough of them for a batch."""
        while True:
            for T, B in self.SHAPES.items():
                x, y = self.waiting[T]
                if len(x) >= B:
                    self.waiting[T] = x[B:], y[B:]
                    return x[:B], y[:B]
            x, y = self.draw()
            lengths, shortest = (x != PAD).sum(1), 0
            for T in self.SHAPES:
                here = (lengths > shortest) & (lengths <= T)
                if here.any():
                    fits = np.zeros((here.sum(), T), np.int32)
                    fits[:, : x.shape[1]] = x[here, :T]
                    self.waiting[T] = np.concatenate([self.waiting[T][0], fits]), np.concatenate([self.waiting[T][1], y[here]])
                shortest = T

    def draw(self):
        rng = self.rng
        kind, T, B, _ = self.KINDS[rng.choice(len(self.KINDS), p=[k[3] for k in self.KINDS])]
        y = rng.choice(len(LABELS), B, p=self.prior)
        none = np.zeros(B, int)
        a0, a1 = self.window(y, *{"word": (1, 1), "pair": (1, 3), "start": (2, 4), "few": (3, 8), "long": (8, 25)}[kind], kind == "start")
        pieces = [(a0, a1)]
        if kind == "pair":  # half of them: two words that have nothing to do with each other
            b0, b1 = self.window(y, 1, 1)
            two = (rng.random(B) < 0.5) & (a1 - a0 < T - 4)
            pieces += [(none + self.space, self.space + two), (b0, np.where(two, b1, b0))]
        else:  # cut in mid-word, as when somebody is still typing; or go on into the punctuation
            r, length = rng.random(B), a1 - a0
            cut = np.minimum(length - 1, rng.integers(0, 6, B))
            cut = np.where((kind == "word") & (length - cut < 3), 0, cut)
            pieces = [(a0, np.where(r < 0.25, a1 - cut, np.where(r < 0.5, a1 + rng.integers(0, 3, B), a1)))]
        if kind != "word":
            for side in (0, 1):
                n0, n1 = self.neutral[rng.integers(0, len(self.neutral), B)].T
                extra = (n0, np.where(rng.random(B) < 0.08, n1, n0))
                pieces = [extra] + pieces if side == 0 else pieces + [extra]
        x, offset, t = np.zeros((B, T), np.int32), none, np.arange(T)[None, :]
        for start, end in pieces:
            here = (t >= offset[:, None]) & (t < (offset + end - start)[:, None])
            at = np.where(here, start[:, None] + t - offset[:, None], 0)
            x = np.where(here, self.flat[at], x)
            offset = offset + end - start
        if kind in ("few", "long"):  # no punctuation at all
            drop = self.punctuation[x] & (rng.random((B, 1)) < 0.2)
            x = np.where(drop, PAD, x)
            x = np.take_along_axis(x, np.argsort(x == PAD, axis=1, kind="stable"), axis=1)
        for share, table in self.spellings:
            x = np.where(rng.random((B, 1)) < share[y][:, None], table[y[:, None], x], x)
        x = np.where((x != PAD) & (rng.random((B, T)) < 0.05 * (rng.random((B, 1)) < 0.3)), UNKNOWN, x)
        return x, y


# Code pages of languages that Latin-1 does not hold.
CODE_PAGES = dict(tr="iso8859-9", az="iso8859-9", lt="iso8859-13", lv="iso8859-13", et="iso8859-13",
                  **dict.fromkeys(["cs", "hr", "hu", "pl", "ro", "sk", "sl"], "iso8859-2"))  # fmt: skip


def spellings(vocabulary):
    """Other ways in which people write a language, a character for a character: [(share [K], table [K, V])], in this order.

    Romanian with cedillas, as most keyboards had it before 2007; no diacritics, as on a keyboard of another language; and the old code page
    read as Latin-1, which the web is full of.
    """
    ids = ids_of(vocabulary)

    def tables(share, change):
        table = np.tile(np.arange(len(vocabulary), dtype=np.int32), (len(LABELS), 1))
        shares = np.zeros(len(LABELS))
        for k, label in enumerate(LABELS):
            for i, c in enumerate(vocabulary):
                other = change(label, c) if c else None
                if other and other != c:
                    table[k, i] = ids.get(other, UNKNOWN)
                    shares[k] = share
        return shares, table

    def cedilla(label, c):
        return {"ș": "ş", "ț": "ţ"}.get(c) if label == "ro" else None

    def bare(label, c):
        base = {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "ß": "s"}.get(c, unicodedata.normalize("NFD", c)[0])
        return base if script(c) == "LATIN" and base.isascii() else None

    def misread(label, c):
        page = CODE_PAGES.get(label)
        if not page or ord(c) < 128:
            return None
        try:
            return {"ș": "ş", "ț": "ţ"}.get(c, c).encode(page).decode("latin-1").lower()
        except UnicodeEncodeError:
            return None

    return [tables(0.5, cedilla), tables(0.05, bare), tables(0.04, misread)]


def words(text, segmented):
    """[start, end) of each word, without the punctuation around it."""
    if not segmented:
        return [(i, i + 1) for i, c in enumerate(text) if c.isalpha()]
    found, start = [], 0
    for part in text.split(" "):
        a, b = 0, len(part)
        while a < b and not part[a].isalpha():
            a += 1
        while a < b and not (part[b - 1].isalpha() or unicodedata.category(part[b - 1])[0] == "M"):
            b -= 1
        if a < b:
            found.append((start + a, start + b))
        start += len(part) + 1
    return found


# ---------------------------------------------------------------- the model

def build(vocabulary_size):
    embedding = keras.layers.Embedding(vocabulary_size, EMBEDDING, mask_zero=True, name="embedding",
                                       embeddings_initializer=keras.initializers.RandomNormal(stddev=0.4))  # fmt: skip
    gru = keras.layers.GRU(UNITS, return_sequences=True, reset_after=True)
    bidirectional = keras.layers.Bidirectional(gru, merge_mode="concat", name="bidirectional")
    pooling = keras.layers.GlobalAveragePooling1D(name="pooling")
    dense = keras.layers.Dense(len(LABELS), activation="softmax", name="dense")
    return keras.Sequential([keras.Input((None,), dtype="int32", name="ids"), embedding, bidirectional, pooling, dense], name="langid")


def logits(weights, x):
    """Of the texts [B, K], and the last layer's of every EVERYth single state [T / EVERY, B, K]; x [B, T] is padded at its end."""
    embeddings, *directions, kernel, bias = weights
    x = x.T
    mask = (x != PAD).astype("float32")[:, :, None]
    # the product of each character of the vocabulary is made once, and then looked up
    states = shared.bidirectional(directions, lambda inputs, bias: (embeddings @ inputs + bias)[x], mask)
    return (states.sum(0) / mask.sum(0)) @ kernel + bias, states[::EVERY] @ kernel + bias


def train(model, batches, steps, rate, seed, checkpoint):
    x, _ = batches.batch()
    shared.same(model, x, jax.nn.softmax(logits(shared.values(model), x)[0]))

    # The text is drawn by batches.prior; with its logarithm added here and nowhere else, the model answers as for languages that are all as
    # likely (logit adjustment, Menon et al. 2021).
    prior = jnp.log(len(LABELS) * batches.prior)

    def loss_of(weights, _, x, y):
        def loss(logits, y):
            return -jnp.take_along_axis(jax.nn.log_softmax(logits + prior), y[..., None], -1)[..., 0]

        text, each = logits(weights, x)
        kept = (x.T[::EVERY] != PAD).astype("float32")
        each = loss(each, jnp.broadcast_to(y, kept.shape))
        return loss(text, y).mean() + STATE_LOSS * (each * kept).sum() / kept.sum()

    def keep(weights):
        shared.assign(model, weights)
        checkpoint()

    return shared.fit(shared.values(model), loss_of, batches.batch, steps, rate, AVERAGE, seed, keep)


# ---------------------------------------------------------------- naive Bayes

class NaiveBayes:
    """Multinomial naive Bayes on hashed character 1- to 4-grams, add-alpha smoothing, every language equally likely."""

    BUCKETS, ORDERS = 1 << 20, (1, 2, 3, 4)

    def __init__(self, split):
        self.counts = np.zeros((self.BUCKETS, len(LABELS)), np.float32)
        for k, label in enumerate(LABELS):
            for text in split[label][0]:
                np.add.at(self.counts[:, k], self.grams(text), 1)
        self.alpha = None

    def grams(self, text):
        c = np.array([ord(c) for c in f" {text} "], np.uint64)
        rows = []
        for n in self.ORDERS:
            h = np.full(max(0, len(c) - n + 1), n, np.uint64)
            for j in range(n):
                h = (h ^ c[j : len(c) - n + 1 + j]) * np.uint64(0x9E3779B97F4A7C15)
                h ^= h >> np.uint64(29)
            rows.append(h % np.uint64(self.BUCKETS))
        return np.concatenate(rows).astype(np.int64)

    def smooth(self, alpha):
        self.alpha = alpha
        self.weights = np.log(self.counts + alpha) - np.log(self.counts.sum(0) + alpha * self.BUCKETS)

    def predict(self, texts):
        return np.array([self.weights[self.grams(text)].sum(0).argmax() for text in texts])


# ---------------------------------------------------------------- evaluation

def held_out_sets(split, seed):
    """Whole sentences, pairs and single words from the held-out sentences: what choices are made on."""
    rng, sets = random.Random(seed), {name: [] for name in TEXTS}
    for label in LABELS:
        for text in split[label][1]:
            sets["sentences"].append((text, label))
            found = words(text, label not in UNSEGMENTED)
            for name, n in (("word-pairs", 2), ("single-words", 1)):
                if len(found) >= n:
                    some = [text[a:b] for a, b in rng.sample(found, n)]
                    sets[name].append(((" " if label not in UNSEGMENTED else "").join(some), label))
    return sets


def read_benchmark(data):
    """Claimed languages only; its zh mixes both scripts."""
    claimed = {label.split("-")[0] for label in LABELS}
    return {
        name: [(normalize(text), label) for text, label in read_tsv(data / f"langid-benchmark/{name}.tsv.gz") if label in claimed]
        for name in TEXTS
    }  # fmt: skip


def accuracy(pairs, predicted):
    """({language: accuracy}, mean over languages, most frequent confusions). zh counts for either script where the label is zh."""
    right, total, wrong = Counter(), Counter(), Counter()
    for (_, label), k in zip(pairs, predicted):
        answer = LABELS[k] if k >= 0 else ""
        ok = answer == label or (label == "zh" and answer.startswith("zh-"))
        total[label] += 1
        right[label] += ok
        if not ok:
            wrong[f"{label} > {answer}"] += 1
    each = {label: round(100 * right[label] / total[label], 1) for label in sorted(total)}
    return each, round(float(np.mean([right[label] / total[label] for label in total])) * 100, 2), wrong.most_common(15)


def answers(model, vocabulary, texts):
    ids = ids_of(vocabulary)
    p = np.stack(shared.probabilities(model, [encode(text, ids) for text in texts]))
    return np.where(p.sum(1) > 0, p.argmax(1), -1)


# ---------------------------------------------------------------- the model file

def save(model, vocabulary, path):
    text = shared.text_settings("codepoint", vocabulary, MAXLEN)
    shared.save(model, path, text, {"name": "language", "kind": "class", "labels": LABELS})


def load(path):
    """(model, vocabulary)"""
    model, about = shared.load(path)
    assert about["outputs"][0]["labels"] == LABELS, "the file claims other languages than this script"
    return model, about["text"]["vocabulary"]


def card(results):
    """The parts of README.md that speak of the results."""
    benchmark = results["benchmark"]
    weakest = []
    for kind, most in zip(TEXTS, (10, 8, 8)):
        some = sorted(benchmark[kind]["gru_each"].items(), key=lambda pair: pair[1])[:most]
        weakest.append(f"n {kind.replace('-', ' ')}: {', '.join(f'{label} {got:.0f}' for label, got in some)}.")
    wrong = ", ".join(f"{pair.replace(' >', ' as')} ({n})" for pair, n in benchmark["sentences"]["confusions"][:10])
    own = shared.table(["", *(kind.replace("-", " ") for kind in TEXTS), "languages"], [
        [name, *(f"{benchmark[kind][key]:.1f}" for kind in TEXTS), len(benchmark["sentences"]["gru_each"])]
        for name, key in (("**this model**", "gru"), ("naive Bayes, hashed 1-4-grams, same text and languages", "naive_bayes"))
    ])  # fmt: skip
    return {"accuracy": own, "weakest": f"- Weakest o{' O'.join(weakest)}\n- Most frequent confusions on sentences: {wrong}."}


def main():
    parser = shared.arguments(__doc__, HERE, steps=40000, rate=5e-3)
    parser.add_argument("--resume", type=Path, help="go on from the weights in this file (langid-gru.partial.safetensors), with a schedule of its own")
    options = parser.parse_args()
    data, path = options.data / "data", options.out / "langid-gru.safetensors"

    keras.utils.set_random_seed(options.seed)
    # The same text is held out whatever the seed, so that a run that goes on from another has not seen it.
    split = read_training_text(data, SPLIT_SEED)
    held_out = held_out_sets(split, SPLIT_SEED)
    print(len(LABELS), "languages,", sum(len(a) for a, _ in split.values()), "sentences,", sum(len(b) for _, b in split.values()), "held out")
    print("  ".join(f"{label}:{len(split[label][0])}" for label in LABELS), flush=True)

    trained = None
    if options.evaluate_only:
        model, vocabulary = load(path)
    else:
        if options.resume:
            model, vocabulary = load(options.resume)
        else:
            vocabulary = choose_vocabulary(split)
            model = build(len(vocabulary))
        batches = Batches(split, vocabulary, options.seed)
        print(len(vocabulary), "characters known;", batches.characters, "characters of training text", flush=True)
        part = options.out / "langid-gru.partial.safetensors"
        trained = train(model, batches, options.steps, options.rate, options.seed, lambda: save(model, vocabulary, part))
        os.replace(part, path)

    bayes, best = NaiveBayes(split), None
    for alpha in (0.1, 0.01, 0.001, 0.0001):
        bayes.smooth(alpha)
        got = np.mean([accuracy(pairs, bayes.predict([t for t, _ in pairs]))[1] for pairs in held_out.values()])
        print(f"naive Bayes, alpha {alpha}: {got:.2f} held out", flush=True)
        best = max(best or (0, 0), (got, alpha))
    bayes.smooth(best[1])

    results = {
        "languages": LABELS,
        **shared.about_file(model, path, vocabulary, trained, options.seed),
        "training_sentences": {label: len(split[label][0]) for label in LABELS},
        "naive_bayes": {"buckets": bayes.BUCKETS, "orders": bayes.ORDERS, "alpha": bayes.alpha},
    }
    for name, sets in (("held_out", held_out), ("benchmark", read_benchmark(data))):
        results[name] = {}
        for kind, pairs in sets.items():
            texts = [t for t, _ in pairs]
            each, mean, wrong = accuracy(pairs, answers(model, vocabulary, texts))
            bayes_each, bayes_mean, _ = accuracy(pairs, bayes.predict(texts))
            results[name][kind] = dict(texts=len(texts), gru=mean, naive_bayes=bayes_mean, confusions=wrong, gru_each=each, naive_bayes_each=bayes_each)
            print(f"{name} {kind}: GRU {mean:.2f}, naive Bayes {bayes_mean:.2f}", flush=True)
    shared.write_results(options.out, results, card(results))


if __name__ == "__main__":
    main()
