"""Parts of speech of English words: train, compare with each word's most frequent tag, evaluate, export.

    pip install -r requirements.txt     # and `make` at the top: words and int8 weights are made by padless
    python train.py                     # everything; writes tagger.safetensors, results.json and the card's numbers beside this file
    python train.py --evaluate-only     # the shipped weights on the test sentences

Text: the English Web Treebank; words that it lacks from English sentences of Common Voice and Tatoeba. Settings were chosen on its dev sentences; the test sentences are read once, at the end.
Data comes from --data, by default the folder `shared` beside the checkout.
"""

import gzip
import sys
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import shared  # noqa: E402
from shared import PAD, UNKNOWN, ids_of, jax, jnp, keras, normalize, np  # noqa: E402

LABELS = ["ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"]
MAXLEN = 512
EMBEDDING, UNITS = 20, 96
LONGEST = 64  # words of a training row; of a longer sentence a window
SHAPES = {T: 2048 // T for T in (4, 8, 12, 16, 24, 32, 48, LONGEST)}  # T -> B
EMBEDDING_DROPOUT, STATE_DROPOUT = 0.25, 0.4
# A word that stands n times in the text becomes the unknown one in RARE / (RARE + n) of the cases, and in OWN / (OWN + n) of the steps has no
# embedding of its own but that of its spelling.
RARE, OWN = 0.25, 0.5
AVERAGE = 0.999  # The weights are a running mean: how much of it one step keeps.


# ---------------------------------------------------------------- sentences

def read(data, name):
    """[{text, tokens, labels, agree, gold, goldLabels}], see sentences.js"""
    return shared.node("tagger/sentences.js", gzip.open(data / f"pos-en-ewt/{name}.conll.gz", "rt", encoding="utf-8").read())


def pairs(sentences, gold=False):
    """[(words, labels)], normalised; gold: the treebank's own tokens"""
    tokens, labels = ("gold", "goldLabels") if gold else ("tokens", "labels")
    return [([normalize(word) for word in sentence[tokens]], sentence[labels]) for sentence in sentences]


def choose_vocabulary(data, examples):
    """Words of the treebank, but what is no word and stands there once; and those of other English text, which are known by their spelling."""
    counts = Counter(word for words, _ in examples for word in words)
    kept = {word for word, n in counts.items() if n > 1 or word.isalpha()}
    texts = []
    for name, english in (("langid-commonvoice-cc0/cv", "en"), ("langid-tatoeba-laser/tatoeba", "eng")):
        with gzip.open(data / f"{name}.tsv.gz", "rt", encoding="utf-8", newline="\n") as lines:
            texts += [text for text, _, language in (line.rstrip("\n").rpartition("\t") for line in lines) if language == english]
    more = {normalize(word) for words in shared.words(texts) for word in words}
    kept |= {word for word in more if word.replace("'", "").isalpha()}
    return ["", "", *sorted(kept, key=lambda word: (-counts[word], word))]


def encode(words, ids):
    return [ids.get(word, UNKNOWN) for word in words][:MAXLEN]


# ---------------------------------------------------------------- what a word's spelling says, to start from

def spelling(word):
    """Names of its features: endings, beginnings, and what its characters are."""
    kinds = "".join(sorted({"a" if c.isalpha() else "d" if c.isdigit() else "p" for c in word}))
    return [("kinds", kinds)] + [("end", word[-n:]) for n in (1, 2, 3, 4) if len(word) >= n] + [("start", word[:n]) for n in (2, 3) if len(word) > n]


def spellings(vocabulary, seen):
    """[V, N]: numbers of the features of each word that two words of the text have at least, 0 where there are fewer; and how many there are."""
    features = [spelling(word) if word else [] for word in vocabulary]
    counts = Counter(name for word, names in zip(vocabulary, features) if word in seen for name in names)
    numbers = {name: i for i, name in enumerate((name for name, n in counts.items() if n > 1), 1)}
    return shared.padded([[numbers.get(name, 0) for name in names] for names in features], max(map(len, features))), len(numbers) + 1


# ---------------------------------------------------------------- the model

def build(vocabulary_size):
    gru = keras.layers.GRU(UNITS, return_sequences=True, reset_after=True)
    return keras.Sequential([
        keras.Input((None,), dtype="int32", name="ids"),
        keras.layers.Embedding(vocabulary_size, EMBEDDING, mask_zero=True, name="embedding",
                               embeddings_initializer=keras.initializers.RandomNormal(stddev=0.3)),
        keras.layers.Bidirectional(gru, merge_mode="concat", name="bidirectional"),
        keras.layers.Dense(len(LABELS), activation="softmax", name="dense"),
    ], name="tagger")  # fmt: skip


def logits(weights, x, key=None):
    """[T, B, K], of ids x [B, T] that are padded at their end; with a key for training"""
    embeddings, *directions, kernel, bias = weights
    x = x.T
    mask = (x != PAD).astype("float32")[:, :, None]
    keys = (None, None) if key is None else jax.random.split(key)
    embedded = shared.dropout(keys[0], embeddings[x], EMBEDDING_DROPOUT)
    states = shared.bidirectional(directions, lambda inputs, bias: embedded @ inputs + bias, mask)
    states = shared.dropout(keys[1], states, STATE_DROPOUT, (1, *states.shape[1:]))
    return states @ kernel + bias


def train(model, examples, vocabulary, options, checkpoint):
    seen = Counter(word for words, _ in examples for word in words)
    counts = np.array([0, 1e9] + [seen[word] for word in vocabulary[2:]])
    ids, rng = ids_of(vocabulary), np.random.default_rng(options.seed)
    rare = np.where(counts > 0, RARE / (RARE + counts), 0)

    def window(words, labels):
        start = int(rng.integers(max(1, len(words) - LONGEST + 1)))
        return encode(words, ids)[start : start + LONGEST], [LABELS.index(label) for label in labels[start : start + LONGEST]]

    def rows():
        for T, x, y in shared.batches([window(*example) for example in examples], SHAPES, rng):
            x = shared.padded(x, T)
            yield np.where(rng.random(x.shape) < rare[x], UNKNOWN, x), shared.padded(y, T, fill=-1)

    # A word's embedding is its own and the sum of those of its spelling: what endings say is learnt from all words that have them, and a word seen
    # once is not left to itself. The file holds the sums.
    features, size = spellings(vocabulary, seen)
    own = jnp.asarray((counts / (counts + OWN))[:, None])
    there = jnp.asarray(features > 0)[:, :, None]

    def embeddings(weights, key=None):
        mine = jnp.where(own > 0 if key is None else jax.random.bernoulli(key, own), weights[0], 0)
        return mine + jnp.where(there, weights[-1][features], 0).sum(1)

    def loss_of(weights, key, x, y):
        keys, y = jax.random.split(key), y.T
        each = jax.nn.log_softmax(logits([embeddings(weights, keys[0]), *weights[1:-1]], x, keys[1]))
        each = jnp.take_along_axis(each, jnp.maximum(y, 0)[..., None], -1)[..., 0]
        return -jnp.where(y < 0, 0, each).sum() / (y >= 0).sum()

    def keep(weights):
        shared.assign(model, [embeddings(weights), *weights[1:-1]])
        checkpoint()

    batch = rows()
    x, _ = next(batch)
    probabilities = jax.nn.softmax(logits(shared.values(model), x)).swapaxes(0, 1)
    shared.same(model, x, jnp.where((x != PAD)[:, :, None], probabilities, model(x)))
    weights = [*shared.values(model), jnp.asarray(rng.normal(0, 0.1, (size, EMBEDDING)), "float32")]
    return shared.fit(weights, loss_of, lambda: next(batch), options.steps, options.rate, AVERAGE, options.seed, keep)


# ---------------------------------------------------------------- evaluation

def most_frequent(examples):
    """word -> its most frequent tag; the rest get the tag that words seen once have most."""
    seen = defaultdict(Counter)
    for words, labels in examples:
        for word, label in zip(words, labels):
            seen[word][label] += 1
    once = Counter(label for counts in seen.values() if counts.total() == 1 for label in counts)
    tags = defaultdict(lambda: once.most_common(1)[0][0])
    tags.update({word: counts.most_common(1)[0][0] for word, counts in seen.items()})
    return tags


def percent(right, of):
    return round(100 * right / of, 2)


def measure(sentences, answer, vocabulary):
    """Accuracy of answer(words of all sentences) -> tags of each"""
    known, results = set(vocabulary[2:]), {}
    for name in ("words", "treebank_tokens"):
        examples = pairs(sentences, name == "treebank_tokens")
        found = answer([words for words, _ in examples])
        rows = [
            (word, label, got, agrees)
            for (words, labels), tags, sentence in zip(examples, found, sentences)
            for word, label, got, agrees in zip(words, labels, tags, sentence["agree"] if name == "words" else [True] * len(words), strict=True)
        ]  # fmt: skip

        def share(keep):
            kept = [row for row in rows if keep(row)]
            return {"count": len(kept), "accuracy": percent(sum(label == got for _, label, got, _ in kept), len(kept))}

        results[name] = {
            "all": share(lambda row: True),
            "agreeing": share(lambda row: row[3]),
            "unknown": share(lambda row: row[0] not in known),
            "sentences_right": percent(sum(list(labels) == list(tags) for (_, labels), tags in zip(examples, found)), len(examples)),
        }
        if name == "words":
            counts = {key: Counter(row[i] for row in rows if i != 3) for key, i in (("there", 1), ("found", 2))}
            right = Counter(label for _, label, got, _ in rows if label == got)
            results["labels"] = {
                label: {"count": counts["there"][label], "precision": percent(right[label], counts["found"][label] or 1),
                        "recall": percent(right[label], counts["there"][label] or 1),
                        "f1": percent(2 * right[label], counts["there"][label] + counts["found"][label] or 1)}
                for label in LABELS
            }  # fmt: skip
            results["confusions"] = Counter(f"{label} > {got}" for _, label, got, _ in rows if label != got).most_common(12)
    return results


def card(results):
    test, baseline = results["test"], results["most_frequent_tag"]["test"]
    rows = [
        [name, *(f"{of[kind][which]['accuracy']:.1f}" for kind, which in
                 (("words", "all"), ("words", "agreeing"), ("words", "unknown"), ("treebank_tokens", "all")))]
        for name, of in (("**this model**", test), ("each word's most frequent tag", baseline))
    ]  # fmt: skip
    counts = ["test words", *(test[kind][which]["count"] for kind, which in
                              (("words", "all"), ("words", "agreeing"), ("words", "unknown"), ("treebank_tokens", "all")))]  # fmt: skip
    head = ["", "all words", "words that the treebank has too", "words that the model does not know", "the treebank's own tokens"]
    labels = [[f"`{label}`", of["count"], *(f"{of[key]:.1f}" for key in ("precision", "recall", "f1"))] for label, of in test["labels"].items()]
    training = results["training"]
    return {
        "file": shared.table(["", ""], [
            ["file", f"`tagger.safetensors`, {results['bytes']:,} bytes, {results['parameters']:,} parameters in int8"],
            ["text", f"words by `Intl.Segmenter`, NFC, lower case, cut after {MAXLEN}; {results['vocabulary'] - 2:,} words are known"],
        ]),
        "accuracy": shared.table(head, [*rows, counts]),
        "labels": shared.table(["", "test words", "precision", "recall", "F1"], labels),
        "confusions": f"- Most frequent confusions: {', '.join(f'{pair} ({n})' for pair, n in test['confusions'])}.".replace(" > ", " as "),
        "training": f"Keras {results['versions']['keras']} on JAX {results['versions']['jax']}: {training['steps']:,} steps of Adam, "
                    f"{training['tokens'] / 1e6:.0f} million words, {training['minutes']} minutes on two busy processor cores, seed {results['seed']}.",
    }  # fmt: skip


def main():
    options = shared.arguments(__doc__, HERE, steps=5000, rate=1e-2).parse_args()
    data, path = options.data / "data", options.out / "tagger.safetensors"
    keras.utils.set_random_seed(options.seed)
    sentences = read(data, "train")
    # A text may also come cut as the treebank cuts it (do|n't), by `padless eval` for one.
    examples = pairs(sentences) + [pair for pair, words in zip(pairs(sentences, gold=True), pairs(sentences)) if pair[0] != words[0]]

    trained = None
    if options.evaluate_only:
        model, about = shared.load(path)
        vocabulary = about["text"]["vocabulary"]
    else:
        vocabulary = choose_vocabulary(data, examples)
        model = build(len(vocabulary))
        part = options.out / "tagger.partial.safetensors"

        def keep():
            text = shared.text_settings("word", vocabulary, MAXLEN, locale="en")
            shared.save(model, part, text, {"name": "pos", "kind": "tags", "labels": LABELS})

        def checkpoint():
            keep()
            print("dev:", measure(read(data, "dev"), answer, vocabulary)["words"], flush=True)


    def answer(texts):
        ids = ids_of(vocabulary)
        found = shared.probabilities(model, [encode(words, ids) for words in texts])
        return [[LABELS[k] for k in row.argmax(1)] for row in found]

    if not options.evaluate_only:
        trained = train(model, examples, vocabulary, options, checkpoint)
        model, vocabulary = shared.with_curly(model, vocabulary, build)
        keep()
        shared.to_int8(part, path)
        part.unlink()
        model, _ = shared.load(path)

    tags = most_frequent(examples)
    results = {"labels": LABELS, **shared.about_file(model, path, vocabulary, trained, options.seed), "most_frequent_tag": {}}
    for name in ("dev", "test"):
        some = read(data, name)
        results[name] = measure(some, answer, vocabulary)
        results["most_frequent_tag"][name] = measure(some, lambda texts: [[tags[word] for word in words] for words in texts], vocabulary)
        print(f"{name}: {results[name]['words']}; most frequent tag: {results['most_frequent_tag'][name]['words']}", flush=True)
    shared.write_results(options.out, results, card(results))


if __name__ == "__main__":
    main()
