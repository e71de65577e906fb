"""Makes random models with Keras and writes each as a file, with random inputs and what Keras answers.

    python make_models.py FOLDER N SEED

FOLDER gets N models, in turn NAME.keras, NAME.h5 and NAME.json with NAME.weights.h5, and cases.jsonl, a line each:

    name, file, weights   files of the model; weights: HDF5 of a JSON, else null
    layers                classes of its layers, for the report
    inputs                input name -> rows
    outputs               [{ shape, data, mask }]; mask: per step, 1 where it counts; null: all count
    keras                 version

Runs with Keras 3 (backend jax) and with Keras 2 of TensorFlow 2.15.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.simplefilter("ignore")
import keras  # noqa: E402
import numpy as np  # noqa: E402

L = keras.layers
KERAS3 = int(keras.__version__.split(".")[0]) >= 3
VOCABULARY, STEPS, FEATURES = 11, 6, 4


class Maker:
    """Random layers and graphs, all from one generator."""

    def __init__(self, rng):
        self.rng = rng
        self.length = None

    def one_of(self, *values):
        return values[self.rng.integers(len(values))]

    def chance(self, p):
        return self.rng.random() < p

    def units(self):
        return int(self.rng.integers(2, 6))

    def activation(self):
        return self.one_of(
            None, "relu", "tanh", "sigmoid", "softmax", "elu", "selu", "softplus", "softsign", "swish", "gelu", "exponential", "hard_sigmoid", "linear"
        )

    def name(self):
        """Mostly Keras's own; some that are legal and odd."""
        if self.chance(0.85):
            return {}
        self.count = getattr(self, "count", 0) + 1
        return {"name": self.one_of("Größe", "layer", "a b", "x-1", "Dense", "embedding", "model_weights", "0", "vars") + f"_{self.count}"}

    # Layers over sequences [B, T, D] -> [B, T, D'].

    def cell(self, **options):
        kind = self.one_of(L.SimpleRNN, L.GRU, L.LSTM)
        if kind is L.GRU and self.chance(0.3):
            options["reset_after"] = False
        if self.chance(0.2):
            options["activation"] = self.one_of("relu", "sigmoid", "tanh", "linear")
        if kind is not L.SimpleRNN and self.chance(0.2):
            options["recurrent_activation"] = self.one_of("hard_sigmoid", "tanh", "sigmoid")
        if self.chance(0.1):
            options["use_bias"] = False
        if self.chance(0.1):
            options["dropout"] = 0.3
        if self.length and self.chance(0.1):
            options["unroll"] = True
        return kind(self.units(), **options)

    def recurrent(self, sequences=True):
        options = {"return_sequences": sequences}
        if self.chance(0.15):
            options["go_backwards"] = True
        return self.cell(**options, **self.name())

    def bidirectional(self, sequences=True):
        merge = self.one_of("concat", "concat", "sum", "mul", "ave")
        return L.Bidirectional(self.cell(return_sequences=sequences), merge_mode=merge)

    def stacked(self, sequences=True):
        cells = [self.one_of(L.SimpleRNNCell, L.GRUCell, L.LSTMCell)(self.units()) for _ in range(self.one_of(1, 2))]
        return L.RNN(cells if len(cells) > 1 else cells[0], return_sequences=sequences)

    def convolution(self):
        padding = self.one_of("same", "causal", "valid")
        options = {"padding": padding, "activation": self.activation()}
        kind = self.one_of("conv", "conv", "depthwise", "separable")
        if kind == "depthwise":
            if padding == "causal":
                options["padding"] = "same"
            return L.DepthwiseConv1D(self.one_of(1, 2, 3), **options)
        if kind == "separable":
            return L.SeparableConv1D(self.units(), self.one_of(1, 2, 3), **options)
        if self.chance(0.2):
            options["dilation_rate"] = 2
        elif self.chance(0.2) and padding != "causal":
            options["strides"] = 2
        return L.Conv1D(self.units(), self.one_of(1, 2, 3), **options)

    def window(self):
        kind = self.one_of(L.MaxPooling1D, L.AveragePooling1D)
        return kind(2, strides=self.one_of(None, 1), padding=self.one_of("valid", "same"))

    def normalization(self):
        kinds = [lambda: L.LayerNormalization(), lambda: L.BatchNormalization(), lambda: L.UnitNormalization(), lambda: L.LayerNormalization(center=False)]
        if hasattr(L, "RMSNormalization"):
            kinds.append(lambda: L.RMSNormalization())
        kinds.append(lambda: L.GroupNormalization(groups=self.one_of(1, -1)))
        return self.one_of(*kinds)()

    def elementwise(self):
        return self.one_of(
            lambda: L.Activation(self.activation() or "linear"),
            lambda: L.ReLU(*self.one_of((), (0.7,))),
            lambda: L.LeakyReLU(0.2),
            lambda: L.ELU(0.5),
            lambda: L.PReLU(shared_axes=[1]),
            lambda: L.Dropout(0.4),
            lambda: L.SpatialDropout1D(0.4),
            lambda: L.GaussianNoise(0.2),
            lambda: L.GaussianDropout(0.2),
            lambda: L.Rescaling(0.5, 0.25),
            lambda: L.Identity(),
            lambda: L.Softmax(),
            lambda: L.ActivityRegularization(0.1),
            lambda: L.Masking(self.one_of(0.0, 0.5)),
            lambda: L.Dense(self.units(), activation=self.activation(), use_bias=self.chance(0.8), **self.name()),
            lambda: L.TimeDistributed(L.Dense(self.units(), activation=self.activation())),
        )()

    def over_steps(self):
        return self.one_of(
            self.recurrent, self.bidirectional, self.stacked, self.convolution, self.window, self.normalization, self.elementwise, self.elementwise
        )()

    def attention(self, x, y):
        if self.chance(0.4) and x.shape[-1] == y.shape[-1]:
            kind = self.one_of(L.Attention, L.AdditiveAttention)
            return kind(use_scale=self.chance(0.5))([x, y], **({"use_causal_mask": True} if self.chance(0.2) and x is y else {}))
        layer = L.MultiHeadAttention(self.one_of(1, 2), 2, use_bias=self.chance(0.7))
        return layer(x, y)

    def merge(self, xs):
        if all(x.shape == xs[0].shape for x in xs) and self.chance(0.8):
            kinds = [L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum] + ([L.Subtract] if len(xs) == 2 else [])
            return self.one_of(*kinds)()(xs)
        return L.Concatenate()(xs)

    # Models.

    def sequence(self, x, depth):
        """A few layers over a sequence, with residuals, attention and models inside."""
        for _ in range(self.rng.integers(0, 4)):
            before = x
            if self.chance(0.12):
                x = self.attention(x, x)
            elif depth == 0 and self.chance(0.12):
                x = self.inner(x)(x)
            else:
                x = self.over_steps()(x)
            if self.chance(0.15) and x.shape[1] == before.shape[1]:
                x = self.merge([before, x])
            if x.shape[1] is not None and x.shape[1] < 2:
                break
        return x

    def inner(self, x):
        """A model to use as a layer: Functional, of one or more layers, or Sequential."""
        shape = tuple(x.shape[1:])
        if self.chance(0.4):
            return keras.Sequential([keras.Input(shape), *[self.elementwise() for _ in range(self.one_of(1, 2))]])
        a = keras.Input(shape)
        return keras.Model(a, self.sequence(a, 1) if self.chance(0.5) else self.elementwise()(a))

    def to_vector(self, x):
        choices = [
            lambda: self.recurrent(False)(x),
            lambda: self.bidirectional(False)(x),
            lambda: self.stacked(False)(x),
            lambda: L.GlobalAveragePooling1D()(x),
            lambda: L.GlobalMaxPooling1D()(x),
        ]
        if x.shape[1] is not None:
            order = self.one_of({}, {}, {"data_format": "channels_first"})
            choices += [lambda: L.Flatten(**order)(x), lambda: L.Reshape((-1,))(x)]
        return self.one_of(*choices)()

    def vectors(self, x):
        for _ in range(self.rng.integers(0, 3)):
            kind = self.one_of("dense", "norm", "element", "inner")
            if kind == "dense":
                x = L.Dense(self.units(), activation=self.activation(), **self.name())(x)
            elif kind == "norm":
                x = self.one_of(L.LayerNormalization, L.BatchNormalization)()(x)
            elif kind == "element":
                x = self.one_of(L.Dropout(0.2), L.ReLU(), L.Activation("tanh"), L.LeakyReLU())(x)
            else:
                a = keras.Input(tuple(x.shape[1:]))
                x = keras.Model(a, L.Dense(self.units())(a))(x)
        return x

    def text(self, name):
        ids = keras.Input((self.length,), dtype="int32", name=name)
        return ids, L.Embedding(VOCABULARY, FEATURES, mask_zero=self.chance(0.7), **self.name())(ids)

    def numbers(self, name):
        x = keras.Input((self.length, FEATURES), name=name)
        return x, L.Masking()(x) if self.chance(0.6) else x

    def model(self):
        self.length = self.one_of(None, STEPS)
        start = self.text if self.chance(0.8) else self.numbers
        kind = self.one_of("chain", "chain", "graph", "graph", "two", "shared", "wrapped")
        a, x = start("a")
        if kind == "chain":
            x = self.sequence(x, 0)
            return keras.Model(a, self.vectors(self.to_vector(x)) if self.chance(0.7) else x)
        if kind == "graph":
            x = self.sequence(x, 0)
            branches = [self.vectors(self.to_vector(x)) for _ in range(2)]
            outputs = self.one_of([self.merge(branches)], branches, [branches[0], x])
            return keras.Model(a, outputs if len(outputs) > 1 else outputs[0])
        b, y = start("b")
        if kind == "two":
            x, y = self.sequence(x, 0), self.sequence(y, 0)
            return keras.Model([a, b], self.vectors(self.merge([self.to_vector(x), self.to_vector(y)])))
        layer = self.recurrent(False) if self.chance(0.5) else self.inner(x)
        first, second = layer(x), layer(y)
        if kind == "wrapped":
            return keras.Model([a, b], self.one_of([first, second], [second, first], [second]))
        if len(first.shape) > 2:
            first, second = L.GlobalMaxPooling1D()(first), L.GlobalMaxPooling1D()(second)
        return keras.Model([a, b], [self.merge([first, second]), first] if self.chance(0.5) else self.merge([first, second]))


def fill(model, rng):
    for variable in model.weights:
        if "seed_generator" in getattr(variable, "path", variable.name):
            continue
        shape = tuple(variable.shape)
        low = any(word in variable.name for word in ("variance", "gamma", "scale"))
        variable.assign((rng.uniform(0.5, 1.5, shape) if low else rng.standard_normal(shape) * 0.5).astype("float32"))


def rows_of(tensor, rng):
    if "int" in str(tensor.dtype):
        x = rng.integers(1, VOCABULARY, (4, STEPS))
        x[1, 3:] = 0
        x[2, :2] = 0
        x[3, [1, 4]] = 0
        return x
    x = rng.standard_normal((4, STEPS, FEATURES)).round(3)
    x[1, 4:] = 0
    x[2, 0] = 0
    return x


def mask_of(y):
    if KERAS3:
        from keras.src.backend import get_keras_mask

        return get_keras_mask(y)
    return getattr(y, "_keras_mask", None)


def classes(layer):
    found = {type(layer).__name__}
    for inner in getattr(layer, "layers", []) or []:
        found |= classes(inner)
    for name in ("layer", "forward_layer", "cell"):
        if getattr(layer, name, None) is not None:
            found |= classes(getattr(layer, name))
    return found


def write(folder, name, rng, kind):
    keras.backend.clear_session()
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
    for each in y if isinstance(y, (list, tuple)) else [y]:
        mask = mask_of(each)
        values = np.asarray(each, "float32")
        if not np.isfinite(values).all() or np.abs(values).max() > 1e4:
            return None
        outputs.append(
            {"shape": list(values.shape), "data": values.ravel().tolist(), "mask": None if mask is None else np.asarray(mask).astype(int).ravel().tolist()}
        )
    return {
        "name": name,
        "file": file,
        "weights": weights,
        "keras": keras.__version__,
        "layers": sorted(classes(model)),
        "inputs": {key: x.tolist() for key, x in inputs.items()},
        "outputs": outputs,
    }


def main():
    folder, n, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    skipped = {}
    with open(folder / "cases.jsonl", "w", encoding="utf8") as out:
        for i in range(n):
            rng = np.random.default_rng([seed, i])
            try:
                case = write(folder, f"model-{seed}-{i}", rng, ("keras", "h5", "json")[i % 3])
            except Exception as error:  # Keras itself cannot make, save or run it
                reason = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
                skipped[reason] = skipped.get(reason, 0) + 1
                continue
            if case:
                print(json.dumps(case), file=out, flush=True)
    for reason, count in sorted(skipped.items(), key=lambda pair: -pair[1])[:10]:
        print(f"{count} left out by Keras {keras.__version__}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
