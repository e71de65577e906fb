"""Random layers and options of Keras that few models have. RARE=0.5 in the environment makes them frequent."""

import os

import keras
from random_layers import KERAS3, L, RandomLayers

RARE = float(os.environ.get("RARE", 0.06))
NAMES = ("log_sigmoid", "hard_tanh", "squareplus", "sparse_plus", "sparse_sigmoid", "hard_shrink", "soft_shrink", "tanh_shrink", "celu", "glu", "sparsemax")
ACTIVATIONS = [name for name in NAMES if hasattr(keras.activations, name)]


class RareLayers(RandomLayers):
    """Draws rare layers from the same generator."""

    def is_rare(self):
        return self.chance(RARE)

    def rare_activation(self):
        return self.one_of(self.activation(), *ACTIVATIONS)

    def einsum(self):
        equation, shape, bias = self.one_of(
            ("abc,cd->abd", (None, 3), "d"), ("...x,xy->...y", 3, "y"), ("abc,dc->abd", (None, 2), "d"), ("...ab,bc->...ac", (None, 2), "c")
        )
        return L.EinsumDense(equation, output_shape=shape, activation=self.rare_activation(), bias_axes=self.one_of(None, bias))

    def heads(self, x):
        """Heads appear, are permuted, and disappear."""
        x = L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes=self.one_of(None, "e", "de", "d"))(x)
        if self.chance(0.5):
            x = self.one_of(
                lambda: L.Permute((1, 3, 2)), lambda: L.LeakyReLU(), lambda: L.PReLU(shared_axes=[1]), L.LayerNormalization, lambda: L.PReLU(shared_axes=[1, 3])
            )()(x)
        if self.chance(0.5):
            return L.Reshape((-1, 6))(x)
        last = self.one_of("abcd,cde->abe", "abcd,edc->abe")
        return L.EinsumDense(last, output_shape=(None, 4), bias_axes=self.one_of(None, "e"))(x)

    def over_axis_1(self):
        switches = self.some(0.3, center=False) | self.some(0.3, scale=False) | self.some(0.3, epsilon=0.1)
        if KERAS3 and self.chance(0.4):
            return L.LayerNormalization(axis=self.one_of(-1, 1, [1]), rms_scaling=True, **switches)
        return self.one_of(L.LayerNormalization, L.BatchNormalization)(axis=1, **switches)

    def grouped(self, x):
        options = self.some(0.3, use_bias=False)
        called = self.some(0.2, use_causal_mask=True)
        return L.GroupQueryAttention(2, self.one_of(2, 4), self.one_of(1, 2), **options)(x, x, **called)

    def rare(self, x):
        """The result of a rare layer for a sequence [B, T, D]."""
        kinds = [
            lambda: self.einsum()(x),
            lambda: self.heads(x),
            lambda: L.SpectralNormalization(L.Dense(self.units(), activation=self.rare_activation()))(x),
            lambda: L.SpectralNormalization(L.Conv1D(2, 2, padding="same"))(x),
            lambda: L.Activation(self.rare_activation() or "linear")(x),
            lambda: L.Dense(self.units(), activation=self.rare_activation())(x),
            lambda: L.Permute((2, 1))(L.Activation("softmax")(L.Permute((2, 1))(x))),
            lambda: L.Permute((1, 2))(x),
            lambda: L.Reshape((-1, x.shape[-1] if self.chance(0.3) else self.one_of(1, 2)))(x),
            lambda: L.Cropping1D(0)(x),
            lambda: L.PReLU(shared_axes=[1, 2])(x),
        ]
        if hasattr(L, "GroupQueryAttention"):
            kinds.append(lambda: self.grouped(x))
        if x.shape[1] is not None:
            kinds += [lambda: self.over_axis_1()(x), lambda: L.PReLU(shared_axes=[2])(x)]
        return self.one_of(*kinds)()

    def table(self, ids, vocabulary, features):
        """A ReversibleEmbedding, often called in both directions."""
        table = L.ReversibleEmbedding(
            vocabulary, features, mask_zero=self.chance(0.7), tie_weights=self.chance(0.5), logit_soft_cap=self.one_of(None, 3.0)
        )
        x = table(ids)
        return table(self.one_of(L.Dense(features), L.Identity())(x), reverse=True) if self.chance(0.6) else x

    def bins(self, name, features):
        """Vectors of values, as ids of their bins or in other forms."""
        x = keras.Input((features,), name=name)
        mode = self.one_of("int", "int", "one_hot") if KERAS3 else "int"
        y = L.Discretization([-1.0, 0.0, 0.5], output_mode=mode)(x)
        return x, L.Embedding(4, features)(y) if mode == "int" else y
