"""Makes random models with Keras and writes each as a file, with random inputs and Keras's answers.

    python make_models.py FOLDER N SEED [FIRST]

FOLDER gets N models, numbers FIRST (default 0) and following of SEED, in turn NAME.keras, NAME.h5 and NAME.json with NAME.weights.h5, and a line
each at the end of cases.jsonl:

    name, file, weights   files of the model; weights: HDF5 of a JSON, else null
    layers                classes of its layers, for the report
    uses                  what is in it: layers with their options, with and without masks (see `features`)
    inputs                input name -> rows
    outputs               [{ shape, data, mask }]; mask: per step, 1 where it counts; null: all count
    keras                 version

Runs with Keras 3 (backend jax, unless KERAS_BACKEND says otherwise) and with Keras 2 of TensorFlow 2.15. With numpy, Keras 3.15 is several times as fast,
and its SpectralNormalization ends masks there, other than on jax; Keras 3.5 loses all masks there, and on torch it pools padded sequences otherwise than on jax and TensorFlow.
"""

import json
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import keras  # noqa: E402
import numpy as np  # noqa: E402
from random_layers import KERAS3, L  # noqa: E402
from random_operations import operation  # noqa: E402
from random_rare import RareLayers  # noqa: E402

VOCABULARY, STEPS, FEATURES, ROWS = 11, 6, 4, 4


class Maker(RareLayers):
    """Random graphs."""

    def attention(self, x, y):
        causal = {"use_causal_mask": True} if self.chance(0.2) and x is y else {}
        if self.chance(0.5) and x.shape[-1] == y.shape[-1]:
            if self.chance(0.5):
                return L.AdditiveAttention(use_scale=self.chance(0.5))([x, y], **causal)
            layer = L.Attention(**self.some(0.4, use_scale=True, score_mode="concat", dropout=0.2))
            return layer([x, y] if self.chance(0.7) else [x, y, y], **causal)
        if hasattr(L, "GroupQueryAttention") and self.chance(0.3):
            heads = self.one_of((2, 1), (2, 2), (4, 2))
            return L.GroupQueryAttention(2, *heads, **self.some(0.3, use_bias=False, dropout=0.1))(x, y, **causal)
        options = self.some(0.3, use_bias=False, value_dim=3, output_shape=lambda: self.units(), dropout=0.1)
        return L.MultiHeadAttention(self.one_of(1, 2), 2, **options)(x, y, **causal, **({"key": y} if self.chance(0.2) else {}))

    def merge(self, xs):
        if all(x.shape == xs[0].shape for x in xs) and self.chance(0.8):
            kinds = [L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum] + ([L.Subtract] if len(xs) == 2 else [])
            return self.one_of(*kinds)()(xs)
        if len(xs) == 2 and len(xs[0].shape) == 2 and xs[0].shape[-1] == xs[1].shape[-1] and self.chance(0.5):
            return L.Dot(axes=self.one_of(1, -1), normalize=self.chance(0.5))(xs)
        return L.Concatenate(axis=self.one_of(-1, -1, len(xs[0].shape) - 1))(xs)

    def two_sequences(self, x, y):
        """One result of two sequences."""
        kind = self.one_of("attention", "time", "merge", "dot")
        if kind == "attention":
            return self.attention(x, y)
        if kind == "time" and x.shape[-1] == y.shape[-1]:
            return L.Concatenate(axis=1)([x, y])
        if kind == "dot" and x.shape[1] is not None and y.shape[1] is not None and x.shape[-1] == y.shape[-1]:
            return L.Dot(axes=2, normalize=self.chance(0.3))([x, y])
        return self.merge([x, y]) if x.shape[1] == y.shape[1] else L.GlobalMaxPooling1D()(x)

    def sequence(self, x, depth, most=4):
        """A few layers over a sequence, with residuals, attention and models inside."""
        for _ in range(self.rng.integers(0, most)):
            before = x
            kind = self.rng.random()
            if self.is_rare():
                x = self.rare(x)
            elif kind < 0.1:
                x = self.attention(x, x)
            elif kind < 0.2 and depth < 2:
                x = self.inner(x, depth)(x)
            elif kind < 0.26:
                x = operation(self, x)
            elif kind < 0.28:
                x = self.halve()(x)
            elif kind < 0.3:
                both = self.bidirectional(True)
                both.merge_mode = None
                x = self.merge(list(both(x)))
            else:
                x = self.over_steps(x.shape[-1])(x)
            if self.chance(0.15) and x.shape[1] == before.shape[1]:
                x = self.merge([before, x] if self.chance(0.8) else [before, x, x])
            if x.shape[1] is not None and x.shape[1] < 3:
                break
        return x

    def inner(self, x, depth=0):
        """A model to use as a layer: Functional, of one or more layers, or Sequential."""
        shape = tuple(x.shape[1:])
        batch = {"batch_size": ROWS} if self.stateful else {}
        if self.chance(0.4):
            layers = [self.one_of(self.each_step, self.idle, self.parametric, self.normalization)() for _ in range(self.one_of(1, 2))]
            return keras.Sequential([keras.Input(shape, **batch), *layers], **self.name())
        a = keras.Input(shape, **batch)
        y = self.sequence(a, depth + 1, 3) if self.chance(0.6) else self.each_step()(a)
        if self.chance(0.15) and y is not a:
            y = self.merge([y, y])
        return keras.Model(a, L.Identity()(y) if y is a else y, **self.name())

    def encoder_decoder(self, x, y):
        """A recurrent layer that starts with the final states of another."""
        kind = self.one_of(L.SimpleRNN, L.GRU, L.LSTM)
        units = self.units()
        sequences = self.chance(0.5)
        if self.chance(0.3):
            encoded, *states = L.Bidirectional(kind(units, return_state=True))(x)
            return L.Bidirectional(kind(units, return_sequences=sequences))(y, initial_state=states)
        encoded, *states = kind(units, return_state=True, **self.layer_options(0.1))(x)
        return kind(units, return_sequences=sequences)(y, initial_state=states)

    def to_vector(self, x):
        keep = self.some(0.2, keepdims=True)
        choices = [
            lambda: self.recurrent(False)(x),
            lambda: self.bidirectional(False)(x),
            lambda: self.of_cells(False)(x),
            lambda: L.GlobalAveragePooling1D()(x),
            lambda: L.GlobalMaxPooling1D()(x),
            lambda: L.Flatten()(self.one_of(L.GlobalAveragePooling1D, L.GlobalMaxPooling1D)(**keep)(x)),
            lambda: x[:, self.one_of(0, -1)],
        ]
        if x.shape[1] is not None:
            order = self.one_of({}, {}, {"data_format": "channels_first"})
            choices += [lambda: L.Flatten(**order)(x), lambda: L.Reshape((-1,))(x), lambda: L.Flatten()(L.Permute((2, 1))(x))]
        return self.one_of(*choices)()

    def vectors(self, x):
        for _ in range(self.rng.integers(0, 3)):
            if self.chance(0.15):
                a = keras.Input(tuple(x.shape[1:]))
                x = keras.Model(a, L.Dense(self.units())(a))(x)
            elif self.chance(0.1):
                x = self.one_of(L.GlobalAveragePooling1D, L.GlobalMaxPooling1D)()(L.RepeatVector(self.one_of(1, 2))(x))
            else:
                x = self.on_vectors()(x)
        return x

    def input(self, shape, **options):
        return keras.Input(batch_shape=(ROWS, *shape), **options) if self.stateful else keras.Input(shape, **options)

    def text(self, name):
        ids = self.input((self.length,), dtype="int32", name=name)
        if hasattr(L, "ReversibleEmbedding") and self.chance(0.2) and self.is_rare():
            return ids, self.table(ids, VOCABULARY, FEATURES)
        x = L.Embedding(VOCABULARY, FEATURES, mask_zero=self.chance(0.7), **self.name())(ids)
        if self.chance(0.1):
            x = self.merge([x, L.Embedding(VOCABULARY, FEATURES, mask_zero=self.chance(0.3))(ids)])
        return ids, x

    def numbers(self, name):
        if self.is_rare() and not self.stateful:
            return self.bins(name, FEATURES)
        x = self.input((self.length, FEATURES), name=name)
        return x, L.Masking(mask_value=self.one_of(0.0, 0.0, 0.5))(x) if self.chance(0.6) else x

    def words(self, name):
        """Values [B, T, C, D], or ids [B, T, C], with layers inside TimeDistributed: one vector for each step."""
        if self.chance(0.6):
            a = self.input((self.length, 3), dtype="int32", name=name)
            x = L.TimeDistributed(L.Embedding(VOCABULARY, FEATURES, mask_zero=self.chance(0.6)))(a)
        else:
            a = x = self.input((self.length, 3, FEATURES), name=name)
        if self.chance(0.3):
            x = L.TimeDistributed(self.one_of(lambda: self.conv(FEATURES), lambda: self.recurrent(True), self.idle, self.each_step)())(x)
        last = [
            lambda: self.recurrent(False),
            lambda: self.bidirectional(False),
            L.GlobalMaxPooling1D,
            L.GlobalAveragePooling1D,
            L.Flatten,
        ]
        return a, L.TimeDistributed(self.one_of(*last)())(x)

    def single(self, kind, a, x):
        """A model with one input."""
        if kind == "sequential":
            return keras.Sequential([a, *[self.over_steps(FEATURES) for _ in range(self.one_of(1, 2, 3))]])
        x = self.sequence(x, 0)
        if kind == "scores":
            layer = self.one_of(L.Attention, L.AdditiveAttention)()
            return keras.Model(a, list(layer([x, x], return_attention_scores=True)))
        if kind == "states":
            return keras.Model(a, list(self.recurrent(self.chance(0.5), return_state=True)(x)))
        if kind == "chain":
            return keras.Model(a, self.vectors(self.to_vector(x)) if self.chance(0.7) else x)
        branches = [self.vectors(self.to_vector(x)) for _ in range(2)]
        outputs = self.one_of([self.merge(branches)], branches, [branches[0], x])
        return keras.Model(a, outputs if len(outputs) > 1 else outputs[0])

    def model(self):
        self.length = self.one_of(None, STEPS)
        self.stateful = self.chance(0.08)
        start = self.one_of(self.text, self.text, self.text, self.numbers)
        kind = self.one_of("chain", "chain", "chain", "graph", "graph", "two", "shared", "wrapped", "decoder", "words", "sequential", "plain", "scores", "states")
        if kind == "words":
            self.stateful = False
            return self.single(self.one_of("chain", "graph"), *self.words("words"))
        if kind == "plain":
            a = keras.Input((FEATURES,), name="a")
            return keras.Model(a, L.Identity()(self.vectors(self.vectors(a))))
        if kind == "sequential":
            start = self.numbers
        a, x = start("a")
        if kind in ("chain", "graph", "sequential", "scores", "states"):
            return self.single(kind, a, x)
        b, y = start("b")
        if kind == "decoder":
            return keras.Model([a, b], self.encoder_decoder(x, y))
        if kind == "two":
            x, y = self.sequence(x, 0), self.sequence(y, 0)
            if self.chance(0.4):
                return keras.Model([a, b], self.two_sequences(x, y))
            return keras.Model([a, b], self.vectors(self.merge([self.to_vector(x), self.to_vector(y)])))
        layer = self.recurrent(False) if self.chance(0.5) else self.inner(x)
        first, second = layer(x), layer(y)
        if kind == "wrapped":
            return keras.Model([a, b], self.one_of([first, second], [second, first], [second]))
        if len(first.shape) > 2:
            first, second = L.GlobalMaxPooling1D()(first), L.GlobalMaxPooling1D()(second)
        return keras.Model([a, b], [self.merge([first, second]), first] if self.chance(0.5) else self.merge([first, second]))


def fill(model, rng):
    """Multiples of 1/32, which take little room in an archive."""
    # Keras 2 lists the vocabularies and weights of lookups, too.
    for variable in model.weights:
        if not hasattr(variable, "name") or variable.name.startswith("Variable"):
            continue
        if "seed_generator" in getattr(variable, "path", variable.name) or variable.dtype != "float32":
            continue
        shape = tuple(variable.shape)
        low = any(word in variable.name for word in ("variance", "gamma", "scale"))
        values = rng.uniform(0.5, 1.5, shape) if low else rng.standard_normal(shape) * 0.5
        variable.assign((np.round(values * 32) / 32).astype("float32"))


def rows_of(tensor, rng):
    shape = [STEPS if size is None else size for size in tensor.shape[1:]]
    if "int" in str(tensor.dtype):
        x = rng.integers(1, VOCABULARY, (ROWS, *shape))
        if len(shape) == 2:  # words of characters: short words, words without characters
            x[:, 1, 2:] = 0
            x[1, 0, :1] = 0
            x[2, 2] = 0
            if rng.random() < 0.5:  # a text of padding only
                x[3] = 0
        x[1, 3:] = 0
        x[2, :2] = 0
        if rng.random() < 0.7:
            x[3, [1, 4]] = 0
        return x
    x = (rng.standard_normal((ROWS, *shape)) * 16).round() / 16
    if len(shape) > 1:
        x[1, 4:] = 0
        x[2, 0] = padding_value(rng)
    return x


def padding_value(rng):
    """The value of steps at padding: Masking's default or another."""
    return 0.0 if rng.random() < 0.7 else 0.5


def mask_of(y):
    try:
        from keras.src.backend import get_keras_mask

        return get_keras_mask(y)
    except ImportError:
        return getattr(y, "_keras_mask", None)


def mask_in_graph(model, i, feed):
    """The mask that output i has in the graph. MultiHeadAttention of Keras 3 removes the mask of its inputs when it runs, so a residual sum carries none."""
    tensor = mask_of(model.outputs[i])
    return None if tensor is None else keras.Model(model.inputs, tensor)(feed)


def classes(layer):
    found = {type(layer).__name__}
    for inner in getattr(layer, "layers", []) or []:
        found |= classes(inner)
    for name in ("layer", "forward_layer", "cell"):
        if getattr(layer, name, None) is not None:
            found |= classes(getattr(layer, name))
    return found


#: Options that do not change how a layer computes its output from its weights.
IGNORED = {"name", "dtype", "trainable", "module", "registered_name", "batch_input_shape", "batch_shape", "build_config", "layers"}


def features(json_of_layer, found, inside=""):
    """The features of a model: "Class", "Class option=value" and "Class in Class", for all layers at all depths."""
    kind, config = json_of_layer.get("class_name"), json_of_layer.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict):
        return
    found |= {kind, f"{kind} in {inside}"}
    for node in json_of_layer.get("inbound_nodes") or []:
        found |= {f"{kind} called with {key}" for key in (node.get("kwargs", {}) if isinstance(node, dict) else {})}
    if len(json_of_layer.get("inbound_nodes") or []) > 1:
        found.add(f"{kind} shared")
    for option, value in config.items():
        if option in IGNORED or option.endswith(("_initializer", "_regularizer", "_constraint", "seed")):
            continue
        if kind == "__lambda__":
            found.add("Lambda of a lambda")
        elif isinstance(value, (bool, str)) or value is None:
            found.add(f"{kind} {option}={value}")
        elif isinstance(value, (int, float)):
            found.add(f"{kind} {option}={value if value in (0, 1, -1) else 'number'}")
        elif isinstance(value, dict):
            found.add(f"{kind} {option}={value.get('class_name')} {value['config'] if isinstance(value.get('config'), str) else ''}")
        else:
            found.add(f"{kind} {option} is a list")
    for value in config.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and "class_name" in each:
                features(each, found, kind)


#: "Class masked" and "Class unmasked" of each layer that was called.
called = set()


def note_masks():
    """Notes for each call of a layer whether its input has a mask."""
    call = keras.layers.Layer.__call__

    def noted(self, *args, **kwargs):
        first = args[0][0] if args and isinstance(args[0], (list, tuple)) and args[0] else args[0] if args else None
        if first is not None and hasattr(first, "shape"):
            called.add(f"{type(self).__name__} {'un' if mask_of(first) is None else ''}masked")
        return call(self, *args, **kwargs)

    keras.layers.Layer.__call__ = noted


def write(folder, name, rng, kind):
    keras.backend.clear_session()
    called.clear()
    model = Maker(rng).model()
    fill(model, rng)
    weights = None
    if kind == "json":
        file, weights = f"{name}.json", f"{name}.weights.h5"
        (folder / file).write_text(model.to_json(), encoding="utf8")
        model.save_weights(folder / weights)
    else:
        file = f"{name}.{kind}"
        model.save(folder / file)
    inputs = {tensor.name.split(":")[0]: rows_of(tensor, rng) for tensor in model.inputs}
    feed = [x.astype("int32" if x.dtype.kind == "i" else "float32") for x in inputs.values()]
    y = model(feed if len(feed) > 1 else feed[0], training=False)
    outputs = []
    for i, each in enumerate(y if isinstance(y, (list, tuple)) else [y]):
        mask = mask_of(each)
        if mask is None:
            mask = mask_in_graph(model, i, feed)
        values = np.asarray(each.detach() if hasattr(each, "detach") else each, "float32")
        if not np.isfinite(values).all() or np.abs(values).max() > 1e4:
            return None
        outputs.append(
            {
                "shape": list(values.shape),
                "data": [float(f"{value:.7g}") for value in values.ravel()],
                "mask": None if mask is None else np.asarray(mask).astype(int).ravel().tolist(),
            }
        )
    uses = {f"format {kind}", f"{len(outputs)} outputs", f"{len(inputs)} inputs", f"masked output {outputs[0]['mask'] is not None}"} | called
    features(json.loads(model.to_json()), uses)
    return {
        "name": name,
        "file": file,
        "weights": weights,
        "keras": keras.__version__,
        "layers": sorted(classes(model)),
        "uses": sorted(uses),
        "inputs": {key: x.tolist() for key, x in inputs.items()},
        "outputs": outputs,
    }


def main(write=write):
    folder, n, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    folder.mkdir(parents=True, exist_ok=True)
    note_masks()
    skipped = {}
    with open(folder / "cases.jsonl", "a", encoding="utf8") as out:
        for i in range(first, first + n):
            rng = np.random.default_rng([seed, i])
            try:
                case = write(folder, f"{Path(sys.argv[0]).stem[5:-1]}-{seed}-{i}", rng, ("keras", "h5", "json")[i % 3])
            except Exception as error:  # Keras itself cannot make, save or run it
                reason = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
                skipped[reason] = skipped.get(reason, 0) + 1
                continue
            if case:
                print(json.dumps(case), file=out, flush=True)
    for reason, count in sorted(skipped.items(), key=lambda pair: -pair[1])[:12]:
        print(f"{count} left out by Keras {keras.__version__}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
