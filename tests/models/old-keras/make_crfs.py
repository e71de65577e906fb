"""Makes models with the CRF of TensorFlow Addons, and its answers: crfs.json.gz, with the files as base64.

    pip install tensorflow-cpu==2.15.1 typeguard==2.13.3 && pip install --no-deps tensorflow-addons==0.23.0
    python make_crfs.py
"""

import base64
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow_addons.text.crf_wrapper import CRFModelWrapper

L = tf.keras.layers
IDS = np.array([[1, 2, 3, 4, 5, 6], [4, 7, 2, 0, 0, 0], [9, 0, 0, 0, 0, 0], [3, 3, 8, 1, 10, 0]])


def base(mask, length=None):
    a = tf.keras.Input((length,), dtype="int32", name="ids")
    x = L.Embedding(11, 4, mask_zero=mask)(a)
    return a, L.Bidirectional(L.LSTM(2, return_sequences=True))(x)


def model(mask=True, length=None, units=3, **options):
    a, x = base(mask, length)
    tags, *_ = tfa.layers.CRF(units, **options)(x)
    return tf.keras.Model(a, tags)


def sequential():
    return tf.keras.Sequential(base_sequential() + [L.Dense(3)])


def base_sequential():
    return [tf.keras.Input((None,), dtype="int32"), L.Embedding(11, 4, mask_zero=True), L.GRU(3, return_sequences=True)]


def models():
    tf.keras.utils.set_random_seed(5)
    yield "masked", model(), ("h5", "keras")
    yield "unmasked", model(mask=False, length=6), ("h5", "keras")
    yield "no-boundary", model(use_boundary=False), ("keras",)
    yield "no-kernel", model(units=4, use_kernel=False), ("h5",)
    yield "wrapper", CRFModelWrapper(tf.keras.Model(*base(True)), 3), ("keras",)
    yield "wrapper-sequential", CRFModelWrapper(sequential(), 3, use_boundary=False), ("keras",)


def main():
    cases = []
    rng = np.random.default_rng(3)
    for name, each, formats in models():
        each(IDS)
        for weight in each.weights:
            weight.assign((rng.standard_normal(weight.shape) * 16).round() / 16)
        tags = np.asarray(each(IDS)).tolist()
        for kind in formats:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{name}.{kind}"
                each.save(path)
                cases.append({"file": path.name, "tags": tags, "bytes": base64.b64encode(path.read_bytes()).decode()})
    text = json.dumps({"addons": tfa.__version__, "ids": IDS.tolist(), "cases": cases})
    Path(__file__).with_name("crfs.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


main()
