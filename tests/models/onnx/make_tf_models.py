"""Exports Keras models of TensorFlow 2 with random weights to ONNX by tf2onnx, for the tests of fromOnnx.

    pip install -r requirements-tf.txt && python make_tf_models.py          # the stored ones, into this folder
    python make_tf_models.py FOLDER                                         # all, into FOLDER

store.py says what is written.
"""

import itertools
import logging
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402
from store import Store  # noqa: E402
from tensorflow.keras import Input, Model, layers  # noqa: E402

logging.disable(logging.WARNING)
V, E, H, K = 12, 4, 3, 2
SEED = 20240517
CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}
OPSETS = [9, 11, 12, 13, 14, 15, 17, 18]


def recurrent(cell, bidirectional, sequences, **options):
    layer = CELLS[cell](H, return_sequences=sequences, **options)
    return layers.Bidirectional(layer) if bidirectional else layer


def embedded(mask=False):
    ids = Input((None,), dtype="int32", name="ids")
    return ids, layers.Embedding(V, E, mask_zero=mask)(ids)


def last(cell, two):
    ids, x = embedded()
    return Model(ids, layers.Dense(K, activation="softmax")(recurrent(cell, two, False)(x)))


def masked(cell, two):
    """mask_zero: the exporter has to write the mask into the loop."""
    ids, x = embedded(mask=True)
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False)(x)))


def mean(cell, two):
    ids, x = embedded()
    return Model(ids, layers.Dense(K)(layers.GlobalAveragePooling1D()(recurrent(cell, two, True)(x))))


def maximum(cell, two):
    ids, x = embedded()
    return Model(ids, layers.Dense(K)(layers.GlobalMaxPooling1D()(recurrent(cell, two, True)(x))))


def attention(cell, two):
    ids, x = embedded()
    y = recurrent(cell, two, True)(x)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(layers.Dense(H, activation="tanh")(y)))
    return Model(ids, layers.Dense(K)(tf.reduce_sum(weights * y, axis=1)))


def two_layers(cell, two):
    ids, x = embedded()
    y = layers.Dropout(0.3)(recurrent(cell, two, True, dropout=0.2)(x))
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False)(y)))


def tagger(cell, two):
    ids, x = embedded()
    return Model(ids, layers.TimeDistributed(layers.Dense(K, activation="softmax"))(recurrent(cell, two, True)(x)))


def char_cnn(cell, two):
    ids, x = embedded()
    x = layers.MaxPooling1D(2)(layers.Conv1D(E, 3, padding="same", activation="relu")(x))
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False)(x)))


def norm(cell, two):
    ids, x = embedded()
    y = layers.LayerNormalization()(recurrent(cell, two, True)(x))
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False)(y)))


def batch_norm(cell, two):
    ids, x = embedded()
    return Model(ids, layers.Dense(K)(layers.BatchNormalization()(recurrent(cell, two, False)(x))))


def encoder(cell, two):
    """Initial states as inputs, final ones as outputs; Bidirectional is left out."""
    ids, x = embedded()
    states = [Input((H,), name=name) for name in ("h0", "c0")[: 2 if cell == "lstm" else 1]]
    return Model([ids, *states], CELLS[cell](H, return_sequences=True, return_state=True)(x, initial_state=states))


def tied(cell, two):
    ids = Input((None,), dtype="int32", name="ids")
    embedding = layers.Embedding(V, E)
    y = layers.Dense(E)(recurrent(cell, two, True)(embedding(ids)))
    return Model(ids, tf.matmul(y, embedding.embeddings, transpose_b=True))


def hard(cell, two):
    """hard_sigmoid gates, as old files have them."""
    ids, x = embedded()
    options = {} if cell == "rnn" else {"recurrent_activation": "hard_sigmoid"}
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False, **options)(x)))


def before(cell, two):
    """GRU with the reset gate before the product; the others go backwards."""
    ids, x = embedded()
    options = {"reset_after": False} if cell == "gru" else {"go_backwards": True}
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False, **options)(x)))


def fixed(cell, two):
    """A length of 6, as models that were trained on padding have it."""
    ids = Input((6,), dtype="int32", name="ids")
    return Model(ids, layers.Dense(K)(recurrent(cell, two, False)(layers.Embedding(V, E)(ids))))


ARCHITECTURES = {
    "last": last, "masked": masked, "mean": mean, "max": maximum, "attention": attention, "two-layers": two_layers, "tagger": tagger,
    "char-cnn": char_cnn, "norm": norm, "batch-norm": batch_norm, "encoder": encoder, "tied": tied, "hard": hard, "before": before, "fixed": fixed,
}  # fmt: skip
STORED = [
    "last-lstm-bi", "last-gru", "last-rnn", "masked-lstm", "mean-gru-bi", "max-lstm", "attention-lstm-bi", "two-layers-gru",
    "tagger-lstm-bi", "char-cnn-gru", "norm-lstm", "batch-norm-gru", "encoder-lstm", "tied-gru", "hard-lstm", "before-gru", "before-lstm",
    "fixed-lstm-bi",
]  # fmt: skip


def runs_of(architecture, cell, rng, few):
    runs = []
    for b, t in ((3, 5), (1, 1), (1, 4), (1, 7), (2, 9))[: 3 if few else 5]:
        if architecture == "char-cnn" and t == 1:
            continue
        t = 6 if architecture == "fixed" else t
        run = {"ids": rng.integers(1, V, (b, t)).astype(np.int32)}
        if architecture == "masked":
            for row in range(1, b):
                run["ids"][row, t - row :] = 0
        if architecture == "encoder":
            for name in ("h0", "c0")[: 2 if cell == "lstm" else 1]:
                run[name] = rng.standard_normal((b, H)).astype(np.float32)
        runs.append(run)
    return runs


def main(folder=None):
    store = Store(folder, "tf2onnx", tensorflow=tf.__version__, tf2onnx=tf2onnx.__version__)
    for index, ((architecture, build), cell, two) in enumerate(itertools.product(ARCHITECTURES.items(), CELLS, (False, True))):
        name = f"{architecture}-{cell}{'-bi' if two else ''}"
        if (folder is None and name not in STORED) or (architecture == "encoder" and two):
            continue
        tf.keras.backend.clear_session()
        rng = np.random.default_rng(SEED + index)
        opset = OPSETS[index % len(OPSETS)]
        try:
            model = build(cell, two)
            for weight in model.weights:
                values = rng.standard_normal(weight.shape).astype(np.float32) * 0.6
                weight.assign(np.abs(values) + 0.5 if "moving_variance" in weight.name else values)
            proto, _ = tf2onnx.convert.from_keras(model, opset=opset)
            runs = runs_of(architecture, cell, rng, folder is None)
            store.add(f"tf2onnx-{name}", proto.SerializeToString(), runs, architecture=architecture, cell=cell, bidirectional=two)
        except Exception as error:
            store.fail(f"tf2onnx-{name}", error)
            print(name, opset, store.without[f"tf2onnx-{name}"])
    store.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
