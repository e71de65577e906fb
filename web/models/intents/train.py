"""What somebody wants of an assistant, of 150 intents or none of them: train, compare with logistic regression, evaluate, export.

    pip install -r requirements.txt     # and `make` at the top: words and int8 weights are made by padless
    python train.py                     # everything; writes intents.safetensors, results.json and the card's numbers beside this file
    python train.py --evaluate-only     # the baseline, and the shipped weights on the test requests

Text: CLINC150, and sentences of Common Voice that are no requests. Settings were chosen on CLINC150's dev requests; the test requests are read
once, at the end. Data comes from --data, by default the folder `shared` beside the checkout.
"""

import gzip
import json
import random
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import shared  # noqa: E402
from shared import PAD, UNKNOWN, ids_of, jax, jnp, keras, normalize, np  # noqa: E402

NONE = "oos"  # out of scope, as CLINC150 calls it
MAXLEN = 64
EMBEDDING, UNITS = 64, 96
SHAPES = dict.fromkeys((4, 8, 12, 16, 24, 40, MAXLEN), 256)  # T -> B
EMBEDDING_DROPOUT, STATE_DROPOUT, SMOOTHING = 0.5, 0.5, 0.05
# A word that stands n times in the text becomes the unknown one in ANY + RARE / (RARE + n) of the cases.
RARE, ANY = 0.5, 0.03
AVERAGE = 0.999  # The weights are a running mean: how much of it one step keeps.
SENTENCES, REPEAT = 300, 2  # of Common Voice in the training text; times that each of CLINC150's 100 out of scope stands there
THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


# ---------------------------------------------------------------- requests

def lines(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n").rsplit("\t", 1) for line in file]


def words(texts):
    return [[normalize(word) for word in some] for some in shared.words(texts)]


def read(data, name):
    """[(words, intent)]"""
    texts, labels = zip(*lines(data / f"cls-en-clinc150/{name}.tsv.gz"))
    return list(zip(words(texts), labels))


def no_requests(data):
    """Sentences of another kind, for the label of none."""
    texts = [text for text, language in lines(data / "langid-commonvoice-cc0/cv.tsv.gz") if language == "en"]
    return [(some, NONE) for some in words(random.Random(1).sample(texts, SENTENCES))]


def encode(words, ids):
    return [ids.get(word, UNKNOWN) for word in words][:MAXLEN]


# ---------------------------------------------------------------- the model

def build(vocabulary_size, labels):
    gru = keras.layers.GRU(UNITS, return_sequences=True, reset_after=True)
    return keras.Sequential([
        keras.Input((None,), dtype="int32", name="ids"),
        keras.layers.Embedding(vocabulary_size, EMBEDDING, mask_zero=True, name="embedding",
                               embeddings_initializer=keras.initializers.RandomNormal(stddev=0.3)),
        keras.layers.Bidirectional(gru, merge_mode="concat", name="bidirectional"),
        keras.layers.GlobalAveragePooling1D(name="pooling"),
        keras.layers.Dense(labels, activation="softmax", name="dense"),
    ], name="intents")  # fmt: skip


def logits(weights, x, key=None):
    """[B, K], of ids x [B, T] that are padded at their end; with a key for training"""
    embeddings, *directions, kernel, bias = weights
    x = x.T
    mask = (x != PAD).astype("float32")[:, :, None]
    keys = (None, None) if key is None else jax.random.split(key)
    embedded = shared.dropout(keys[0], embeddings[x], EMBEDDING_DROPOUT)
    states = shared.bidirectional(directions, lambda inputs, bias: embedded @ inputs + bias, mask)
    return shared.dropout(keys[1], states.sum(0) / mask.sum(0), STATE_DROPOUT) @ kernel + bias


def train(model, examples, vocabulary, labels, options, checkpoint):
    counts = Counter(word for words, _ in examples for word in words)
    counts = np.array([1, 1] + [counts[word] for word in vocabulary[2:]])
    ids, rng = ids_of(vocabulary), np.random.default_rng(options.seed)
    encoded = [(encode(words, ids), labels.index(label)) for words, label in examples]
    rare = np.where(np.arange(len(vocabulary)) > UNKNOWN, ANY + RARE / (RARE + counts), 0)

    def rows():
        for T, x, y in shared.batches(encoded, SHAPES, rng):
            x = shared.padded(x, T)
            yield np.where(rng.random(x.shape) < rare[x], UNKNOWN, x), np.array(y)

    def loss_of(weights, key, x, y):
        each = jax.nn.log_softmax(logits(weights, x, key))
        right = jnp.take_along_axis(each, y[:, None], 1)[:, 0]
        return -((1 - SMOOTHING) * right + SMOOTHING * each.mean(1)).mean()

    def keep(weights):
        shared.assign(model, weights)
        checkpoint()

    batch = rows()
    x, _ = next(batch)
    shared.same(model, x, jax.nn.softmax(logits(shared.values(model), x)))
    return shared.fit(shared.values(model), loss_of, lambda: next(batch), options.steps, options.rate, AVERAGE, options.seed, keep)


# ---------------------------------------------------------------- logistic regression

class LogisticRegression:
    """Softmax regression on the presence of words and pairs of neighbours, with weight decay, by Adam on all examples at once."""

    def __init__(self, examples, labels):
        counts = Counter(gram for words, _ in examples for gram in self.grams(words))
        self.ids = {gram: i for i, gram in enumerate(counts, 1)}
        self.y = jnp.array([labels.index(label) for _, label in examples])
        self.x = self.rows([words for words, _ in examples])
        self.labels = labels

    @staticmethod
    def grams(words):
        return {*words, *zip(["<", *words], [*words, ">"])}

    def rows(self, texts):
        found = [[self.ids[gram] for gram in sorted(self.grams(words), key=str) if gram in self.ids] for words in texts]
        return jnp.array(shared.padded(found, max(map(len, found))))

    @staticmethod
    def scores(weights, x):
        table, bias = weights
        return jnp.where((x > 0)[:, :, None], table[x], 0).sum(1) / jnp.sqrt(jnp.maximum((x > 0).sum(1), 1))[:, None] + bias

    def train(self, decay, steps=150, rows=1000):
        weights = [jnp.zeros((len(self.ids) + 1, len(self.labels))), jnp.zeros(len(self.labels))]
        variables = [keras.Variable(value) for value in weights]
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, steps))
        optimizer.build(variables)
        moments = [variable.value for variable in optimizer.variables]

        @jax.jit
        def step(weights, moments, x, y):
            def loss_of(weights):
                each = jax.nn.log_softmax(self.scores(weights, x))
                return -jnp.take_along_axis(each, y[:, None], 1).mean() + decay * (weights[0] ** 2).sum()

            return optimizer.stateless_apply(moments, jax.grad(loss_of)(weights), weights)

        rng = np.random.default_rng(1)
        for _ in range(steps):
            some = rng.choice(len(self.y), rows, replace=False)
            weights, moments = step(weights, moments, self.x[some], self.y[some])
        self.weights = weights

    def probabilities(self, texts):
        x = self.rows(texts)
        return np.concatenate([jax.nn.softmax(self.scores(self.weights, x[k : k + 500])) for k in range(0, len(x), 500)])


# ---------------------------------------------------------------- evaluation

def percent(shares):
    return round(100 * float(np.mean(shares)), 2)


def right(p, examples, labels, threshold=0):
    """Which are right, a score under the threshold being an answer of none."""
    k = np.where(p.max(1) < threshold, labels.index(NONE), p.argmax(1))
    return k == [labels.index(label) for _, label in examples]


def measure(probabilities, sets, labels, threshold):
    """In scope: accuracy over 150 intents, an answer of none being wrong; out of scope: how many are answered so. Each alone and with the threshold."""
    results = {}
    for name, examples in sets.items():
        p = probabilities([words for words, _ in examples])
        results[name] = {"requests": len(examples), "accuracy": percent(right(p, examples, labels)),
                         "with_threshold": percent(right(p, examples, labels, threshold))}  # fmt: skip
        if name == "in_scope":
            each, total, wrong = Counter(), Counter(label for _, label in examples), Counter()
            for (_, label), k in zip(examples, p.argmax(1)):
                each[label] += labels[k] == label
                wrong[f"{label} > {labels[k]}"] += labels[k] != label
            results["each"] = {label: round(100 * each[label] / total[label], 1) for label in sorted(total)}
            results["confusions"] = wrong.most_common(12)
    return results


def card(results):
    test, baseline = results["test"], results["logistic_regression"]["test"]
    head = ["", "150 intents", "out of scope", "150 intents, with threshold", "out of scope, with threshold"]
    rows = [
        [f"{name} (threshold {threshold})", *(f"{of[part][key]:.1f}" for key in ("accuracy", "with_threshold") for part in ("in_scope", "out_of_scope"))]
        for name, of, threshold in (
            ("**this model**", test, results["threshold"]),
            ("logistic regression, words and pairs of words", baseline, results["logistic_regression"]["threshold"]),
        )
    ]  # fmt: skip
    counts = ["test requests", *(test[part]["requests"] for _ in range(2) for part in ("in_scope", "out_of_scope"))]
    domains = [[name.replace("_", " "), f"{np.mean([test['each'][label] for label in some]):.1f}",
                f"{np.mean([baseline['each'][label] for label in some]):.1f}", " ".join(f"`{label}` {test['each'][label]:.0f}" for label in some)]
               for name, some in results["domains"].items()]  # fmt: skip
    weakest = sorted(test["each"].items(), key=lambda pair: pair[1])[:12]
    training = results["training"]
    return {
        "file": shared.table(["", ""], [
            ["file", f"`intents.safetensors`, {results['bytes']:,} bytes, {results['parameters']:,} parameters in int8"],
            ["text", f"words by `Intl.Segmenter`, NFC, lower case, cut after {MAXLEN}; {results['vocabulary'] - 2:,} words are known"],
        ]),
        "accuracy": shared.table(head, [*rows, counts]),
        "weakest": f"- Weakest: {', '.join(f'`{label}` {got:.0f}' for label, got in weakest)}.\n"
                   f"- Most frequent confusions: {', '.join(f'{pair} ({n})' for pair, n in test['confusions'])}.".replace(" > ", " as "),
        "domains": shared.table(["domain", "this model", "logistic regression", "intents (this model)"], domains),
        "training": f"Keras {results['versions']['keras']} on JAX {results['versions']['jax']}: {training['steps']:,} steps of Adam, "
                    f"{training['tokens'] / 1e6:.1f} million words, {training['minutes']} minutes on two busy processor cores, seed {results['seed']}.",
    }  # fmt: skip


def main():
    options = shared.arguments(__doc__, HERE, steps=4000, rate=8e-3).parse_args()
    data, path = options.data / "data", options.out / "intents.safetensors"
    keras.utils.set_random_seed(options.seed)
    requests = read(data, "train") + REPEAT * read(data, "oos_train")
    examples = requests + no_requests(data)
    labels = [*sorted({label for _, label in examples} - {NONE}), NONE]
    sets = {name: {"in_scope": read(data, name), "out_of_scope": read(data, f"oos_{name}")} for name in ("dev", "test")}

    def probabilities(texts):
        ids = ids_of(vocabulary)
        return np.stack(shared.probabilities(model, [encode(some, ids) for some in texts]))

    trained = None
    if options.evaluate_only:
        model, about = shared.load(path)
        vocabulary = about["text"]["vocabulary"]
        assert about["outputs"][0]["labels"] == labels, "the file has other labels than the data"
    else:
        counts = Counter(word for words, _ in requests for word in words)
        vocabulary = ["", "", *sorted(counts, key=lambda word: (-counts[word], word))]
        model = build(len(vocabulary), len(labels))
        part = options.out / "intents.partial.safetensors"

        def keep():
            text = shared.text_settings("word", vocabulary, MAXLEN, locale="en")
            shared.save(model, part, text, {"name": "intent", "kind": "class", "labels": labels})

        def checkpoint():
            keep()
            print("dev:", {name: percent(right(probabilities([w for w, _ in some]), some, labels)) for name, some in sets["dev"].items()}, flush=True)

        trained = train(model, examples, vocabulary, labels, options, checkpoint)
        model, vocabulary = shared.with_curly(model, vocabulary, lambda size: build(size, len(labels)))
        keep()
        shared.to_int8(part, path)
        part.unlink()
        model, _ = shared.load(path)

    regression, best = LogisticRegression(examples, labels), None
    for decay in (1e-7, 3e-7, 1e-6, 3e-6):
        regression.train(decay)
        got = measure(regression.probabilities, sets["dev"], labels, 0)["in_scope"]["accuracy"]
        print(f"logistic regression, decay {decay}: {got} of dev", flush=True)
        best = max(best or (0, 0), (got, decay))
    regression.train(best[1])

    def threshold_of(probabilities):
        """The one that makes the mean of both shares of the dev requests greatest."""
        found = [(probabilities([words for words, _ in some]), some) for some in sets["dev"].values()]
        return max(THRESHOLDS, key=lambda threshold: np.mean([right(p, some, labels, threshold).mean() for p, some in found]))

    threshold = threshold_of(probabilities)
    results = {"labels": labels, **shared.about_file(model, path, vocabulary, trained, options.seed), "threshold": threshold,
               "domains": json.loads((data / "cls-en-clinc150/domains.json").read_text(encoding="utf-8")),
               "logistic_regression": {"features": len(regression.ids), "decay": best[1], "threshold": threshold_of(regression.probabilities)}}  # fmt: skip
    for name, some in sets.items():
        results[name] = measure(probabilities, some, labels, threshold)
        theirs = results["logistic_regression"]
        theirs[name] = measure(regression.probabilities, some, labels, theirs["threshold"])
        print(f"{name}: {[(m['in_scope'], m['out_of_scope']) for m in (results[name], theirs[name])]}", flush=True)
    shared.write_results(options.out, results, card(results))


if __name__ == "__main__":
    main()
