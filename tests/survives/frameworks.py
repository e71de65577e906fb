"""The model of forms.js in Keras or PyTorch: reads weights and forms as JSON from standard input, prints one JSON line per row of the table.

python frameworks.py keras|torch <INPUT
python frameworks.py tensorflow FOLDER <INPUT     writes the model as .tflite files for LiteRT.js
"""

import json
import sys
import time

import numpy

given = json.load(sys.stdin)
weights = {path: numpy.array(w["data"], "float32").reshape(w["shape"]) for path, w in given["weights"].items()}
sizes = given["sizes"]


def keras_ways():
    import os

    os.environ.setdefault("KERAS_BACKEND", given.get("backend", "jax"))
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            layers.Embedding(sizes["V"], sizes["D"], mask_zero=True),
            layers.Bidirectional(layers.LSTM(sizes["H"], return_sequences=True)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(sizes["K"], activation="softmax"),
        ]
    )
    model.build((None, None))
    model.set_weights(list(weights.values()))
    yield f"Keras {keras.__version__}, mask_zero", lambda rows, form: model.predict_on_batch(numpy.array(rows))[0]


def torch_ways():
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.set_num_threads(1)
    rnn = torch.nn.LSTM(sizes["D"], sizes["H"], bidirectional=True, batch_first=True)
    with torch.no_grad():
        for side, suffix in (("forward_layer", ""), ("backward_layer", "_reverse")):
            # Keras and PyTorch have the gates in the same order.
            getattr(rnn, "weight_ih_l0" + suffix).copy_(torch.tensor(weights[f"rnn.{side}.kernel"].T))
            getattr(rnn, "weight_hh_l0" + suffix).copy_(torch.tensor(weights[f"rnn.{side}.recurrent_kernel"].T))
            getattr(rnn, "bias_ih_l0" + suffix).copy_(torch.tensor(weights[f"rnn.{side}.bias"]))
            getattr(rnn, "bias_hh_l0" + suffix).zero_()
    table, kernel, bias = (torch.tensor(weights[name]) for name in ("embedding.embeddings", "dense.kernel", "dense.bias"))

    def answer(rows, packed):
        with torch.inference_mode():
            ids = torch.tensor(rows)
            mask = (ids != 0).float()[..., None]
            x = table[ids]
            if packed:
                # Packing only supports padding at the end of a row.
                lengths = [max(t + 1 for t, id in enumerate(row) if id) for row in rows]
                y, _ = rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
                y, _ = pad_packed_sequence(y, batch_first=True, total_length=len(rows[0]))
            else:
                y, _ = rnn(x)
            mean = (y * mask).sum(1) / mask.sum(1)
            return torch.softmax(mean @ kernel + bias, -1).numpy()[0]

    version = torch.__version__.split("+")[0]
    yield f"PyTorch {version}, packed, masked mean", lambda rows, form: answer(rows, True)
    yield f"PyTorch {version}, not packed, masked mean", lambda rows, form: answer(rows, False)


def write_tflite(folder):
    """exported.tflite: the layers without a mask, as the converter exports them. masked-BxT.tflite: with mask_zero, for rows [B, T] of one
    shape, since the converter makes no masked LSTM for rows of any length."""
    import pathlib

    import tensorflow as tf
    from tensorflow.keras import layers

    def model_of(mask_zero, length):
        model = tf.keras.Sequential(
            [
                layers.Input((length,), batch_size=1 if length else None, dtype="int32"),
                layers.Embedding(sizes["V"], sizes["D"], mask_zero=mask_zero),
                layers.Bidirectional(layers.LSTM(sizes["H"], return_sequences=True)),
                layers.GlobalAveragePooling1D(),
                layers.Dense(sizes["K"], activation="softmax"),
            ]
        )
        model.set_weights(list(weights.values()))
        return model

    folder = pathlib.Path(folder)
    longest = len(given["texts"][0]["end"][0])
    exported = tf.lite.TFLiteConverter.from_keras_model(model_of(False, longest)).convert()
    (folder / "exported.tflite").write_bytes(exported)
    masked = model_of(True, None)
    shapes = {(len(rows), len(rows[0])) for each in given["texts"] for rows in each.values()}
    for shape in sorted(shapes):
        call = tf.function(masked).get_concrete_function(tf.TensorSpec(shape, tf.int32))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([call], masked)
        (folder / f"masked-{shape[0]}x{shape[1]}.tflite").write_bytes(converter.convert())
    print(json.dumps({"tensorflow": tf.__version__}))


if sys.argv[1] == "tensorflow":
    write_tflite(sys.argv[2])
    sys.exit()


def shortest(calls):
    """The shortest time of each call. The calls take turns. Other programs that run at the same time can only make a call slower."""
    times = [float("inf")] * len(calls)
    for turn in range(200):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            if turn >= 5:
                times[i] = min(times[i], time.perf_counter() - start)
    return times


for engine, answer in {"keras": keras_ways, "torch": torch_ways}[sys.argv[1]]():
    change = {}
    for form in ("end", "front", "middle", "batch"):
        change[form] = max(
            float(numpy.abs(answer(each[form], form) - answer(each["alone"], "alone")).max()) for each in given["texts"]
        )
    each = given["texts"][2]
    alone, end = shortest([lambda form=form: answer(each[form], form) for form in ("alone", "end")])
    print(json.dumps({"engine": engine, "change": change, "times": end / alone, "alone": answer(each["alone"], "alone").tolist()}))
