"""A functional model of TensorFlow's Keras 2 with operations in its graph: tf-operations.h5, and its answers: tf-operations.json.

    pip install tensorflow==2.15.1 && python make_tf_operations.py
"""

import base64
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers
HERE = Path(__file__).resolve().parent
V, T = 12, 6
IDS = [[3, 1, 4, 1, 5, 9], [5, 3, 8, 0, 0, 0], [0, 0, 7, 9, 2, 10], [0, 8, 0, 4, 6, 0], [7, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]


def build():
    x = keras.Input((T,), dtype="int32", name="ids")
    e = layers.Embedding(V, 4, mask_zero=True)(x)
    h = layers.LSTM(4, return_sequences=True)(e)
    m = tf.cast(tf.not_equal(x, 0), tf.float32)
    m3 = tf.expand_dims(m, -1)
    mean = tf.reduce_sum(h * m3, axis=1) / tf.maximum(tf.reduce_sum(m3, axis=1), 1.0)
    scores = tf.squeeze(layers.Dense(1)(e), -1) + (1.0 - m) * -1e9
    attended = tf.reduce_sum(e * tf.expand_dims(tf.nn.softmax(scores), 2), 1)
    products = tf.matmul(tf.nn.softmax(tf.matmul(e, tf.transpose(e, [0, 2, 1]))), h)
    both = tf.concat([tf.tanh(mean), attended, h[:, -1], e[:, 0] * 0.5 - 0.1], axis=-1)
    parts = [h[:, 1:4], e[..., 0], tf.reverse(h, [1]), tf.reshape(e, [-1, 2 * T, 2]), tf.stack([e, -h], axis=1), tf.where(m3 > 0.5, e, h)]
    more = [tf.reduce_mean(h, axis=1), tf.reduce_max(e, axis=1, keepdims=True), tf.abs(e) ** 2, tf.clip_by_value(tf.nn.relu(e), 0.1, 0.5)]
    rare = [tf.math.log(tf.abs(e) + 0.01), tf.sign(e), tf.round(e * 3), tf.floor(e), tf.math.ceil(e), tf.math.log_sigmoid(e), tf.nn.elu(e), tf.nn.relu6(e * 5), tf.nn.selu(e)]
    rare += [tf.reduce_prod(h, axis=1), tf.math.reduce_variance(e, axis=1), tf.math.reduce_std(e, axis=-1), tf.cast(tf.argmax(e, axis=-1), tf.float32)]
    more += [*rare, layers.GlobalAveragePooling1D()(tf.stop_gradient(e))]
    return keras.Model(x, [layers.Dense(2)(both), products, layers.GRU(3)(e + h), *parts, *more])


def main():
    keras.utils.set_random_seed(5)
    model = build()
    rng = np.random.default_rng(5)
    model.set_weights([rng.standard_normal(w.shape).astype(np.float32) * 0.6 for w in model.get_weights()])
    model.save(HERE / "tf-operations.h5", include_optimizer=False)
    again = keras.models.load_model(HERE / "tf-operations.h5", compile=False)
    answers = again(np.array(IDS, np.int32), training=False)
    outputs = [{"shape": list(y.shape), "data": base64.b64encode(y.numpy().astype("<f4").tobytes()).decode()} for y in answers]
    about = {"keras": keras.__version__ if hasattr(keras, "__version__") else "2.15.0", "tensorflow": tf.__version__}
    (HERE / "tf-operations.json").write_text(json.dumps({**about, "ids": IDS, "outputs": outputs}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
