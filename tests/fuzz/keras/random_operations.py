"""Random operations of a graph that are not layers: x * 2, x[:, 1:], keras.ops.mean(x, axis=1)."""

import keras
from random_layers import KERAS3

if KERAS3:
    ops = keras.ops
else:
    import tensorflow as tf


def of_keras(maker, x):
    axis = maker.one_of(1, 2)
    keep = {"keepdims": True}
    swapped = ops.transpose(x, (0, 2, 1)) if x.shape[1] is not None else x
    return maker.one_of(
        lambda: maker.one_of(ops.tanh, ops.sigmoid, ops.relu, ops.silu, ops.softplus, ops.exp, ops.hard_sigmoid, ops.gelu)(x),
        lambda: maker.one_of(ops.square, ops.abs, ops.negative, ops.zeros_like, ops.ones_like)(x),
        lambda: ops.sqrt(ops.abs(x) + 0.5),
        lambda: x + maker.one_of(ops.sum, ops.mean, ops.max, ops.min)(x, axis=axis, **keep),
        lambda: ops.where(x > 0.0, x, -x * 0.5),
        lambda: maker.one_of(ops.maximum, ops.minimum)(x, 0.25),
        lambda: maker.one_of(ops.softmax, ops.log_softmax)(x, axis=axis),
        lambda: ops.clip(x, -0.5, 0.5),
        lambda: ops.power(x, 2),
        lambda: ops.concatenate([x, x * 2.0], axis=axis),
        lambda: ops.flip(x, axis=axis),
        lambda: ops.squeeze(ops.expand_dims(x, 1), 1),
        lambda: ops.matmul(x, ops.transpose(x, (0, 2, 1))) @ x,
        lambda: ops.einsum("btd,bsd->bts", x, x) @ x,
        lambda: ops.transpose(ops.swapaxes(x, 1, 2), (0, 2, 1)),
        lambda: ops.cast(ops.logical_and(x > 0.0, x < 1.0), "float32") + x / 2.0,
        lambda: ops.reshape(swapped, (-1, *swapped.shape[1:])) if x.shape[1] is not None else x - 1.0,
        lambda: ops.sum(ops.stack([x, x], axis=1), axis=1),
        lambda: ops.rsqrt(ops.square(x) + 1.0),
        lambda: maker.one_of(ops.sign, ops.floor, ops.ceil, ops.stop_gradient, ops.log_sigmoid, ops.softsign, ops.relu6, ops.elu, ops.leaky_relu)(x),
        lambda: ops.log(ops.abs(x) + 0.5),
        lambda: x + maker.one_of(ops.prod, ops.var, ops.std)(x, axis=axis, **keep),
        lambda: x + ops.cast(ops.argmax(x, axis=axis, keepdims=True), "float32"),
        lambda: ops.take(x, maker.one_of([0, -1], 1, [[0], [1]]) if axis == 2 else [0, 1, -1], axis=axis),
        lambda: ops.split(x, [1], axis=axis)[1],
        lambda: ops.pad(x, ((0, 0), (1, 0), (0, 2)), mode=maker.one_of("constant", "edge")),
        lambda: maker.one_of(lambda: ops.cast(x, "float32"), lambda: x[:, :], lambda: ops.squeeze(x[..., None], -1))(),
    )()


def of_tensorflow(maker, x):
    axis = maker.one_of(1, 2)
    reduce = maker.one_of(tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min)
    return maker.one_of(
        lambda: maker.one_of(tf.tanh, tf.sigmoid, tf.nn.relu, tf.nn.silu, tf.exp, tf.math.softplus, tf.nn.gelu)(x),
        lambda: maker.one_of(tf.square, tf.abs, tf.negative, tf.zeros_like, tf.ones_like)(x),
        lambda: tf.sqrt(tf.abs(x) + 0.5),
        lambda: x + reduce(x, axis=axis, keepdims=True),
        lambda: tf.where(x > 0.0, x, -x * 0.5),
        lambda: maker.one_of(tf.maximum, tf.minimum)(x, 0.25),
        lambda: maker.one_of(tf.nn.softmax, tf.nn.log_softmax)(x, axis=axis),
        lambda: tf.clip_by_value(x, -0.5, 0.5),
        lambda: x**2,
        lambda: tf.concat([x, x * 2.0], axis=axis),
        lambda: tf.reverse(x, axis=[axis]),
        lambda: tf.squeeze(tf.expand_dims(x, 1), 1),
        lambda: tf.transpose(tf.transpose(x, (0, 2, 1)), (0, 2, 1)),
        lambda: tf.cast(x > 0.0, "float32") + x / 2.0,
        lambda: tf.reduce_sum(tf.stack([x, x], axis=1), axis=1),
        lambda: maker.one_of(tf.sign, tf.floor, tf.math.ceil, tf.stop_gradient, tf.math.log_sigmoid, tf.nn.relu6, tf.nn.elu)(x),
        lambda: x + maker.one_of(tf.reduce_prod, tf.math.reduce_variance, tf.math.reduce_std)(x, axis=axis, keepdims=True),
        lambda: tf.math.log(tf.abs(x) + 0.5),
        lambda: tf.cast(x, "float32"),
        lambda: tf.split(x, [1, int(x.shape[axis]) - 1], axis=axis)[1] if x.shape[axis] else tf.identity(x),
        lambda: tf.gather(x, maker.one_of([0, 1], [1]), axis=axis),
        lambda: tf.pad(x, [[0, 0], [1, 0], [0, 2]], maker.one_of("CONSTANT", "SYMMETRIC"), constant_values=maker.one_of(0, 0.5)),
    )()


def operation(maker, x):
    """An operation on a sequence [B, T, D] whose result is a sequence."""
    if maker.chance(0.3):
        return maker.one_of(lambda: x * 2.0, lambda: x + 1.0, lambda: x - x * 0.5, lambda: -x, lambda: 1.0 - x, lambda: x[:, 1:], lambda: x[:, ::-1], lambda: x[..., :2])()
    return of_keras(maker, x) if KERAS3 else of_tensorflow(maker, x)
