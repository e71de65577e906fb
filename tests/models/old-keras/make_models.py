"""Writes small models with random weights, as Keras 1, Keras 2 and TensorFlow's Keras 2 save them, and their answers: goldens-VERSION.json.

    python3.6: pip install keras==1.2.2 theano==1.0.5 "h5py<3" "numpy<1.17" "scipy<1.3";                   KERAS_BACKEND=theano python make_models.py
    python3.7: pip install keras==2.2.4 tensorflow==1.15.5 "h5py<3" "protobuf<3.21" "numpy<1.20";         python make_models.py
    python3.11: pip install tensorflow-cpu==2.15.1;                                                        python make_models.py
    python3.11: pip install tensorflow-cpu==2.21.0 tf-keras==2.21.0;                                       python make_models.py

A case: { name, file, weights, inputs: rows of ids, shape, data: the answer, nested, masked }. CuDNN's layers run on a GPU alone; what they would
answer is computed by Keras's own conversion of their weights into LSTM and GRU.
"""

import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import tf_keras as keras
except ImportError:
    import keras

V = keras.__version__
MAJOR = int(V.split(".")[0])
HERE = os.path.dirname(os.path.abspath(__file__))
L = keras.layers
B, E = L.Bidirectional, L.Embedding
IDS = np.array([[3, 1, 4, 1, 5, 9], [5, 3, 8, 0, 0, 0], [0, 0, 7, 9, 2, 10], [7, 0, 0, 0, 0, 0]])
rng = np.random.RandomState(7)
cases = []


def fill(model):
    weights = []
    for w in model.get_weights():
        x = rng.standard_normal(w.shape) * 0.5
        weights.append(x)
    # Variances, the last weights of BatchNormalization, must be positive.
    model.set_weights(weights)
    for layer in flat(model):
        if layer.__class__.__name__ == "BatchNormalization":
            w = layer.get_weights()
            w[-1] = rng.uniform(0.5, 2, w[-1].shape)
            layer.set_weights(w)
    return model


def flat(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            for inner in flat(layer):
                yield inner
        else:
            yield layer


def case(name, model, answers=None, parts=False, fmt="h5", **more):
    name = "keras%s-%s" % ("1" if MAJOR == 1 else V.replace(".", ""), name)
    fill(model)
    if parts:
        file, weights = name + ".json", name + ".weights.hdf5"
        with open(os.path.join(HERE, file), "w") as f:
            f.write(model.to_json())
        model.save_weights(os.path.join(HERE, weights))
    else:
        file, weights = name + "." + fmt, None
        model.save(os.path.join(HERE, file))
    y = np.asarray((answers(model) if answers else model).predict(IDS), dtype="float32")
    cases.append(
        dict(name=name, file=file, weights=weights, inputs=IDS.tolist(), shape=list(y.shape), data=[float("%.8g" % v) for v in y.ravel()], **more)
    )


def seq(*layers):
    model = keras.models.Sequential()
    for layer in layers:
        model.add(layer)
    return model


def through(plain):
    """A model of LSTM and GRU with the weights of one of CuDNN's, converted by Keras."""

    def answers(model):
        path = os.path.join(HERE, "tmp.h5")
        model.save_weights(path)
        plain.load_weights(path)
        os.remove(path)
        return plain

    return answers


if MAJOR == 1:
    D = L.Dense
    case("lstm-12", seq(E(12, 4, mask_zero=True, input_length=6), L.LSTM(5), D(3, activation="softmax")))
    case("gru-9", seq(E(12, 4, mask_zero=True), L.GRU(5, return_sequences=True), L.GRU(3, consume_less="gpu"), D(3)))
    case("bilstm", seq(E(12, 4), B(L.LSTM(3, return_sequences=True), merge_mode="sum"), L.Dropout(0.3), L.TimeDistributed(D(2))), input_length=True)
    case("rnn", seq(E(12, 4, mask_zero=True), L.SimpleRNN(5, activation="relu", inner_init="orthogonal"), D(3, bias=False)), parts=True)
    case("bigru-mul", seq(E(12, 4, mask_zero=True), B(L.GRU(3, inner_activation="sigmoid"), merge_mode="mul"), D(3)), parts=True)
    case("conv-theano", seq(E(12, 4, input_length=6), L.Convolution1D(3, 2), L.GlobalMaxPooling1D()), refused="Theano")
    x = L.Input((6,), name="ids")
    e = E(12, 4, name="e")(x)
    y = keras.models.Model(x, D(2, name="d")(L.LSTM(3, consume_less="gpu", name="l")(e)))
    case("functional", y)
elif V.startswith("2.15."):
    D = L.Dense

    def graph(layer, *behind, **called):
        x = L.Input((6,), name="ids")
        y = layer(E(12, 4, mask_zero=True)(x), **called)
        for each in behind:
            y = each(y)
        return keras.models.Model(x, y)

    for fmt, suffix in (("keras", ""), ("h5", "-h5")):
        case("rescaling" + suffix, graph(L.Rescaling(2.0, 0.5), L.LSTM(3), D(2)), fmt=fmt)
        case("identity" + suffix, graph(L.Identity(), L.GlobalAveragePooling1D(), D(2)), fmt=fmt)
        case("masking-behind-mask" + suffix, graph(L.Masking(0.25), L.GRU(3), D(2)), fmt=fmt)
        case("training-true" + suffix, graph(L.BatchNormalization(), L.GRU(3), training=True), fmt=fmt, refused="called with training=True")
        case("training-true-idle" + suffix, graph(L.Dense(4), L.GRU(3), training=True), fmt=fmt)
        case("unroll" + suffix, graph(L.LSTM(3, unroll=True, return_sequences=True), L.GRU(3)), fmt=fmt)
        case("unroll-bi" + suffix, graph(B(L.GRU(3, unroll=True, return_sequences=True)), L.GRU(3)), fmt=fmt, refused="unrolled layer with a mask")
    case("dropout-training", graph(L.Dropout(0.5), L.GRU(3), training=True), fmt="keras", refused="called with training=True")

    def fitted():
        model = graph(L.GRU(3), D(1, activation="sigmoid"))
        model.compile("sgd", "mse", metrics=["mae"])
        model.fit(IDS, np.ones((4, 1)), epochs=1, verbose=0)
        return model

    case("fitted", fitted(), fmt="keras")
    # The same file as Windows writes it: os.path.join gives its groups names such as layers\\dense.
    import zipfile, io
    import h5py

    model = graph(L.SimpleRNN(3), D(2))
    case("windows", model, fmt="keras")
    path = os.path.join(HERE, cases[-1]["file"])
    old = zipfile.ZipFile(io.BytesIO(open(path, "rb").read()))
    h5 = h5py.File(io.BytesIO(old.read("model.weights.h5")), "r")
    packed = io.BytesIO()
    with h5py.File(packed, "w") as out:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                parts = name.split("/")
                at = "\\".join(parts[:-2]) + "/" + parts[-2] + "/" + parts[-1]
                out[at] = item[()]

        h5.visititems(copy)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename), packed.getvalue() if entry.filename == "model.weights.h5" else old.read(entry), zipfile.ZIP_DEFLATED)
else:
    D = L.Dense
    if V.startswith("2.2."):
        import tensorflow as tf

        # CuDNN operations cannot run on a CPU, but these models need only their weights.
        pruned = tf.compat.v1.ConfigProto(graph_options=tf.compat.v1.GraphOptions(place_pruned_graph=True))
        keras.backend.set_session(tf.compat.v1.Session(config=pruned))
        CuDNNLSTM, CuDNNGRU = L.CuDNNLSTM, L.CuDNNGRU
    else:
        from tf_keras.src.layers.rnn.cudnn_gru import CuDNNGRU
        from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM
    gru = dict(reset_after=True, recurrent_activation="sigmoid")
    lstm = dict(recurrent_activation="sigmoid")
    case("hard-sigmoid", seq(E(12, 4, mask_zero=True), L.LSTM(5, recurrent_activation="hard_sigmoid"), D(3, activation="hard_sigmoid")))
    case("gru-before", seq(E(12, 4, mask_zero=True), L.GRU(5, reset_after=False), D(3)))
    case("gru-after", seq(E(12, 4), B(L.GRU(4, reset_after=True, return_sequences=True)), L.GRU(3), D(3)))
    # One layer with D != units and one with D = units, which alone would hide a wrong order of axes.
    for d in (4, 3):
        case(
            "cudnn-lstm-%d" % d,
            seq(E(12, d), CuDNNLSTM(3, return_sequences=True), CuDNNLSTM(3), D(2)),
            through(seq(E(12, d), L.LSTM(3, return_sequences=True, **lstm), L.LSTM(3, **lstm), D(2))),
        )
        case(
            "cudnn-gru-%d" % d,
            seq(E(12, d), CuDNNGRU(3), D(2)),
            through(seq(E(12, d), L.GRU(3, **gru), D(2))),
        )
        case(
            "cudnn-bi-%d" % d,
            seq(E(12, d), B(CuDNNGRU(3, return_sequences=True)), B(CuDNNLSTM(3)), D(2)),
            through(seq(E(12, d), B(L.GRU(3, return_sequences=True, **gru)), B(L.LSTM(3, **lstm)), D(2))),
            parts=d == 3,
        )

    def nested(recurrent, frozen):
        """Two normalisations inside: Keras writes what trains first, all of the model inside, and then the rest."""
        inner = seq(
            L.Dense(4, activation="tanh", input_shape=(None, 4), trainable=not frozen),
            L.BatchNormalization(),
            recurrent,
            L.BatchNormalization(),
        )
        x = L.Input((6,))
        return keras.models.Model(x, D(3)(inner(E(12, 4)(x))))

    case("nested", nested(L.LSTM(4, **lstm), False))
    case("nested-frozen", nested(L.LSTM(4, **lstm), True))
    case("nested-cudnn", nested(CuDNNLSTM(4), False), through(nested(L.LSTM(4, **lstm), False)))

    def shared(conv):
        x = L.Input((6,))
        e = E(12, 4)(x)
        c = conv(e)
        return keras.models.Model(x, D(3)(L.Concatenate()([L.GlobalMaxPooling1D()(c), L.GlobalAveragePooling1D()(conv(L.Activation("tanh")(e)))])))

    case("shared-conv", shared(L.Conv1D(3, 2, padding="same", activation="relu")))
    case("names", seq(E(12, 4, mask_zero=True, name="other_name"), L.LSTM(3, name="b"), D(2, name="a")), parts=True)
    if not V.startswith("2.2."):
        for name, model in [
            ("bilstm", seq(L.InputLayer((6,)), E(12, 4, mask_zero=True), B(L.LSTM(3)), L.LayerNormalization(), D(2))),
            ("nested", nested(L.GRU(4), False)),
        ]:
            case("v3-" + name, model, fmt="keras")

# Renames layers in a file's architecture: if names do not match, Keras assigns weights by their order.
for each in cases:
    if each["name"].endswith("-names"):
        path = os.path.join(HERE, each["file"])
        with open(path) as f:
            text = f.read().replace('"a"', '"first"').replace('"b"', '"second"')
        with open(path, "w") as f:
            f.write(text)

with open(os.path.join(HERE, "goldens-%s.json" % V), "w") as f:
    body = ",\n".join(json.dumps(each) for each in cases)
    f.write('{"keras": "%s", "backend": "%s", "cases": [\n%s\n]}\n' % (V, keras.backend.backend(), body))
print(len(cases), "written", file=sys.stderr)
