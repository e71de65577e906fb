"""Writes NAME.safetensors, small Sequential models with random weights, and goldens.json, Keras's answers to rows of ids.

    pip install -r requirements.txt && KERAS_BACKEND=jax python make_goldens.py

Only the steps that count are compared. At a masked step, a recurrent layer of Keras repeats its last output, or gives zeros inside
Bidirectional, and the mean over no step is NaN; padless gives zeros there.
GlobalMaxPooling1D and Softmax after a mask are left out, because Keras ignores the mask there, and so is go_backwards with sequences
and a mask, because Keras reverses the outputs and not the mask.
"""

import base64
import itertools
import json
import os
import sys
import zlib
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers, ops  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

HERE = Path(__file__).resolve().parent
SEED = 20240229
V = 11
# For mask_zero: no padding, padding at the end, at the front, in the middle, one step, no step.
MASKED = [
    [3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 0, 0, 0], [0, 0, 0, 7, 9, 3, 2, 10], [0, 8, 0, 0, 4, 6, 0, 2],
    [0, 0, 0, 10, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0, 0, 0],
]  # fmt: skip
# Without mask_zero, 0 is an id like any other.
UNMASKED = [[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 0, 8, 9, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]]

ACTIVATIONS = [
    "linear", "tanh", "sigmoid", "relu", "hard_sigmoid", "softsign", "elu", "selu", "softplus", "silu", "gelu", "exponential",
    "softmax", "log_softmax", "relu6", "leaky_relu", "mish", "hard_silu",
]  # fmt: skip


class OverTime(layers.Layer):
    """A layer of padless, written in Keras. keep [B, T, 1]: which steps count; without a mask, all."""

    def call(self, x, mask=None):
        keep = ops.ones_like(x[:, :, :1], dtype="bool") if mask is None else ops.expand_dims(mask, 2)
        some = ops.any(keep, axis=1)
        return self.over_time(x, keep, some)

    def compute_mask(self, inputs, previous_mask=None):
        return None


def padless(cls):
    return keras.saving.register_keras_serializable("padless")(cls)


@padless
class MaskedSum(OverTime):
    def over_time(self, x, keep, some):
        return ops.sum(ops.where(keep, x, 0.0), axis=1)


@padless
class MaskedMean(OverTime):
    def over_time(self, x, keep, some):
        return ops.sum(ops.where(keep, x, 0.0), axis=1) / ops.maximum(ops.sum(ops.cast(keep, x.dtype), axis=1), 1.0)


@padless
class MaskedMax(OverTime):
    def over_time(self, x, keep, some):
        return ops.where(some, ops.max(ops.where(keep, x, -np.inf), axis=1), 0.0)


@padless
class MaskedMin(OverTime):
    def over_time(self, x, keep, some):
        return ops.where(some, ops.min(ops.where(keep, x, np.inf), axis=1), 0.0)


@padless
class FirstStep(OverTime):
    def over_time(self, x, keep, some):
        first = ops.argmax(ops.cast(keep, "int32"), axis=1, keepdims=True)
        return ops.where(some, ops.take_along_axis(x, first, axis=1)[:, 0], 0.0)


@padless
class LastStep(OverTime):
    def over_time(self, x, keep, some):
        last = x.shape[1] - 1 - ops.argmax(ops.cast(ops.flip(keep, axis=1), "int32"), axis=1, keepdims=True)
        return ops.where(some, ops.take_along_axis(x, last, axis=1)[:, 0], 0.0)


@padless
class MaskedSoftmax(OverTime):
    def over_time(self, x, keep, some):
        e = ops.where(keep, ops.exp(x - ops.max(ops.where(keep, x, -1e30), axis=1, keepdims=True)), 0.0)
        return ops.where(keep, e / ops.maximum(ops.sum(e, axis=1, keepdims=True), 1e-30), 0.0)

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask


def models():
    """name -> (mask_zero, D, layers after the embedding)"""
    D, B = layers.Dense, layers.Bidirectional
    rnn, gru, lstm = layers.SimpleRNN, layers.GRU, layers.LSTM

    # Each activation in a cell, as a gate, as a layer and in a Dense. Each kind of cell has a third of them as its activation.
    for i, act in enumerate(ACTIVATIONS):
        gate = {"recurrent_activation": ACTIVATIONS[(i + 7) % len(ACTIVATIONS)]}
        cell = [rnn(5, activation=act, return_sequences=True), gru(5, activation=act, return_sequences=True, **gate),
                lstm(5, activation=act, return_sequences=True, **gate)][i % 3]  # fmt: skip
        yield f"activation-{act}", True, 6, [cell, D(6), layers.Activation(act), D(4, activation=act)]
    for i, act in enumerate(ACTIVATIONS):
        if i % 3 == 1:  # those that were no gate yet, as SimpleRNN has none
            yield f"gate-{act}", True, 6, [gru(3, recurrent_activation=act, reset_after=False, return_sequences=True)]

    yield "simple-rnn-sequences-no-bias", True, 6, [rnn(8, return_sequences=True, use_bias=False)]
    yield "simple-rnn-last", True, 3, [rnn(1)]
    yield "gru-sequences", True, 16, [gru(32, return_sequences=True)]
    yield "gru-last-no-bias", True, 5, [gru(13, use_bias=False)]
    yield "gru-reset-before-sequences", True, 5, [gru(13, reset_after=False, return_sequences=True)]
    yield "gru-reset-before-last-no-bias", True, 6, [gru(8, reset_after=False, use_bias=False)]
    yield "lstm-sequences", True, 16, [lstm(32, return_sequences=True)]
    yield "lstm-last-no-bias", True, 1, [lstm(13, use_bias=False)]
    for name, cell in ("simple-rnn", rnn), ("gru", gru), ("lstm", lstm):
        yield f"{name}-go-backwards-last", True, 6, [cell(5, go_backwards=True)]
        yield f"{name}-go-backwards-sequences-unmasked", False, 6, [cell(5, go_backwards=True, return_sequences=True)]
        yield f"{name}-unmasked", False, 6, [cell(5, return_sequences=True), cell(3)]
    yield "lstm-stack", True, 6, [lstm(8, return_sequences=True), layers.Dropout(0.5), lstm(5), D(3), layers.Softmax()]

    cells = itertools.cycle([(lstm, {}), (gru, {}), (rnn, {}), (gru, {"reset_after": False}), (lstm, {"use_bias": False})])
    for merge in "concat", "sum", "mul", "ave":
        for sequences in True, False:
            cell, options = next(cells)
            wrapped = B(cell(5, return_sequences=sequences, **options), merge_mode=merge)
            yield f"bidirectional-{merge}-{'sequences' if sequences else 'last'}", True, 6, [wrapped]
    yield "bidirectional-unmasked", False, 6, [B(lstm(8, return_sequences=True)), D(3, activation="softmax")]
    yield "bidirectional-unmasked-last", False, 6, [B(gru(8)), D(3, activation="softmax")]
    yield "bidirectional-two-classes", True, 6, [
        B(lstm(5, return_sequences=True), backward_layer=gru(5, go_backwards=True, return_sequences=True)), D(4, "softmax"),
    ]  # fmt: skip
    # At the end of a model, because Keras builds later layers for twice the forward units.
    yield "bidirectional-two-sizes", True, 6, [
        B(lstm(5, return_sequences=True), backward_layer=gru(8, go_backwards=True, return_sequences=True)),
    ]
    yield "bidirectional-two-classes-sum", True, 6, [
        B(gru(5, reset_after=False), backward_layer=rnn(5, go_backwards=True, activation="softsign"), merge_mode="sum"),
    ]
    yield "bidirectional-stack-lstm", True, 8, [
        layers.SpatialDropout1D(0.2), B(lstm(13, return_sequences=True)),
        layers.Dropout(0.1), B(lstm(8, return_sequences=True)), D(5, activation="softmax"),
    ]  # fmt: skip
    yield "bidirectional-stack-gru-last", True, 8, [B(gru(13, return_sequences=True), "sum"), B(gru(8)), D(1, activation="sigmoid")]
    yield "bidirectional-wide", True, 16, [B(gru(32, return_sequences=True)), layers.GlobalAveragePooling1D(), D(7, "softmax")]

    yield "mean", True, 6, [layers.GlobalAveragePooling1D()]
    yield "mean-unmasked", False, 6, [layers.GlobalAveragePooling1D(), D(3)]
    yield "max-unmasked", False, 6, [layers.GlobalMaxPooling1D(), D(5), layers.ReLU(), D(3), layers.Softmax()]
    yield "dense-on-sequences", True, 6, [D(13, activation="relu"), D(3, use_bias=False)]
    for cls in MaskedSum, MaskedMean, MaskedMax, MaskedMin, FirstStep, LastStep:
        yield f"padless-{cls.__name__}", True, 6, [B(gru(5, return_sequences=True)), cls(), D(3)]
        yield f"padless-{cls.__name__}-unmasked", False, 6, [cls()]
    yield "padless-MaskedSoftmax", True, 6, [D(5), MaskedSoftmax(), lstm(3)]
    yield "padless-MaskedSoftmax-unmasked", False, 6, [D(5), MaskedSoftmax()]


def weights_of(layer, path):
    """path -> variable; the variables of a recurrent layer are those of its cell, which is not in the path."""
    if isinstance(layer, layers.Bidirectional):
        yield from weights_of(layer.forward_layer, f"{path}.forward_layer")
        yield from weights_of(layer.backward_layer, f"{path}.backward_layer")
    else:
        for variable in layer.weights:
            if variable.name != "seed_generator_state":
                yield f"{path}.{variable.name}", variable


def golden(name, mask_zero, width, behind):
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    embedding = layers.Embedding(V, width, mask_zero=mask_zero, name="embedding")
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embedding, *behind], name=name.replace("-", "_"))
    tensors = {}
    # Repeated exp overflows, and so does a state if a gate is below -1.
    gain = 0.3 if any(act in model.to_json() for act in ("exponential", "log_softmax")) else 1.0
    for layer in model.layers:
        for path, variable in weights_of(layer, layer.name):
            # Glorot's scale, and biases other than zero. Embeddings have scale 1.
            scale = 1.0 if layer is embedding else 0.3 if variable.name == "bias" else np.sqrt(2 / sum(variable.shape[-2:]))
            tensors[path] = (gain * scale * rng.standard_normal(variable.shape)).astype(np.float32)
            variable.assign(tensors[path])
    ids = np.array(MASKED if mask_zero else UNMASKED, np.int32)
    output = np.array(model(ids, training=False))
    assert output.dtype == np.float32
    counted = ids != 0 if mask_zero else np.ones_like(ids, bool)
    note = None
    if output.ndim == 3:
        output[~counted] = 0
    elif np.isnan(output[~counted.any(axis=1)]).any():
        # For a mean over no steps, Keras divides 0 by 0, and padless gives zeros. If other layers follow, such rows are left out.
        empty = ~counted.any(axis=1)
        if isinstance(behind[-1], layers.GlobalAveragePooling1D):
            output[empty] = 0
            note = "Keras gives NaN for the row without a step; zeros here, as padless promises"
        else:
            ids, output = ids[~empty], output[~empty]
            note = "Keras gives NaN for a row without a step; left out"
    assert np.isfinite(output).all() and np.abs(output).max() < 1e4, name
    last = behind[-1]
    activation = getattr(last, "activation", None)
    probabilities = isinstance(last, layers.Softmax) or (
        isinstance(last, layers.Dense) and activation in (keras.activations.softmax, keras.activations.sigmoid)
    )
    metadata = {
        "format": 1,
        "architecture": json.loads(model.to_json()),
        "keras_version": keras.__version__,
        "backend": keras.backend.backend(),
        "text": None,
        "outputs": [{"name": "output", "kind": "tags" if output.ndim == 3 else "scores"}],
    }
    save_file(tensors, HERE / f"{name}.safetensors", {"padless": json.dumps(metadata, separators=(",", ":"))})
    data = base64.b64encode(output.astype("<f4").tobytes()).decode()
    case = {"name": name, "probabilities": probabilities, "mask_zero": mask_zero, "ids": ids.tolist(), "shape": list(output.shape)}
    return case | ({"note": note} if note else {}) | {"data": data}


def main():
    for old in HERE.glob("*.safetensors"):
        old.unlink()
    cases = []
    for case in itertools.starmap(golden, models()):
        cases.append(json.dumps(case))
        print(case["name"], case["shape"], case.get("note", ""), file=sys.stderr)
    about = {
        "made_by": "tests/models/keras/make_goldens.py",
        "seed": SEED,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "data": "float32, little-endian, base64",
    }
    head = json.dumps(about, indent=1)[:-2]
    body = ",\n".join(cases)
    (HERE / "goldens.json").write_text(f'{head},\n "cases": [\n{body}\n]}}\n', encoding="ascii")


if __name__ == "__main__":
    main()
