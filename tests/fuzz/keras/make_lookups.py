"""Makes random models that start with a lookup: TextVectorization, StringLookup, IntegerLookup, Hashing or CategoryEncoding.

    python make_lookups.py FOLDER N SEED [FIRST]

Writes what make_models.py writes. A text input is one string a row, as padless reads it: the strings of StringLookup are joined by blanks.
These layers run on TensorFlow alone, so Keras 3 has that backend here; without TensorFlow, nothing is made.
"""

import importlib.util
import os
import sys

if importlib.util.find_spec("tensorflow") is None:
    os.makedirs(sys.argv[1], exist_ok=True)
    open(f"{sys.argv[1]}/cases.jsonl", "a").close()
    sys.exit()

os.environ["KERAS_BACKEND"] = "tensorflow"
import json  # noqa: E402
from pathlib import Path  # noqa: E402

import keras  # noqa: E402
import make_models  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from random_layers import KERAS3, L  # noqa: E402

WORDS = "the cat sat on a mat Don't x-y ünï 字 ΑΣ b! [UNK] <OOV> 7".split()
NUMBERS = [0, 1, 2, 3, 5, 8, 13, 21, -4, -7, 1000003, -1, 2**40]


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def one_of(self, *values):
        return values[self.rng.integers(len(values))]

    def chance(self, p):
        return self.rng.random() < p

    def some(self, p, **options):
        return {name: value() if callable(value) else value for name, value in options.items() if self.chance(p)}

    def words(self, most, least=0):
        return [self.one_of(*WORDS) for _ in range(self.rng.integers(least, most + 1))]

    def text(self, least=0):
        return "".join(word + self.one_of(" ", " ", "  ", "\t", "\n") for word in self.words(8, least))

    # Each returns the layer, the shape of its input, its dtype, the number of its ids, and rows.

    def vectorization(self):
        mode = self.one_of("int", "int", "multi_hot", "count", "tf_idf")
        options = self.some(0.3, standardize=lambda: self.one_of("lower", "strip_punctuation", None))
        options |= self.some(0.4, split=lambda: self.one_of("character", None))
        if options.get("split", "") is not None:
            options |= self.some(0.5, ngrams=lambda: self.one_of(2, 3, (2,), (1, 3), (3, 1)))
        options |= self.some(0.4, max_tokens=9)
        if mode == "int":
            options |= self.some(0.5, output_sequence_length=lambda: self.one_of(2, 5, 9))
        elif "max_tokens" in options:
            options |= self.some(0.5, pad_to_max_tokens=True)
        layer = L.TextVectorization(output_mode=mode, **options)
        # A vocabulary file has one entry a line, so no entry can contain a line break.
        clean = (lambda text: text.replace("\n", " ").replace("\t", " ")) if options.get("split", "") != "whitespace" else str
        texts = [clean(self.text(1)) for _ in range(8)]
        layer.adapt(np.array(texts))
        if self.chance(0.3) and mode != "tf_idf":
            words = layer.get_vocabulary(include_special_tokens=False)
            layer = L.TextVectorization(output_mode=mode, vocabulary=list(words), **options)
        elif self.chance(0.3) and mode == "tf_idf" and not options.get("pad_to_max_tokens"):
            words = layer.get_vocabulary(include_special_tokens=False)
            layer = L.TextVectorization(output_mode=mode, vocabulary=list(words), idf_weights=[float(i % 5) + 0.5 for i in range(len(words))], **options)
        length = options.get("output_sequence_length", 1 if options.get("split", "") is None else None)
        rows = [clean(self.text(1)) for _ in range(6)]
        # With multi_hot, Keras 3.5 gives -2^63 instead of zeros if all texts are empty.
        if (mode != "int" or length) and np.asarray(layer(tf.constant([[""]]))).min() >= 0:
            rows.append("")
        return layer, (1,), "string", len(layer.get_vocabulary()), length, rows

    def lookup_options(self, specials):
        mode = self.one_of("int", "int", "int", "multi_hot", "count", "tf_idf", "one_hot")
        options = self.some(0.4, mask_token=lambda: self.one_of(*specials)) | self.some(0.4, num_oov_indices=lambda: self.one_of(0, 2, 3, 5))
        if mode == "int":
            options.pop("mask_token", None) if self.chance(0.3) else None
        elif self.chance(0.2):
            options |= {"max_tokens": 14, "pad_to_max_tokens": True}
        return mode, options

    def string_lookup(self):
        mode, options = self.lookup_options(("", "[MASK]", "cat"))
        if KERAS3 and "oov_method" in L.StringLookup(vocabulary=["a"]).get_config():
            options |= self.some(0.3, salt=lambda: self.one_of(5, (3, 2**33)))
        known = list(dict.fromkeys(word for word in self.words(9, 3) if word != options.get("mask_token")))
        if mode == "tf_idf":
            options["idf_weights"] = [0.5 + i for i in range(len(known))]
            options.pop("pad_to_max_tokens", None)
        length = self.one_of(1, 1, 3, None)
        layer = L.StringLookup(vocabulary=known, output_mode=mode, **options)
        pool = (known if options.get("num_oov_indices") == 0 else WORDS) + ([options["mask_token"]] if options.get("mask_token") else [])
        rows = [[self.one_of(*pool) for _ in range(length or self.rng.integers(1, 5))] for _ in range(6)]
        return layer, (length,), "string", max(1, layer.vocabulary_size()), length, rows

    def integer_lookup(self):
        mode, options = self.lookup_options((0, -4, 8))
        if KERAS3 and "oov_method" in L.IntegerLookup(vocabulary=[1]).get_config() and self.chance(0.3):
            options |= {"oov_method": "farmhash"} | self.some(0.5, salt=lambda: self.one_of(5, (3, 2**33)))
        known = list(dict.fromkeys(int(self.one_of(*NUMBERS)) for _ in range(self.rng.integers(3, 9))))
        known = [n for n in known if n != options.get("mask_token") and n != -1]
        if mode == "tf_idf":
            options["idf_weights"] = [0.5 + i for i in range(len(known))]
            options.pop("pad_to_max_tokens", None)
        length = self.one_of(1, 3, 3, None)
        layer = L.IntegerLookup(vocabulary=known, output_mode=mode, **options)
        if mode != "tf_idf" and self.chance(0.3):
            layer = L.IntegerLookup(output_mode=mode, **options)
            layer.adapt(np.array(known))
        pool = (known if options.get("num_oov_indices") == 0 else NUMBERS) + ([options["mask_token"]] if "mask_token" in options else [])
        rows = [[int(self.one_of(*pool)) for _ in range(length or self.rng.integers(1, 5))] for _ in range(6)]
        return layer, (length,), "int64", max(1, layer.vocabulary_size()), length, rows

    def hashing(self):
        mode = self.one_of("int", "int", "multi_hot", "count", "one_hot")
        text = self.chance(0.5)
        length = 1 if mode == "one_hot" else self.one_of(1, 3, None)
        options = self.some(0.4, mask_value=("cat" if text else 5)) | self.some(0.4, salt=lambda: self.one_of(7, [2, 2**35 + 1]))
        bins = self.one_of(1, 4, 7)
        layer = L.Hashing(bins, output_mode=mode, **options)
        pool = WORDS if text else NUMBERS
        rows = [[self.one_of(*pool) for _ in range(length or self.rng.integers(1, 5))] for _ in range(6)]
        rows = rows if text else [[int(n) for n in row] for row in rows]
        return layer, (length,), "string" if text else "int64", bins, length, rows

    def category(self):
        mode = self.one_of("one_hot", "multi_hot", "count")
        length = self.one_of(1, 1, 4, None)
        layer = L.CategoryEncoding(6, output_mode=mode)
        rows = [[int(self.rng.integers(6)) for _ in range(length or self.rng.integers(1, 5))] for _ in range(6)]
        return layer, (length,), "int32", 6, length, rows

    def model(self):
        """The model, and its rows: of each input, by its name."""
        parts = [self.one_of(self.vectorization, self.vectorization, self.string_lookup, self.integer_lookup, self.hashing, self.category)()]
        if parts[0][2] != "string" and self.chance(0.3):
            parts.append(self.one_of(self.integer_lookup, self.category)())
        inputs, vectors, rows = [], [], {}
        for i, (layer, shape, dtype, size, length, given) in enumerate(parts):
            a = keras.Input(shape, dtype=dtype, name=f"in{i}")
            x = layer(a)
            inputs.append(a)
            rows[f"in{i}"] = given
            mode = layer.get_config().get("output_mode", "")
            if mode == "int" and self.chance(0.25):
                encode = self.one_of("multi_hot", "count")
                vectors.append(L.CategoryEncoding(size, output_mode=encode)(x))
            elif mode == "int":
                x = L.Embedding(size, 3, mask_zero=self.chance(0.5))(x)
                last = [lambda: L.GlobalAveragePooling1D(), lambda: L.GRU(3), lambda: L.GlobalMaxPooling1D()]
                last += [lambda: L.Flatten(), lambda: L.Conv1D(2, 2, padding="same")] if length else []
                x = self.one_of(*last)()(x)
                vectors.append(L.Flatten()(x) if len(x.shape) > 2 else x)
            else:
                vectors.append(L.GlobalMaxPooling1D()(x) if len(x.shape) > 2 else x)
        x = vectors[0] if len(vectors) == 1 else L.Concatenate()([L.Dense(2)(each) for each in vectors])
        if len(parts) == 1 and self.chance(0.2):
            return keras.Sequential([inputs[0], parts[0][0], *self.behind(parts[0])]), rows
        return keras.Model(inputs, L.Dense(3, activation=self.one_of("softmax", "tanh", None))(x)), rows

    def behind(self, part):
        layer, _, _, size, _, _ = part
        mode = layer.get_config().get("output_mode", "")
        if mode == "int":
            return [L.Embedding(size, 3), L.GlobalMaxPooling1D(), L.Dense(2)]
        return [L.Dense(2, activation="relu"), L.Dense(2)]


def given(rows, dtype):
    """One row for Keras: each row by itself, so that no padding of a batch is seen."""
    if dtype == "string":
        return tf.constant([rows if isinstance(rows, list) else [rows]])
    return tf.constant([rows], dtype)


def write(folder, name, rng, kind):
    keras.backend.clear_session()
    make_models.called.clear()
    model, rows = Maker(rng).model()
    make_models.fill(model, rng)
    weights = None
    if any(layer.get_config().get("vocabulary", 0) is None for layer in model.layers):
        kind = "keras"  # the other files have no vocabulary
    if kind == "json":
        file, weights = f"{name}.json", f"{name}.weights.h5"
        (folder / file).write_text(model.to_json(), encoding="utf8")
        model.save_weights(folder / weights)
    else:
        file = f"{name}.{kind}"
        model.save(folder / file)
    count = min(len(each) for each in rows.values())
    dtypes = [getattr(tensor.dtype, "name", tensor.dtype) for tensor in model.inputs]
    answers = []
    for b in range(count):
        feed = [given(each[b], dtype) for each, dtype in zip(rows.values(), dtypes)]
        answers.append(np.asarray(model(feed if len(feed) > 1 else feed[0], training=False), "float32")[0])
    values = np.stack(answers)
    if not np.isfinite(values).all() or np.abs(values).max() > 1e4:
        return None
    texts = {key: [" ".join(row) if isinstance(row, list) and isinstance(row[0], str) else row for row in each[:count]] for key, each in rows.items()}
    uses = {f"format {kind}", *make_models.called}
    make_models.features(json.loads(model.to_json()), uses)
    outputs = [{"shape": list(values.shape), "data": [float(f"{value:.7g}") for value in values.ravel()], "mask": None}]
    return {
        "name": name,
        "file": file,
        "weights": weights,
        "keras": keras.__version__,
        "layers": sorted(make_models.classes(model)),
        "uses": sorted(uses),
        "inputs": texts,
        "outputs": outputs,
    }


if __name__ == "__main__":
    make_models.main(write)
