"""Writes small models with random weights, as Keras saves them, and goldens.json with Keras's answers.

    pip install -r requirements.txt && python make_models.py            # everything but the models that read text
    pip install -r requirements-text.txt && python make_models.py text  # those: TextVectorization is TensorFlow's
    python make_models.py NAME ...                                      # only these, the others stay as they are

A file is NAME.keras, NAME.h5 (the old whole-model format) or NAME.json with NAME.weights.h5 beside it. A case of goldens.json:

    inputs         input name -> rows of ids, of floats or of texts; for a stateful model a list of calls, one after the other
    outputs        [{ name, shape, data }], in the model's order; data is float32, little-endian, base64
    probabilities  whether every output stays within [0, 1]
    masked         null, or for each output null or the mask it carries, 1 for a step that counts
    notes          what is special

padless must give Keras's values at the steps that count, and at padding if a later layer reads it. At other masked steps of an output,
Keras's values mean nothing: a recurrent layer repeats its last output, inside Bidirectional it gives zeros. A row whose answer in Keras is
NaN (the mean over no step) is left out. Every file is loaded again and must give the same bits; predict, which compiles, must agree.
"""

import base64
import io
import json
import os
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TEXT = sys.argv[1:] == ["text"]
os.environ["KERAS_BACKEND"] = "tensorflow" if TEXT else "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import Input, Sequential, layers, ops  # noqa: E402
from keras.src.backend import get_keras_mask  # noqa: E402

HERE = Path(__file__).resolve().parent
SEED = 20240517
LARGE = 25_000  # bytes; a larger .keras is deflated, the others are as Keras wrote them
V, T = 12, 6
# Padding at the end, at the front, in the middle; one step; no step. Without a mask, 0 is an id like any other.
PADDED = [
    [3, 1, 4, 1, 5, 9], [5, 3, 8, 0, 0, 0], [0, 0, 7, 9, 2, 10], [0, 8, 0, 4, 6, 0], [7, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0],
]  # fmt: skip
OTHER = [
    [2, 7, 0, 0, 0, 0], [1, 8, 2, 8, 1, 0], [0, 0, 0, 0, 9, 11], [6, 0, 2, 0, 0, 0], [11, 10, 9, 8, 7, 6], [0, 0, 0, 0, 0, 0],
]  # fmt: skip
# Rows longer than those above, so that [B, T] and [B, T2] cannot be confused.
LONGER = [
    [4, 4, 1, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8],
    [0, 3, 0, 0, 0, 1, 0, 2], [0, 0, 0, 0, 0, 0, 0, 0],
]  # fmt: skip
PRE = [[0, 0, 0, 4, 1, 5], [3, 1, 4, 1, 5, 9], [0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0]]


class Case(NamedTuple):
    build: Callable
    file: str  # keras, h5 or json
    inputs: dict | list  # by name; rows alone for a model's only input; several dicts are several calls
    probabilities: bool
    notes: str | None
    text: bool
    int8: bool  # by Keras's quantize()


CASES: dict[str, Case] = {}
B, D, E = layers.Bidirectional, layers.Dense, layers.Embedding
LSTM, GRU, RNN = layers.LSTM, layers.GRU, layers.SimpleRNN


def case(function=None, *, file="keras", inputs=PADDED, probabilities=False, notes=None, name=None, text=False, int8=False):
    """A decorator. The function builds the model; the case has its name."""

    def register(f):
        CASES[name or f.__name__.replace("_", "-")] = Case(f, file, inputs, probabilities, notes or f.__doc__, text, int8)
        return f

    return register(function) if function else register


def chain(name, behind, mask=True, width=4, length=None, **options):
    """An Embedding and the layers after it, as a Sequential. They are made late, because the layers' names are numbered in each model."""

    def build():
        return Sequential([Input((length,), dtype="int32"), E(V, width, mask_zero=mask), *behind()])

    case(build, name=name, inputs=options.pop("inputs", PADDED if mask else PRE), **options)


def ids(name="ids", length=None):
    return Input((length,), dtype="int32", name=name)


def floats(name, rows, width, empty):
    """Rows of floats; the steps named in empty are all zeros."""
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    x = rng.standard_normal((rows, T, width)).round(3)
    for b, t in empty:
        x[b, t] = 0
    return x.tolist()


EMPTY = [(1, 3), (1, 4), (1, 5), (2, 0), (2, 1), (3, 2), (3, 5)]
FLOATS = floats("floats", 4, 3, EMPTY)

# Classifiers as in tutorials.
chain("lstm-classifier", lambda: [LSTM(5), D(3, activation="softmax")], probabilities=True)
chain("lstm-classifier-h5", lambda: [LSTM(5), D(3, activation="softmax")], probabilities=True, file="h5")
chain(
    "lstm-classifier-pre",
    lambda: [LSTM(5), D(1, activation="sigmoid")],
    mask=False,
    probabilities=True,
    length=T,
    notes="padding='pre' without a mask: zeros are data",
)
chain(
    "bigru-classifier-pre-h5",
    lambda: [B(GRU(4)), D(3, activation="softmax")],
    mask=False,
    probabilities=True,
    length=T,
    file="h5",
    notes="padding='pre' without a mask: zeros are data",
)
chain(
    "bilstm-tagger",
    lambda: [
        layers.SpatialDropout1D(0.2),
        B(LSTM(4, return_sequences=True, dropout=0.1)),
        layers.Dropout(0.3),
        layers.TimeDistributed(D(3, activation="softmax")),
    ],
    probabilities=True,
)
chain(
    "bilstm-tagger-json", lambda: [B(LSTM(4, return_sequences=True)), D(3, activation="softmax")], probabilities=True, file="json"
)
chain("bilstm-stack-h5", lambda: [B(LSTM(4, return_sequences=True)), B(GRU(3)), D(2)], file="h5")
chain("gru-stack-json", lambda: [GRU(4, return_sequences=True), GRU(3, reset_after=False), D(2)], file="json")
chain("mean-classifier", lambda: [layers.GlobalAveragePooling1D(), D(4, activation="relu"), D(3)], width=5)
chain("cnn-classifier", lambda: [layers.Conv1D(5, 3, activation="relu"), layers.GlobalMaxPooling1D(), D(3)], mask=False)
chain(
    "cnn-classifier-h5",
    lambda: [
        layers.Conv1D(5, 3, padding="same", activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(4, 2),
        layers.GlobalMaxPooling1D(),
        D(3, activation="softmax"),
    ],
    mask=False,
    length=T,
    probabilities=True,
    file="h5",
)

# Recurrent layers.
chain("rnn-sequences", lambda: [RNN(4, return_sequences=True)])
chain("gru-sequences", lambda: [GRU(4, return_sequences=True)])
chain("gru-reset-before-h5", lambda: [GRU(4, reset_after=False, return_sequences=True)], file="h5")
chain("lstm-backwards", lambda: [LSTM(4, go_backwards=True)])
chain("lstm-backwards-sequences", lambda: [LSTM(4, go_backwards=True, return_sequences=True)], mask=False)
chain(
    "lstm-backwards-sequences-masked",
    lambda: [LSTM(4, go_backwards=True, return_sequences=True), GRU(3)],
    notes="the outputs are in visiting order and the mask is not: in Keras the second layer gets a mask that does not fit its input",
)
chain(
    "gru-zero-output",
    lambda: [GRU(4, return_sequences=True, zero_output_for_mask=True), layers.Conv1D(3, 3, padding="same")],
    notes="zero_output_for_mask: zeros at padding, which the convolution reads",
)
chain(
    "gru-zero-output-last",
    lambda: [GRU(4, zero_output_for_mask=True), D(2)],
    notes="without sequences the answer is the last step's output: zeros where the row ends in padding",
)
chain("rnn-of-lstm-cell", lambda: [layers.RNN(layers.LSTMCell(4), return_sequences=True), layers.RNN(layers.SimpleRNNCell(3))])
chain("stacked-cells", lambda: [layers.RNN([layers.GRUCell(4), layers.LSTMCell(4)], return_sequences=True), D(3)])
chain("stacked-cells-last-h5", lambda: [layers.RNN([layers.LSTMCell(5), layers.GRUCell(3, reset_after=False)])], file="h5")
chain("bidirectional-rnn-of-cell", lambda: [B(layers.RNN(layers.GRUCell(3), return_sequences=True))])
for merge in "concat", "sum", "mul", "ave":
    chain(f"bidirectional-{merge}", lambda m=merge: [B(GRU(3, return_sequences=True), merge_mode=m), B(RNN(2), m)])
chain(
    "bidirectional-backward-layer",
    lambda: [
        B(LSTM(3, return_sequences=True), backward_layer=GRU(3, return_sequences=True, go_backwards=True)),
        B(RNN(3, activation="relu"), backward_layer=RNN(3, activation="softsign", go_backwards=True)),
    ],
)


@case
def bidirectional_none():
    """Both outputs have the layer's name"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    forward, backward = B(LSTM(3, return_sequences=True), merge_mode=None)(e)
    return keras.Model(x, [forward, backward, layers.Subtract()(B(RNN(2), merge_mode=None)(e))])


@case
def return_state():
    x = ids()
    y, h, c = LSTM(4, return_sequences=True, return_state=True, name="reader")(E(V, 4, mask_zero=True)(x))
    g, s = GRU(3, return_state=True)(y)
    return keras.Model(x, [y, h, c, g, s])


@case
def bidirectional_return_state():
    x = ids()
    y, *states = B(LSTM(3, return_sequences=True, return_state=True))(E(V, 4, mask_zero=True)(x))
    return keras.Model(x, [y, layers.Concatenate()(states)])


@case(inputs={"source": LONGER, "target": PADDED}, probabilities=True)
def encoder_decoder():
    source, target = ids("source"), ids("target")
    _, h, c = LSTM(4, return_state=True, name="encoder")(E(V, 3, mask_zero=True)(source))
    y = LSTM(4, return_sequences=True, name="decoder")(E(V, 3, mask_zero=True)(target), initial_state=[h, c])
    return keras.Model([source, target], D(V, activation="softmax")(y))


@case(inputs={"source": LONGER, "target": PADDED}, file="h5")
def encoder_decoder_gru_h5():
    source, target = ids("source"), ids("target")
    shared = E(V, 3, mask_zero=True)
    _, forward, backward = B(GRU(3, return_state=True), name="encoder")(shared(source))
    state = D(5, activation="tanh")(layers.Concatenate()([forward, backward]))
    return keras.Model([source, target], D(4)(GRU(5, return_sequences=True, name="decoder")(shared(target), initial_state=state)))


@case(inputs={"source": LONGER, "target": PADDED})
def bidirectional_initial_state():
    source, target = ids("source"), ids("target")
    _, *states = B(LSTM(3, return_state=True))(E(V, 3, mask_zero=True)(source))
    return keras.Model([source, target], B(LSTM(3, return_sequences=True))(E(V, 3, mask_zero=True)(target), initial_state=states))


@case(inputs=[{"ids": PADDED[:4]}, {"ids": OTHER[:4]}])
def stateful():
    """Two calls, and the outputs of both in their order. The batch size is part of the model"""
    x = Input(batch_shape=(4, T), dtype="int32", name="ids")
    return keras.Model(x, GRU(3, stateful=True)(LSTM(4, stateful=True, return_sequences=True)(E(V, 4, mask_zero=True)(x))))


chain("stacked-cells-backwards", lambda: [layers.RNN([layers.SimpleRNNCell(3), layers.GRUCell(2)], go_backwards=True)])


@case
def state_once():
    """One layer called with initial states, which removes its mask, and without, which does not"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    rnn, state = RNN(4), D(4)(GRU(3)(e))
    return keras.Model(x, [rnn(e, initial_state=state), rnn(e)])


# Masks that end, and layers that read padding.
chain(
    "lstm-conv",
    lambda: [LSTM(4, return_sequences=True), layers.Conv1D(3, 3, padding="same")],
    notes="the convolution reads the last output, repeated at padding",
)
chain(
    "lstm-max",
    lambda: [LSTM(4, return_sequences=True), layers.GlobalMaxPooling1D(), D(3)],
    notes="the maximum reads the last output, repeated at padding, and zeros before the first step",
)
chain(
    "lstm-flatten-h5",
    lambda: [LSTM(3, return_sequences=True), layers.Flatten(), D(3, activation="softmax")],
    length=T,
    probabilities=True,
    file="h5",
    notes="Dense reads the last output, repeated at padding",
)
chain(
    "bilstm-max",
    lambda: [B(LSTM(3, return_sequences=True)), layers.GlobalMaxPooling1D(), D(3, activation="softmax")],
    probabilities=True,
    notes="the maximum reads zeros at padding",
)
chain(
    "conv-lstm",
    lambda: [layers.Conv1D(4, 3, padding="same"), LSTM(4), D(3)],
    notes="the convolution ends the mask: the LSTM reads every step",
)
chain(
    "embedding-flatten",
    lambda: [layers.Flatten(), D(3)],
    length=T,
    notes="Flatten reads the embedding of the padding id, with or without a mask",
)
chain("masked-max", lambda: [layers.GlobalMaxPooling1D()])
chain(
    "dense-max",
    lambda: [D(5, activation="relu"), layers.GlobalMaxPooling1D(), D(3, activation="softmax")],
    probabilities=True,
    notes="Dense passes the mask on and also computes at padding, which the maximum reads",
)

# Convolution and pooling.


@case(inputs=PRE)
def conv_padding():
    """valid, same and causal, each followed by a dilated convolution"""
    x = ids(length=T)
    e = E(V, 4)(x)
    first = [layers.Conv1D(4, 3, padding=p, activation="relu")(e) for p in ("valid", "same", "causal")]
    return keras.Model(
        x, [layers.Conv1D(3, 2, padding=p, dilation_rate=2)(y) for y, p in zip(first, ("valid", "same", "causal"), strict=True)]
    )


chain(
    "conv-masked",
    lambda: [layers.Conv1D(4, 3, padding="same"), layers.GlobalAveragePooling1D()],
    notes="the convolution reads the padding id's vector and ends the mask: the mean is over every step",
)
chain(
    "conv-strides",
    lambda: [layers.Conv1D(4, 3, strides=2, padding="same", use_bias=False), layers.Conv1D(3, 2, strides=2)],
    mask=False,
)
chain("conv-groups", lambda: [layers.Conv1D(4, 3, groups=2, padding="same")], mask=False)
chain(
    "conv-transpose",
    lambda: [
        layers.Conv1DTranspose(4, 3, strides=2, padding="same", activation="tanh"),
        layers.Conv1DTranspose(3, 2, strides=3, use_bias=False),
        layers.Conv1DTranspose(5, 3, dilation_rate=2, padding="same"),
        layers.Conv1DTranspose(2, 4, strides=3, padding="same", output_padding=1),
        layers.Conv1DTranspose(3, 3, strides=2, output_padding=1),
        layers.Conv1DTranspose(2, 4, dilation_rate=3),
        layers.Conv1DTranspose(2, 2, strides=5, padding="same"),
    ],
    mask=False,
)
chain(
    "conv-transpose-masked",
    lambda: [LSTM(3, return_sequences=True), layers.Conv1DTranspose(4, 3, padding="same"), layers.Conv1DTranspose(2, 2, strides=2)],
    notes="Conv1DTranspose ends the mask and reads padding",
)
chain(
    "separable-conv",
    lambda: [
        layers.SeparableConv1D(4, 3, padding="same", depth_multiplier=2, activation="relu"),
        layers.SeparableConv1D(3, 2, dilation_rate=2),
    ],
    mask=False,
)
chain(
    "depthwise-conv",
    lambda: [
        layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2, activation="tanh"),
        layers.DepthwiseConv1D(2, strides=2),
    ],
    mask=False,
)


@case(inputs=PRE)
def pooling():
    """Windows without a mask. AveragePooling1D with padding="same" divides by the steps inside the sequence"""
    x = ids()
    e = E(V, 4)(x)
    y = layers.MaxPooling1D(2, strides=1)(layers.MaxPooling1D(3, strides=2, padding="same")(e))
    return keras.Model(x, [y, layers.AveragePooling1D(3, strides=2, padding="same")(e), layers.AveragePooling1D(4, strides=1)(e)])


@case(inputs=PRE)
def global_pooling():
    """Without a mask: maximum and mean, with and without keepdims"""
    x = ids()
    e = E(V, 4)(x)
    both = layers.GlobalMaxPooling1D(), layers.GlobalMaxPooling1D(keepdims=True)
    return keras.Model(x, [y(e) for y in (*both, layers.GlobalAveragePooling1D(), layers.GlobalAveragePooling1D(keepdims=True))])


chain("pooling-masked", lambda: [layers.AveragePooling1D(2), GRU(3)], notes="pooling ends the mask")
chain("mean-keepdims", lambda: [layers.GlobalAveragePooling1D(keepdims=True), D(2)])

# Activations, normalisation, noise.
chain(
    "activations",
    lambda: [
        layers.Activation("gelu"),
        layers.ReLU(max_value=0.9, negative_slope=0.2, threshold=0.1),
        D(5),
        layers.LeakyReLU(negative_slope=0.15),
        layers.ELU(alpha=0.6),
        D(4, activation="hard_sigmoid"),
    ],
)
chain("prelu-shared", lambda: [layers.PReLU(shared_axes=[1]), GRU(3, activation="softsign", recurrent_activation="hard_sigmoid")])
chain("prelu", lambda: [layers.PReLU(), D(3)], length=T, notes="one alpha per step")


@case(inputs=PRE, probabilities=True)
def softmax():
    """Over features and over time, without a mask; with a mask Keras refuses to run"""
    x = ids()
    y = D(3)(E(V, 4)(x))
    return keras.Model(x, [layers.Softmax()(y), layers.Softmax(axis=1)(y), layers.Softmax(axis=-2)(y)])


chain(
    "noise",
    lambda: [
        layers.GaussianNoise(0.1),
        layers.Dropout(0.5),
        layers.GaussianDropout(0.1),
        layers.SpatialDropout1D(0.3, seed=5),
        layers.AlphaDropout(0.1),
        LSTM(3, dropout=0.2, recurrent_dropout=0.2),
    ],
)
chain(
    "batch-normalization-h5",
    lambda: [
        layers.BatchNormalization(),
        LSTM(4, return_sequences=True),
        layers.BatchNormalization(center=False, epsilon=1e-2),
        layers.GlobalAveragePooling1D(),
        layers.BatchNormalization(scale=False),
        D(3),
    ],
    file="h5",
)
chain("batch-normalization", lambda: [layers.Conv1D(4, 2), layers.BatchNormalization(), layers.ReLU()], mask=False)
chain(
    "layer-normalization",
    lambda: [
        layers.LayerNormalization(),
        GRU(5, return_sequences=True),
        layers.LayerNormalization(epsilon=1e-5, center=False),
        layers.LayerNormalization(scale=False, epsilon=0.1),
    ],
)


@case
def layer_normalization_whole():
    """Over time and features together, padding included; the mask is passed on"""
    x = ids(length=T)
    e = E(V, 4, mask_zero=True)(x)
    y = layers.LayerNormalization(axis=(1, 2), epsilon=1e-5)(LSTM(3, return_sequences=True)(e))
    return keras.Model(x, [y, GRU(2)(layers.LayerNormalization(axis=[-1, -2], center=False)(e))])


chain(
    "group-normalization",
    lambda: [
        D(6),
        layers.GroupNormalization(3),
        GRU(4, return_sequences=True),
        layers.GroupNormalization(-1, epsilon=0.1, center=False),
        layers.GroupNormalization(1, scale=False),
        layers.GlobalAveragePooling1D(),
        layers.GroupNormalization(2),
    ],
    notes="GroupNormalization reads padding and passes the mask on",
)
chain("group-normalization-unmasked", lambda: [D(8), layers.GroupNormalization(4), LSTM(3)], mask=False)
chain(
    "rms-normalization",
    lambda: [layers.RMSNormalization(), LSTM(4, return_sequences=True), layers.RMSNormalization(epsilon=0.01)],
    notes="RMSNormalization ends the mask",
)
chain("unit-normalization", lambda: [layers.UnitNormalization(), LSTM(4, return_sequences=True), layers.UnitNormalization(axis=-1)])
chain("rescaling", lambda: [layers.Rescaling(0.5, offset=-0.25), GRU(3)])


@case(inputs={"features": FLOATS})
def masking_floats():
    x = Input((None, 3), name="features")
    return keras.Model(x, D(3)(LSTM(4, return_sequences=True)(layers.Masking()(x))))


HALVES = floats("halves", 4, 3, [])
HALVES[0][4] = HALVES[1][0] = HALVES[1][5] = [0.5, 0.5, 0.5]
HALVES[0][2] = [0.5, 0.25, 0.5]


@case(inputs={"features": HALVES}, file="json")
def masking_value_json():
    """A step is padding if all its features are 0.5"""
    x = Input((None, 3), name="features")
    return keras.Model(x, GRU(3)(layers.Masking(mask_value=0.5)(x)))


@case(inputs={"features": FLOATS}, file="h5")
def floats_unmasked_h5():
    x = Input((T, 3), name="features")
    y = layers.BatchNormalization()(x)
    return keras.Model(x, D(2)(LSTM(4)(layers.Conv1D(4, 2, padding="causal", activation="tanh")(y))))


# Merges: of two branches with one mask, of branches with different masks (OR), of a masked one and one without (no mask).
def merge(name, layer, **options):
    @case(name=f"merge-{name}", inputs={"left": PADDED, "right": OTHER}, **options)
    def two_masks():
        """Two different masks"""
        left, right = ids("left"), ids("right")
        both = [E(V, 4, mask_zero=True)(left), E(V, 4, mask_zero=True)(right)]
        return keras.Model([left, right], GRU(3, return_sequences=True)(layer()(both)))


merge("add-h5", layers.Add, file="h5")
merge("concatenate", layers.Concatenate)
merge("concatenate-time", lambda: layers.Concatenate(axis=1))
merge("concatenate-time-back", lambda: layers.Concatenate(axis=-2))


@case(inputs={"left": PADDED, "right": OTHER})
def merge_two_masks():
    """Each kind of merge of two branches with different masks; the means are over the steps that count in either"""
    left, right = ids("left"), ids("right")
    both = [E(V, 4, mask_zero=True)(left), E(V, 4, mask_zero=True)(right)]
    kinds = layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
    return keras.Model([left, right], [layers.GlobalAveragePooling1D()(kind()(both)) for kind in kinds])


@case
def merge_three():
    """Three branches with one mask"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    three = [e, D(4, activation="tanh")(e), LSTM(4, return_sequences=True)(e)]
    return keras.Model(x, [layers.Add()(three), layers.Average()(three), layers.Maximum()(three), layers.Concatenate()(three)])


@case(inputs={"left": PADDED, "right": OTHER})
def merge_read():
    """The values of each kind of merge at steps that some or all masks exclude, which convolutions read"""
    left, right = ids("left"), ids("right")
    e, f = E(V, 3, mask_zero=True)(left), E(V, 3, mask_zero=True)(right)
    kinds = layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
    several = [e, D(3)(e)], [e, f], [e, f, D(3)(e)]
    return keras.Model([left, right], [layers.Conv1D(2, 2, padding="same")(kind()(some)) for kind in kinds for some in several])


@case
def keepdims_read():
    """A single step merged with a sequence whose padding is read"""
    x = ids()
    e = LSTM(4, return_sequences=True)(E(V, 4, mask_zero=True)(x))
    step = layers.GlobalMaxPooling1D(keepdims=True)(e)
    return keras.Model(x, [step, layers.Add()([layers.Conv1D(4, 1)(e), step])])


@case
def multi_head_read():
    """Refused: the maximum reads the result of a masked query, which differs between Keras's backends"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, layers.GlobalMaxPooling1D()(layers.MultiHeadAttention(2, 2)(e, e)))


@case(inputs={"left": PADDED, "right": OTHER})
def merge_half_masked():
    """A masked and an unmasked branch: Add drops the mask, Concatenate counts every step of the unmasked branch"""
    left, right = ids("left"), ids("right")
    both = [E(V, 4, mask_zero=True)(left), E(V, 4)(right)]
    return keras.Model([left, right], [layers.GlobalAveragePooling1D()(y(both)) for y in (layers.Add(), layers.Concatenate())])


@case
def embeddings_half_masked():
    """One input to an embedding with mask_zero and to one without: the second reads its padding"""
    x = ids()
    masked, plain = E(V, 4, mask_zero=True)(x), E(V, 4)(x)
    return keras.Model(x, [LSTM(3)(masked), layers.GlobalAveragePooling1D()(plain), GRU(3)(layers.Add()([masked, plain]))])


@case
def merge_broadcast():
    """[B, T, 4] with [B, T, 1], with [B, 4] and with [B, 1, 4]; no mask"""
    x = ids()
    e = E(V, 4)(x)
    gate = D(1, activation="sigmoid")(e)
    mean = layers.GlobalAveragePooling1D()(e)
    top = layers.GlobalMaxPooling1D(keepdims=True)(e)
    return keras.Model(x, [layers.Multiply()([e, gate]), layers.Subtract()([e, mean]), layers.Add()([e, top])])


@case
def gate_masked():
    """[B, T, 4] * [B, T, 1], both with the mask"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, layers.GlobalAveragePooling1D()(layers.Multiply()([e, D(1, activation="sigmoid")(e)])))


@case(inputs={"left": PRE, "right": [OTHER[i] for i in (0, 4, 2, 5)]})
def dot():
    """axes 1, 2 and [2, 1] of sequences; axes 1 with normalize of vectors"""
    left, right = ids("left", T), ids("right", T)
    a, b = E(V, 4)(left), E(V, 4)(right)
    p, q = layers.GlobalAveragePooling1D()(a), layers.GlobalMaxPooling1D()(b)
    matrices = [layers.Dot(axes=1)([a, b]), layers.Dot(axes=2)([a, b]), layers.Dot(axes=(2, 1))([a, layers.Permute((2, 1))(b)])]
    return keras.Model([left, right], [*matrices, layers.Dot(axes=1, normalize=True)([p, q]), layers.Dot(axes=-1)([p, q])])


@case(inputs={"left": PADDED, "right": OTHER})
def dot_masked_siamese():
    """Shared encoder, cosine of the two vectors"""
    left, right = ids("left"), ids("right")
    embedding, encoder = E(V, 4, mask_zero=True), B(LSTM(3))
    both = [encoder(embedding(left)), encoder(embedding(right))]
    return keras.Model([left, right], layers.Dot(axes=-1, normalize=True)(both))


# Attention.
@case
def attention():
    x = ids()
    e = LSTM(4, return_sequences=True)(E(V, 4, mask_zero=True)(x))
    return keras.Model(x, layers.Attention()([e, e]))


@case(inputs={"query": PADDED, "value": LONGER})
def attention_scale_cross():
    """Separate query, value and key, a trained scale; GRU uses the query's mask"""
    query, value = ids("query"), ids("value")
    embedding = E(V, 4, mask_zero=True)
    q, v = embedding(query), embedding(value)
    return keras.Model([query, value], GRU(3)(layers.Attention(use_scale=True)([q, v, D(4)(v)])))


@case(inputs={"query": PADDED[:3], "value": [LONGER[0], LONGER[5], LONGER[2]]})
def attention_empty_value():
    """Row 1 has no values: Keras gives the mean of the padding's vectors"""
    query, value = ids("query"), ids("value")
    embedding = E(V, 4, mask_zero=True)
    return keras.Model([query, value], layers.Attention()([embedding(query), D(4, activation="tanh")(embedding(value))]))


@case
def attention_causal():
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, layers.Attention()([e, e], use_causal_mask=True))


@case
def attention_concat_scores():
    """score_mode='concat', and the scores as a second output; no mask"""
    x = ids()
    e = E(V, 4)(x)
    y, scores = layers.Attention(score_mode="concat", use_scale=True)([e, e], return_attention_scores=True)
    return keras.Model(x, [y, scores])


@case(inputs={"query": PADDED, "value": LONGER})
def additive_attention():
    query, value = ids("query"), ids("value")
    embedding = E(V, 4, mask_zero=True)
    both = [embedding(query), embedding(value)]
    return keras.Model([query, value], [layers.AdditiveAttention()(both), layers.AdditiveAttention(use_scale=False)(both)])


@case
def multi_head_self():
    x = ids()
    e = E(V, 6, mask_zero=True)(x)
    return keras.Model(x, layers.MultiHeadAttention(2, 3)(e, e))


@case(inputs={"query": PADDED, "value": LONGER})
def multi_head_cross():
    """Another key, other sizes, output_shape; with dropout, because without it Keras on jax refuses a value_dim that is not key_dim"""
    query, value = ids("query"), ids("value")
    q, v = E(V, 4, mask_zero=True)(query), E(V, 5, mask_zero=True)(value)
    attention = layers.MultiHeadAttention(3, key_dim=2, value_dim=4, output_shape=5, dropout=0.1)
    return keras.Model([query, value], attention(q, v, key=D(4, activation="tanh")(v)))


@case
def multi_head_causal():
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, layers.MultiHeadAttention(2, 2)(e, e, use_causal_mask=True))


@case(inputs=PRE)
def multi_head_unmasked():
    """Only the causal mask, no biases, and the scores as a second output"""
    x = ids()
    e = E(V, 4)(x)
    y = layers.MultiHeadAttention(2, 2, use_bias=False)(e, e, use_causal_mask=True)
    _, scores = layers.MultiHeadAttention(2, 2)(e, y, return_attention_scores=True)
    return keras.Model(x, [y, scores])


@case(inputs={"query": PADDED[:5], "value": [LONGER[i] for i in (0, 1, 2, 3, 4)]})
def attention_scores():
    """Scores of masked values, of several heads and of one; the convolution needs padding in place"""
    query, value = ids("query"), ids("value")
    q, v = E(V, 4)(query), E(V, 4, mask_zero=True)(value)
    y, heads = layers.MultiHeadAttention(3, 2)(q, v, return_attention_scores=True)
    z, one = layers.Attention()([q, E(V, 4, mask_zero=True)(value)], return_attention_scores=True)
    return keras.Model([query, value], [y, heads, z, one, layers.Conv1D(2, 1)(v), layers.Activation("relu")(heads)])


@case(file="h5")
def transformer_block_h5():
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    a = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([e, layers.Dropout(0.1)(layers.MultiHeadAttention(2, 2)(e, e))]))
    f = D(4)(D(6, activation="gelu")(a))
    return keras.Model(x, layers.LayerNormalization(epsilon=1e-6)(layers.Add()([a, f])))


@case
def transformer_block_pooled():
    """Attention, residual, mean: the mask after MultiHeadAttention and Add decides which steps the mean counts"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    a = layers.LayerNormalization()(layers.Add()([e, layers.MultiHeadAttention(2, 2)(e, e)]))
    return keras.Model(x, D(3)(layers.GlobalAveragePooling1D()(a)))


@case
def transformer_before():
    """Two blocks with normalisation first: the attention removes the mask of the normalised sequence, and the sums keep theirs"""
    x = ids()
    y = E(V, 4, mask_zero=True)(x)
    for _ in range(2):
        n = layers.LayerNormalization()(y)
        y = layers.Add()([y, layers.MultiHeadAttention(2, 2)(n, n)])
        y = layers.Add()([y, D(4)(D(6, activation="relu")(layers.LayerNormalization()(y)))])
    return keras.Model(x, [layers.GlobalAveragePooling1D()(layers.LayerNormalization()(y)), GRU(3)(y)])


@case
def transformer_twice():
    """Refused: MultiHeadAttention removes the mask of its input when Keras runs, so the following sum has no mask and the next block reads padding"""
    x = ids()
    y = E(V, 4, mask_zero=True)(x)
    for _ in range(2):
        y = layers.LayerNormalization()(layers.Add()([y, layers.MultiHeadAttention(2, 2)(y, y)]))
    return keras.Model(x, layers.GlobalAveragePooling1D()(y))


@case(inputs=PRE, probabilities=True)
def attention_pooling():
    """Dense(1), a softmax over time, Dot; without a mask"""
    x = ids(length=T)
    h = GRU(5, return_sequences=True)(E(V, 4)(x))
    weights = layers.Softmax(axis=1)(D(1)(D(4, activation="tanh")(h)))
    return keras.Model(x, D(3, activation="softmax")(layers.Flatten()(layers.Dot(axes=1)([weights, h]))))


@case(probabilities=True)
def attention_pooling_masked():
    """With a mask, Activation('softmax') of the flattened scores: Keras also gives padding a weight"""
    x = ids(length=T)
    h = LSTM(5, return_sequences=True)(E(V, 4, mask_zero=True)(x))
    weights = layers.Activation("softmax")(layers.Flatten()(D(1, activation="tanh")(h)))
    repeated = layers.Permute((2, 1))(layers.RepeatVector(5)(weights))
    summed = layers.GlobalAveragePooling1D()(layers.Multiply()([h, repeated]))
    return keras.Model(x, D(3, activation="softmax")(summed))


# Shapes.
@case(inputs=PRE)
def shapes():
    x = ids(length=T)
    e = E(V, 4)(x)
    reshaped = D(3)(layers.Reshape((3, -1))(e))
    permuted = GRU(3)(layers.Permute((2, 1))(e))
    padded = layers.Conv1D(3, 2)(layers.ZeroPadding1D((1, 2))(e))
    cropped = layers.Cropping1D((2, 1))(layers.UpSampling1D(2)(e))
    return keras.Model(x, [reshaped, permuted, padded, cropped, D(2)(layers.Flatten()(cropped))])


@case
def repeat_vector():
    """An autoencoder: the output of RepeatVector has no mask"""
    x = ids()
    y = layers.RepeatVector(5)(LSTM(4)(E(V, 4, mask_zero=True)(x)))
    return keras.Model(x, layers.TimeDistributed(D(V))(LSTM(4, return_sequences=True)(y)))


@case
def shapes_masked():
    """ZeroPadding1D, Cropping1D and UpSampling1D end the mask"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    behind = layers.ZeroPadding1D(1)(e), layers.Cropping1D(1)(e), layers.UpSampling1D(2)(e)
    gru = GRU(3)
    return keras.Model(x, [gru(y) for y in behind])


@case
def reshape_masked():
    """Reshape and Permute end the mask"""
    x = ids(length=T)
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, [GRU(3)(layers.Reshape((2 * T, 2))(e)), GRU(3)(layers.Permute((2, 1))(e))])


# Models in models.
chain(
    "time-distributed-sequential",
    lambda: [layers.TimeDistributed(Sequential([Input((4,)), D(5, activation="relu"), layers.BatchNormalization(), D(3)])), GRU(3)],
)
chain(
    "time-distributed-normalization",
    lambda: [
        LSTM(4, return_sequences=True),
        layers.TimeDistributed(layers.LayerNormalization()),
        layers.TimeDistributed(layers.Activation("relu")),
    ],
)


INNER = np.array(floats("inner", 3, 8, [(0, 2), (1, 5)])).reshape(3, T, 4, 2)
INNER[0, 0, 1] = INNER[0, 1, 2:] = INNER[1, 3, 0] = INNER[2, 4] = 0.5


@case(inputs={"values": INNER.tolist()})
def masking_in_time_distributed():
    """The mask ends at TimeDistributed, and masked steps are zeros"""
    x = Input((None, 4, 2), name="values")
    each = layers.TimeDistributed
    y = each(layers.Masking(0.5))(x)
    return keras.Model(x, [y, each(GRU(3))(y), each(Sequential([layers.Masking(0.5), GRU(3)]))(x)])


@case
def nested_model_concatenated():
    """When Keras saves the graph, the inner model has no mask, so the graph has a mask of ones; when Keras runs, it has one"""
    x = ids(length=T)
    e = E(V, 4, mask_zero=True)(x)
    a = Input((T, 4))
    return keras.Model(x, GRU(3)(layers.Concatenate()([e, keras.Model(a, D(2)(a))(e)])))


@case
def sequential_in_sequential():
    encoder = Sequential([Input((None,), dtype="int32"), E(V, 4, mask_zero=True), GRU(3, return_sequences=True)], name="encoder")
    return Sequential([encoder, LSTM(3), Sequential([D(4, activation="relu"), D(2)], name="head")])


@case(inputs={"left": PADDED, "right": OTHER}, probabilities=True, file="h5")
def shared_encoder_h5():
    """A Sequential used twice inside a functional model"""
    encoder = Sequential([Input((None,), dtype="int32"), E(V, 4, mask_zero=True), LSTM(4)], name="encoder")
    left, right = ids("left"), ids("right")
    a, b = encoder(left), encoder(right)
    merged = layers.Concatenate()([a, b, layers.Multiply()([a, b]), layers.Subtract()([a, b])])
    return keras.Model([left, right], D(1, activation="sigmoid")(merged))


@case
def model_in_model():
    """The mask passes into the inner model and out of it"""
    inner_x = Input((None, 4), name="steps")
    inner = keras.Model(inner_x, layers.Add()([inner_x, LSTM(4, return_sequences=True)(inner_x)]), name="inner")
    x = ids()
    return keras.Model(x, layers.GlobalAveragePooling1D()(D(3)(inner(E(V, 4, mask_zero=True)(x)))))


@case
def residual():
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    y = layers.Add()([e, LSTM(4, return_sequences=True)(e)])
    y = layers.Add()([y, D(4)(D(6, activation="relu")(y))])
    return keras.Model(x, D(3)(GRU(4)(y)))


@case
def residual_conv():
    """Convolution in one branch: Add of a masked and an unmasked branch drops the mask"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    y = layers.Add()([e, layers.Conv1D(4, 3, padding="same")(e)])
    return keras.Model(x, GRU(3)(y))


@case
def shared_layers():
    """One LSTM and one Dense, each used twice on tensors that depend on the same one"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    lstm, dense = LSTM(4, return_sequences=True), D(4, activation="tanh")
    return keras.Model(x, lstm(dense(lstm(dense(e)))))


@case(inputs={"text": PADDED, "features": floats("two inputs", 6, 3, [])}, probabilities=True)
def two_inputs_two_outputs():
    """Inputs of ids, of a sequence of floats and of a vector of floats; each output has a name"""
    text, features = ids("text"), Input((T, 3), name="features")
    tokens = B(LSTM(3, return_sequences=True))(E(V, 4, mask_zero=True)(text))
    vector = D(4, activation="relu")(layers.GlobalAveragePooling1D()(features))
    sentence = layers.Concatenate()([GRU(3)(tokens), vector])
    tags, label = D(3, activation="softmax", name="tags"), D(2, activation="sigmoid", name="label")
    return keras.Model([text, features], [tags(tokens), label(sentence)])


@case
def names_in_disorder():
    """The file of weights numbers the layers of a class in the order of the model, not by their names; more than ten layers"""
    x = ids()
    y = layers.GlobalAveragePooling1D()(E(V, 4)(x))
    for i in (7, 2, 11, 0, 5, 1, 10, 3, 9, 4, 8):
        y = D(4, activation="tanh", name=f"dense_{i}" if i else "dense")(y)
    return keras.Model(x, D(2, name="dense_6")(y))


@case(inputs=PRE, file="h5", name="operations-h5")
@case(inputs=PRE)
def operations():
    """Operators and keras.ops, which are nodes of the graph but not layers: x * y, sum, softmax over time, x[:, -1]"""
    x = ids()
    e = E(V, 4)(x)
    weights = ops.softmax(D(1)(e), axis=1)
    pooled = ops.sum(e * weights, axis=1)
    last = GRU(4, return_sequences=True)(e)[:, -1]
    return keras.Model(x, D(3)(ops.tanh(pooled) + last * 0.5 - 0.1))


@case(file="h5", name="operations-masked-h5")
@case
def operations_masked():
    """Operations drop the mask, and later layers read their values at padding: repeated outputs, zeros, the padding id's vector"""
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    h, b = LSTM(4, return_sequences=True)(e), B(GRU(2, return_sequences=True))(e)
    ends = h[:, -1] + b[:, 0]
    means = [ops.mean(y, axis=1) for y in (e, h, b)]
    read = GRU(3)(ops.tanh(e) * h)
    merged = layers.GlobalAveragePooling1D()(layers.Add()([e, h + b]))
    return keras.Model(x, [ends, ops.concatenate(means, axis=-1), read, merged, 1.0 - h, GRU(3)(e)])


@case
def masks_by_hand():
    """No mask_zero: ids != 0 as floats, with which the mean, the maximum and attention exclude padding"""
    x = ids()
    e = E(V, 4)(x)
    m = ops.cast(ops.not_equal(x, 0), "float32")
    m3 = ops.expand_dims(m, -1)
    mean = ops.sum(e * m3, axis=1) / ops.maximum(ops.sum(m3, axis=1), 1.0)
    most = ops.max(e - (1.0 - m3) * 1e10, axis=1)
    most = ops.where(ops.max(m3, axis=1) > 0, most, 0.0)
    scores = ops.squeeze(D(1, activation="tanh")(e), -1) + (1.0 - m) * -1e9
    attended = ops.sum(e * ops.softmax(scores, axis=-1)[:, :, None], axis=1)
    length = ops.sum(m, axis=1, keepdims=True)
    return keras.Model(x, [mean, most, attended, ops.where(x[:, :, None] != 0, e, -1.0), ops.sum(m, axis=1), length / 7])


@case
def masks_handed_over():
    """mask=... from an operation: the layers use it, and their outputs have no mask"""
    x = ids()
    e = E(V, 4)(x)
    m = ops.not_equal(x, 0)
    h = LSTM(4, return_sequences=True)(e, mask=m)
    b = B(GRU(2, return_sequences=True))(e, mask=m)
    some = ops.logical_and(m, ops.greater(x, 3))
    outputs = [LSTM(3)(e, mask=m), GRU(3)(h), layers.Conv1D(3, 2)(b), GRU(3)(b, mask=some)]
    return keras.Model(x, [*outputs, *(layers.GlobalAveragePooling1D()(y) for y in (h, layers.Attention()([h, h])))])


@case
def operations_attention():
    """Attention from products: matmul, einsum, a constant causal mask; then a constant array is added, like positions"""
    x = ids(length=T)
    e = E(V, 4)(x) + np.sin(np.arange(T * 4, dtype="float32").reshape(T, 4))
    q, k, v = D(4)(e), D(4)(e), D(3)(e)
    scores = ops.matmul(q, ops.transpose(k, (0, 2, 1))) / np.sqrt(4.0)
    y = ops.matmul(ops.softmax(scores + np.triu(np.full((T, T), -1e9, "float32"), 1)), v)
    z = ops.einsum("bts,bsd->btd", ops.softmax(ops.einsum("btd,bsd->bts", q, k)), v)
    split = ops.reshape(q, (-1, T, 2, 2))
    heads = ops.einsum("bthd,bshd->bhts", split, ops.reshape(k, (-1, T, 2, 2)))
    joined = ops.reshape(ops.einsum("bhts,bshd->bthd", ops.softmax(heads), split), (-1, T, 4))
    return keras.Model(x, [y, z, joined, D(2)(joined), ops.swapaxes(q, 1, 2) @ v])


@case(inputs=PRE, file="h5", name="operations-shapes-h5")
@case(inputs=PRE)
def operations_shapes():
    """Indices, slices, reshape, stack, flip and similar operations, over a variable length where possible"""
    x = ids(length=T)
    e = E(V, 4)(x)
    last = e[:, -1]
    parts = [e[:, 1:3], e[:, ::-2], e[..., 0], e[:, :, 1:], e[:, None, 2], e[:, -3:-1, ::3], e[:, 5:1:-1, -1]]
    turned = [ops.flip(e, axis=1), ops.reshape(e, (-1, 2 * T, 2)), ops.stack([last, e[:, 0]], axis=1), ops.swapaxes(e, 1, -1)]
    joined = ops.concatenate([e, ops.expand_dims(last, 1)], axis=1), ops.concatenate([e, e * 2], axis=-1)
    return keras.Model(x, [*parts, *turned, *joined, GRU(3)(joined[0]), D(2)(ops.reshape(e, (-1, T * 4)))])


@case(inputs=PRE)
def operations_values():
    """Elementwise functions and reductions over axes; the length varies"""
    x = ids()
    e = E(V, 4)(x)
    functions = ops.relu, ops.sigmoid, ops.exp, ops.gelu, ops.silu, ops.softplus, ops.hard_sigmoid, ops.abs, ops.square, ops.negative
    each = [f(e) for f in functions] + [ops.gelu(e, approximate=False), ops.sqrt(ops.abs(e)), ops.rsqrt(1.0 + e**2)]
    pairs = [ops.maximum(e, 0.3), ops.minimum(e, ops.flip(e, axis=-1)), 2.0 / (3.0 + ops.tanh(e)), ops.clip(e, -0.5, 0.7)]
    cast = ops.cast(e * 3, "int32"), ops.logical_or(e > 1, e <= -0.5), ops.logical_not(ops.equal(x, 4)), x >= 3, x < 5
    axes = [ops.mean(e, axis=-1), ops.min(e, axis=1, keepdims=True), ops.sum(e, axis=(1, 2)), ops.log_softmax(e), ops.max(x, axis=1)]
    return keras.Model(x, [*each, *pairs, *(ops.cast(y, "float32") for y in cast), *axes[:4], ops.cast(axes[4], "float32")])


@case(inputs={"left": PADDED, "right": LONGER}, file="h5", name="operations-two-inputs-h5")
@case(inputs={"left": PADDED, "right": LONGER})
def operations_two_inputs():
    """A model with operations inside, used twice, on sequences of different lengths"""
    inner_x = ids("inner")
    e = E(V, 4)(inner_x)
    m = ops.cast(inner_x != 0, "float32")[:, :, None]
    inner = keras.Model(inner_x, ops.sum(GRU(4, return_sequences=True)(e) * m, axis=1), name="encoder")
    left, right = ids("left"), ids("right")
    a, b = inner(left), inner(right)
    return keras.Model([left, right], D(2)(ops.concatenate([a, b, a * b, ops.abs(a - b)], axis=-1)))


@case(inputs={"b": PADDED, "a": OTHER})
def dict_inputs_outputs():
    """Inputs and outputs in dicts, not in alphabetical order"""
    a, b = ids("a"), ids("b")
    embedding = E(V, 3, mask_zero=True)
    y, z = GRU(3)(embedding(b)), LSTM(2)(embedding(a))
    return keras.Model({"b": b, "a": a}, {"z": D(2, name="last")(z), "y": D(3, name="first")(y)})


@case
def lambda_layer():
    """A Lambda named halve, x * 0.5 + 1, without a mask; loading it needs safe_mode off"""
    x = ids()
    halve = layers.Lambda(lambda y: y * 0.5 + 1.0, name="halve")
    halve.function.__code__ = halve.function.__code__.replace(co_filename="make_models.py")  # and not where that is
    return keras.Model(x, D(3)(halve(LSTM(4)(E(V, 4, mask_zero=True)(x)))))


@case
def lambda_ends_mask():
    """A Lambda ends the mask: the mean counts padding"""
    x = ids()
    halve = layers.Lambda(lambda y: y * 0.5 + 1.0, name="halve")
    halve.function.__code__ = halve.function.__code__.replace(co_filename="make_models.py")
    return keras.Model(x, layers.GlobalAveragePooling1D()(halve(E(V, 4, mask_zero=True)(x))))


# Text in the model.
SENTENCES = ["The cat sat on the mat.", "A dog, a cat and the mat!", "Don't sit on the dog", "mats and cats; dogs and sits"]
TEXTS = [
    "The cat sat.",
    "DOG dog Dog",
    "",
    "a completely unknown, sentence",
    "don't sit on the mat and the cat and the dog and a mat",
    "  the\tcat\nand  ",
]


def vectorized(name, behind, **options):
    @case(name=name, inputs={"text": TEXTS}, text=True, **options.pop("case", {}))
    def build():
        text = Input((), dtype="string", name="text")
        vectorization = layers.TextVectorization(max_tokens=10, **options)
        vectorization.adapt(np.array(SENTENCES))
        return keras.Model(text, behind(vectorization(text)))


vectorized(
    "text-vectorization",
    lambda y: D(3, activation="softmax")(B(LSTM(3))(E(10, 4, mask_zero=True)(y))),
    case={"probabilities": True},
)
vectorized("text-vectorization-length", lambda y: D(3)(layers.Flatten()(E(10, 4)(y))), output_sequence_length=5)
vectorized(
    "text-vectorization-characters", lambda y: D(3)(GRU(4)(E(10, 4, mask_zero=True)(y))), split="character", standardize="lower"
)


def values(rng, variable):
    """Random values of Glorot's scale; no weight keeps its initial value."""
    name, shape = variable.name, variable.shape
    noise = rng.standard_normal(shape)
    if name in ("embeddings", "reverse_embeddings", "vector_u"):
        return noise
    if name in ("bias", "beta", "moving_mean") or name.endswith("_bias"):
        return 0.3 * noise
    if name == "moving_variance":
        return rng.uniform(0.5, 2, shape)
    if name in ("gamma", "scale", "concat_score_weight"):
        return 1 + 0.3 * noise
    if name == "alpha":
        return rng.uniform(-0.3, 0.6, shape)
    if "kernel" in name:
        fans = np.prod(shape[:-1]) + shape[-1]
        return noise * np.sqrt(2 / fans) * 1.2
    raise ValueError(f"{variable.path}: how is it scaled?")


# Rules of Keras that the JSON does not show.
def inner_model(name="inner"):
    x = Input((3,), name=f"{name}_x")
    return keras.Model(x, D(2, name=f"{name}_d")(x), name=name)


VECTORS = {"a": [[1, 2, 3], [0.5, -1, 2]], "b": [[3, 1, -2], [0, 0.25, 1]]}


def wrapped_model():
    a = Input((3,), name="a")
    return keras.Model(a, inner_model()(a))


for file in ("keras", "h5"):
    case(
        wrapped_model,
        name="wrapped-model" if file == "keras" else "wrapped-model-h5",
        file=file,
        inputs={"a": VECTORS["a"]},
        notes="output_layers numbers the calls of a nested Functional from 1",
    )


@case(inputs=VECTORS)
def nested_output_and_more():
    """The first use of the inner model is an output; both are used inside."""
    a, b = Input((3,), name="a"), Input((3,), name="b")
    inner = inner_model()
    first, second = inner(a), inner(b)
    return keras.Model([a, b], [first, layers.Subtract(name="difference")([first, second])])


@case(inputs=VECTORS)
def nested_output_second_use():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    inner = inner_model()
    first, second = inner(a), inner(b)
    return keras.Model([a, b], [layers.Add(name="sum")([first, second]), second])


MASKING = dict(notes="the mask of Masking replaces the mask of the embedding, so padding counts again")
chain("masking-behind-mask", lambda: [layers.Masking(mask_value=0.5), LSTM(4), D(2)], **MASKING)
chain("masking-behind-mask-mean", lambda: [layers.Masking(), layers.GlobalAveragePooling1D()], **MASKING)
case(
    lambda: Sequential(
        [Input((T, 3)), layers.Masking(), D(3, activation="tanh"), layers.Masking(mask_value=0.25), GRU(3, return_sequences=True), layers.GlobalMaxPooling1D()]
    ),
    name="masking-twice-h5",
    file="h5",
    inputs={"input_layer": FLOATS},
)
chain("unroll-zero", lambda: [LSTM(4, unroll=True, zero_output_for_mask=True, return_sequences=True), layers.GlobalMaxPooling1D()], length=T)
chain("unroll-zero-last", lambda: [GRU(4, unroll=True, zero_output_for_mask=True), D(2)], length=T)
chain("unroll-bidirectional", lambda: [B(GRU(3, unroll=True, return_sequences=True)), LSTM(4), D(2)], length=T)
chain("unroll-bidirectional-read", lambda: [B(GRU(3, unroll=True, return_sequences=True)), layers.GlobalMaxPooling1D()], length=T)
chain("flatten-channels-first", lambda: [layers.Flatten(data_format="channels_first"), D(2)], mask=False, length=T)
chain("flatten-channels-first-h5", lambda: [layers.Flatten(data_format="channels_first"), D(2)], mask=False, length=T, file="h5")


@case(inputs=PADDED[:-1])
def attention_scores_read():
    """Scores carry no mask: the LSTM reads those of padding."""
    x = ids(length=T)
    e = E(V, 4, mask_zero=True)(x)
    _, scores = layers.Attention()([e, e], return_attention_scores=True)
    return keras.Model(x, LSTM(3)(scores))


@case(inputs=PADDED[:-1])
def attention_scores_causal():
    """Scores of causal attention with a mask: queries at padding have scores for the keys before them, which an LSTM reads."""
    x = ids(length=T)
    e = E(V, 4, mask_zero=True)(x)
    kinds = [layers.Attention(use_scale=True), layers.Attention(score_mode="concat"), layers.AdditiveAttention()]
    scores = [kind([e, e], return_attention_scores=True, use_causal_mask=True)[1] for kind in kinds]
    return keras.Model(x, [LSTM(3)(scores[0]), *scores])


chain("activation-layer", lambda: [D(4, activation=layers.LeakyReLU(0.2)), layers.GlobalMaxPooling1D(), D(3, activation=layers.Softmax())], mask=False, probabilities=False)
chain("activation-layer-h5", lambda: [layers.Conv1D(4, 2, activation=layers.ELU()), layers.GlobalMaxPooling1D(), D(2)], mask=False, file="h5")
chain("activation-layer-json", lambda: [layers.Activation(layers.ReLU(0.75)), GRU(3), D(2)], file="json")
chain("activation-layer-weights", lambda: [D(3, activation=layers.PReLU(shared_axes=[1])), GRU(3)], mask=False)
chain("activation-layer-recurrent", lambda: [LSTM(3, activation=layers.LeakyReLU(0.5)), D(2)])


@case(file="h5")
def spatial_dropout_h5():
    """get_config() of SpatialDropout1D has no `trainable`, which distinguishes layers from operations in a whole .h5."""
    x = ids()
    return keras.Model(x, GRU(3)(layers.SpatialDropout1D(0.3)(E(V, 4, mask_zero=True)(x))))


@keras.saving.register_keras_serializable(package="mine")
class LayerNormalization(layers.Layer):
    """Halves: a user's class with the name of one of Keras's."""

    def call(self, x):
        return x * 0.5 + 1


class UnitNormalization(LayerNormalization):
    pass


@keras.saving.register_keras_serializable(package="mine")
def swish(x):
    return x * 0.5 + 1


OWN = dict(mask=False, notes="a class or function of the user with the name of a Keras class or function")
chain("own-registered", lambda: [LayerNormalization(), GRU(3)], **OWN)
chain("own-registered-h5", lambda: [LayerNormalization(), GRU(3)], file="h5", **OWN)
chain("own-function", lambda: [D(3, activation=swish), GRU(3)], **OWN)
chain("own-function-h5", lambda: [D(3, activation=swish), GRU(3)], file="h5", **OWN)


@case(inputs={"a": VECTORS["a"]})
def dotted_names():
    """Layer "out" of the model "enc" and a layer "enc.out": two weights have the same path."""
    a = Input((3,), name="a")
    inside = Input((3,), name="x")
    enc = keras.Model(inside, D(3, name="out")(inside), name="enc")
    return keras.Model(a, D(2, name="enc.out")(enc(a)))


# Rarer layers and options.
@case(inputs=PRE)
def einsum_dense():
    """EinsumDense adds and removes an axis of heads; the second kernel has another order of axes."""
    x = ids(length=T)
    h = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de", activation="softmax")(E(V, 4)(x))
    h = layers.EinsumDense("abcd,edc->abe", output_shape=(None, 5), bias_axes="e", activation="tanh")(h)
    return keras.Model(x, GRU(3)(h))


chain("einsum-dense-mask", lambda: [layers.EinsumDense("...x,xy->...y", output_shape=3), layers.GlobalAveragePooling1D()], notes="the mask ends at EinsumDense")
case(
    lambda: Sequential([Input((3,)), layers.EinsumDense("ab,cb->ac", output_shape=4, bias_axes="c", activation="relu"), D(2)]),
    name="einsum-dense-vectors-h5",
    inputs={"input_layer": VECTORS["a"]},
    file="h5",
)
chain("einsum-dense-bias", lambda: [layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 2), bias_axes="d"), layers.Reshape((-1, 6)), GRU(3)], mask=False)
chain("einsum-dense-time", lambda: [layers.EinsumDense("abc,bcd->ad", output_shape=3), D(2)], mask=False, length=T, notes="a sum over time")
chain("spectral-normalization", lambda: [layers.SpectralNormalization(D(3, activation="tanh")), GRU(3)])
chain("spectral-normalization-h5", lambda: [layers.SpectralNormalization(layers.Conv1D(3, 2)), GRU(3)], mask=False, file="h5")
chain("permute-varying", lambda: [layers.Permute((2, 1)), layers.Softmax(), layers.Permute((2, 1)), D(3)], mask=False)
chain("permute-heads", lambda: [layers.Reshape((-1, 2, 2)), layers.Permute((1, 3, 2)), layers.Reshape((-1, 4)), GRU(3)], mask=False)
chain("permute-mask", lambda: [layers.Permute((2, 1)), layers.Permute((2, 1)), layers.GlobalAveragePooling1D()])
chain("reshape-varying", lambda: [layers.Reshape((-1, 2)), GRU(3, return_sequences=True)], mask=False)
chain("reshape-same", lambda: [layers.Reshape((T, 4)), layers.GlobalAveragePooling1D()], length=T, notes="jax returns the same array, with its mask")
chain("batch-normalization-time", lambda: [layers.BatchNormalization(axis=1), layers.GlobalAveragePooling1D()], length=T)
chain("layer-normalization-time", lambda: [layers.LayerNormalization(axis=1), layers.GlobalAveragePooling1D()], length=T)
chain("layer-normalization-rms", lambda: [layers.LayerNormalization(rms_scaling=True, scale=False), GRU(3)])
chain("layer-normalization-rms-time", lambda: [layers.LayerNormalization(axis=[1], rms_scaling=True), GRU(3)], length=T, mask=False)
chain("prelu-step", lambda: [layers.PReLU(shared_axes=[2]), D(3)], length=T)
chain("prelu-one", lambda: [layers.PReLU(shared_axes=[1, 2]), GRU(3)])
ACTIVATIONS = ["log_sigmoid", "hard_tanh", "squareplus", "sparse_plus", "sparse_sigmoid", "hard_shrink", "soft_shrink", "tanh_shrink", "celu"]


@case(inputs=PADDED)
def rare_activations():
    x = ids()
    e = E(V, 3, mask_zero=True)(x)
    return keras.Model(x, [layers.Activation(name)(e) for name in ACTIVATIONS] + [D(3, activation="squareplus")(e)])


chain("rare-activation-recurrent", lambda: [LSTM(3, activation="hard_tanh"), D(2)])


@case(inputs=PADDED[:-1])
def group_query_attention():
    x = ids()
    e = E(V, 4, mask_zero=True)(x)
    return keras.Model(x, GRU(3)(layers.Add()([e, layers.GroupQueryAttention(3, 4, 2)(e, e)])))


@case(inputs=PRE, file="h5")
def group_query_attention_h5():
    x = ids()
    e = E(V, 4)(x)
    y, scores = layers.GroupQueryAttention(2, 2, 1, use_bias=False)(e, e, use_causal_mask=True, return_attention_scores=True)
    return keras.Model(x, [D(2)(y), scores])


@case(inputs=PADDED)
def reversible_embedding():
    """The scores have no mask, the vectors have a mask."""
    x = ids()
    table = layers.ReversibleEmbedding(V, 4, mask_zero=True, logit_soft_cap=2.5)
    e = table(x)
    return keras.Model(x, [layers.GlobalAveragePooling1D()(e), layers.GlobalAveragePooling1D()(table(D(4)(e), reverse=True))])


@case(inputs=PRE, file="h5")
def reversible_embedding_untied_h5():
    x = ids()
    table = layers.ReversibleEmbedding(V, 4, tie_weights=False)
    return keras.Model(x, table(GRU(4, return_sequences=True)(table(x)), reverse=True))


@case(inputs={"a": [[0.1, -3, 2], [0.5, 0.75, 9]]})
def discretization():
    a = Input((3,), name="a")
    bins = layers.Discretization([-1.0, 0.1, 0.75, 2.0])(a)
    counts = [layers.Discretization([0.0, 0.5], output_mode=mode)(a) for mode in ("one_hot", "multi_hot", "count")]
    return keras.Model(a, [GRU(3)(E(5, 2)(bins)), GRU(2)(counts[0]), D(2)(counts[1]), counts[2]])


case(
    lambda: Sequential([Input((3,)), layers.Discretization([0.0, 0.5]), E(3, 2, mask_zero=True), GRU(2)]),
    name="discretization-mask",
    inputs={"input_layer": [[0.1, -3, 2], [0.5, 0.75, 9]]},
)
case(
    lambda: Sequential([Input((1,)), layers.Discretization([0.0, 0.5], output_mode="one_hot"), D(2)]),
    name="discretization-one-h5",
    inputs={"input_layer": [[0.1], [-3]]},
    file="h5",
)


@case(inputs={"x": FLOATS})
def operations_more():
    x = Input((T, 3), name="x")
    first, second, third = ops.split(x, 3, axis=-1)
    before, behind = ops.split(x, [2], axis=1)
    y = [
        ops.log(ops.absolute(x) + 0.01), ops.sign(x), ops.round(x), ops.round(x * 3.1234, 1), ops.floor(x), ops.ceil(x), ops.floor_divide(x, 0.3333), ops.floor_divide(x, -0.1234),
        ops.prod(x, axis=1), ops.var(x, axis=1), ops.std(x, axis=-1, keepdims=True), ops.var(x, axis=(1, 2)),
        ops.cast(ops.argmax(x, axis=-1), "float32"), ops.cast(ops.argmin(x, axis=1, keepdims=True), "float32"),
        ops.stop_gradient(x) * 2, first * second - third, before, behind, ops.take(x, np.array([[0, -1], [2, 2]]), axis=1), ops.take(x, 1, axis=2), ops.take(x, [2, 0], axis=-1),
        ops.pad(x, ((0, 0), (1, 2), (0, 1))), ops.pad(x, ((0, 0), (1, 0), (0, 0)), constant_values=0.5), ops.pad(x, ((0, 0), (5, 4), (1, 2)), mode="reflect"), ops.pad(x, ((0, 0), (5, 2), (3, 1)), mode="symmetric"),
        ops.pad(x, ((0, 0), (2, 1), (1, 0)), mode="edge"),
        ops.log_sigmoid(x * 5), ops.hard_tanh(x), ops.squareplus(x, b=2), ops.sparse_plus(x), ops.sparse_sigmoid(x), ops.hard_shrink(x, 0.3), ops.soft_shrink(x, 0.7), ops.tanh_shrink(x), ops.threshold(x, 0.1, 2.0), ops.celu(x, 0.5),
        ops.elu(x, 0.5), ops.leaky_relu(x, 0.1), ops.relu6(x * 5), ops.selu(x), ops.softsign(x), ops.hard_silu(x * 4), ops.glu(x[:, :, :2]), ops.glu(x, axis=1),
    ]  # fmt: skip
    return keras.Model(x, y)


@case(inputs=PADDED[:-1])
def operations_mask_kept():
    """jax returns the argument of a cast that changes nothing, with its mask."""
    x = ids()
    return keras.Model(x, layers.GlobalAveragePooling1D()(ops.cast(E(V, 4, mask_zero=True)(x), "float32")))


@case(inputs=PADDED)
def operations_mask_lost():
    """The same cast before a layer that ignores masks."""
    x = ids(length=T)
    return keras.Model(x, D(2)(layers.Flatten()(ops.cast(E(V, 4, mask_zero=True)(x), "float32"))))


@case(inputs={"a": [[0.1, -3, 2], [0.5, 0.75, 9]]}, file="h5")
def discretization_graph_h5():
    """Like SpatialDropout1D, the layer has no `trainable`."""
    a = Input((3,), name="a")
    return keras.Model(a, GRU(3)(E(5, 2)(layers.Discretization([-1.0, 0.1, 0.75, 2.0])(a))))


INT8 = dict(int8=True, notes="quantized by Keras, which rounds the inputs of a product to 8 bits; padless rounds them to 16")
chain("int8-classifier", lambda: [B(LSTM(5)), D(6, activation="relu"), D(3, activation="softmax")], width=8, probabilities=True, **INT8)
chain("int8-tagger-weights", lambda: [GRU(4, return_sequences=True), D(3, activation="softmax", use_bias=False)], file="json", probabilities=True, **INT8)
chain("int8-h5", lambda: [GRU(4), D(4, activation="tanh", trainable=False), D(3)], file="h5", **INT8)


@case(inputs=PRE, **INT8)
def int8_heads():
    """The kernels of EinsumDense, whose axes have other orders, are read as float32. Keras cannot load a quantized MultiHeadAttention."""
    x = ids(length=T)
    h = E(V, 4)(x)
    h = layers.EinsumDense("abc,edc->abde", output_shape=(None, 2, 3), bias_axes="de", activation="tanh")(h)
    h = layers.EinsumDense("abcd,dce->abe", output_shape=(None, 3), bias_axes="e", activation="tanh")(h)
    return keras.Model(x, D(2)(layers.GlobalAveragePooling1D()(h)))


@case(inputs=PRE, **INT8)
def int8_reversible():
    x = ids()
    tables = [layers.ReversibleEmbedding(V, 4, tie_weights=tie) for tie in (True, False)]
    return keras.Model(x, [layers.Softmax()(table(GRU(4, return_sequences=True)(table(x)), reverse=True)) for table in tables])


def names_of(tensors):
    """A Sequential's tensors have other names than its layers; the layers' are in the file."""
    return [tensor._keras_history.operation.name for tensor in tensors]


def feed(model, inputs):
    """The arguments of a call of the model: a dict by input name, or by the keys with which the model was made."""
    arrays = {}
    for name, rows in inputs.items():
        array = np.array(rows)
        arrays[name] = ops.convert_to_tensor(array) if TEXT else array.astype(np.int32 if array.dtype.kind == "i" else np.float32)
    if isinstance(getattr(model, "_inputs_struct", None), dict):
        return arrays
    ordered = [arrays[name] for name in names_of(model.inputs)]
    return ordered if len(ordered) > 1 else ordered[0]


def answer(model, inputs):
    """Outputs and their masks: the mask that an output carries, or else the mask in the graph. MultiHeadAttention removes the mask of its inputs
    when it runs, so the output of a residual sum carries no mask, although the layer after it gets the mask of the graph."""
    arrays = feed(model, inputs)
    outputs = keras.tree.flatten(model(arrays, training=False))
    masks = [get_keras_mask(y) for y in outputs]
    graph = [get_keras_mask(tensor) for tensor in model.outputs]
    for i, tensor in enumerate(graph):
        if masks[i] is None and tensor is not None:
            masks[i] = keras.Model(model.inputs, tensor)(arrays)
    return [np.array(y) for y in outputs], [None if m is None else np.array(m).astype(int) for m in masks]


def deflate(path):
    """Deflates a .keras file. HDF5 writes some kilobytes of zeros for each layer, and Keras does not compress its zip. The entries keep their bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED)
    path.write_bytes(packed.getvalue())


def save(model, name, file):
    if file == "json":
        (HERE / f"{name}.json").write_text(model.to_json(), encoding="utf8")
        model.save_weights(HERE / f"{name}.weights.h5")
        return [f"{name}.json", f"{name}.weights.h5"], lambda: load_json(name)
    path = HERE / f"{name}.{file}"
    model.save(path)
    if file == "keras" and path.stat().st_size > LARGE:
        deflate(path)
    return [path.name], lambda: keras.saving.load_model(path, compile=False, safe_mode=False)


def load_json(name):
    model = keras.models.model_from_json((HERE / f"{name}.json").read_text(encoding="utf8"))
    model.load_weights(HERE / f"{name}.weights.h5")
    return model


def golden(name):
    case = CASES[name]
    inputs, notes = case.inputs, case.notes
    keras.utils.clear_session()
    model = case.build()
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    for variable in model.weights:
        if variable.name not in ("seed_generator_state", "rnn_state"):
            variable.assign(values(rng, variable).astype(np.float32))
    if case.int8:
        model.quantize("int8")
    calls = inputs if isinstance(inputs, list) and isinstance(inputs[0], dict) else [inputs]
    calls = [call if isinstance(call, dict) else {names_of(model.inputs)[0]: call} for call in calls]
    files, load = save(model, name, case.file)
    answers = [answer(model, call) for call in calls]
    outputs, masks = sum((a[0] for a in answers), []), sum((a[1] for a in answers), [])

    if len(calls) == 1:
        finite = np.all([np.isfinite(y).reshape(len(y), -1).all(axis=1) for y in outputs], axis=0)
        if not finite.all():
            left_out = np.flatnonzero(~finite).tolist()
            print(f"{name}: not finite in rows {left_out}, left out", file=sys.stderr)
            calls = [{key: [row for row, keep in zip(rows, finite, strict=True) if keep] for key, rows in calls[0].items()}]
            notes = "; ".join(filter(None, [notes, "Keras gives NaN for a row without steps; such rows are left out"]))
            outputs, masks = answer(model, calls[0])
    try:
        again = load()
    except (TypeError, ValueError) as error:
        # The old format has no operations that are not layers, so Keras takes an operation for a layer call; masks are made of such operations.
        said = str(error).splitlines()[0].split(". Please")[0]
        assert case.file == "h5" and re.search("^Unknown layer: '|^Could not deserialize|positional argument", said), error
        notes = "; ".join(filter(None, [notes, f"Keras cannot load its own file: {said}"]))
        again = model
    loaded = sum((answer(again, call)[0] for call in calls), [])
    assert all(np.array_equal(a, b) for a, b in zip(outputs, loaded, strict=True)), f"{name}: the file answers otherwise"
    if len(calls) == 1 and not TEXT:
        predicted = keras.tree.flatten(again.predict(feed(again, calls[0]), verbose=0))
        difference = max(np.abs(a - b).max() for a, b in zip(outputs, predicted, strict=True))
        # A value between two steps of 8 bits may be rounded to either.
        assert difference < (0.01 if case.int8 else 1e-5), f"{name}: predict differs by {difference}"
    for y in outputs:
        assert y.dtype == np.float32 and np.abs(y).max() < 100 and np.ptp(y) > 0.01, (name, y)
        assert not case.probabilities or (y.min() >= 0 and y.max() <= 1), name
        assert len(y) == 1 or not np.allclose(y[0], y[1]), f"{name}: rows alike"

    names = names_of(model.outputs) * len(calls)
    size = sum((HERE / f).stat().st_size for f in files)
    if size > 2 * LARGE:
        print(f"{name}: {size} bytes", file=sys.stderr)
    return {
        "name": name,
        "file": files[0],
        **({"weights": files[1]} if len(files) > 1 else {}),
        **({"backend": keras.backend.backend()} if TEXT else {}),
        "inputs": calls[0] if len(calls) == 1 else calls,
        "outputs": [
            {"name": n, "shape": list(y.shape), "data": base64.b64encode(y.astype("<f4").tobytes()).decode()}
            for n, y in zip(names, outputs, strict=True)
        ],
        "probabilities": case.probabilities,
        **({"int8": True} if case.int8 else {}),
        "masked": None if all(m is None for m in masks) else [None if m is None else m.tolist() for m in masks],
        "notes": notes,
    }


def main():
    path = HERE / "goldens.json"
    before = json.loads(path.read_text(encoding="utf8")) if path.exists() else {"cases": []}
    kept = {case["name"]: case for case in before["cases"] if case["name"] in CASES}
    wanted = [name for name in sys.argv[1:] if name != "text"] or [name for name, case in CASES.items() if case.text == TEXT]
    failed = []
    for name in wanted:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kept[name] = golden(name)
        except Exception as error:  # the others are worth having
            kept.pop(name, None)
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    about = {key: before[key] for key in ("keras", "backend", "jax", "numpy", "seed", "tensorflow") if key in before}
    if TEXT:
        import tensorflow

        about["tensorflow"] = tensorflow.__version__
    else:
        import jax

        about |= {"keras": keras.__version__, "backend": "jax", "jax": jax.__version__, "numpy": np.__version__, "seed": SEED}
    cases = ",\n".join(json.dumps(kept[name], ensure_ascii=False) for name in CASES if name in kept)
    path.write_text(f'{json.dumps(about, indent=1)[:-2]},\n "cases": [\n{cases}\n]}}\n', encoding="utf8")
    print(len(wanted) - len(failed), "written;", len(failed), "failed", *failed, file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
