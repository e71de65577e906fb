"""Random layers of Keras with random options: every option that padless reads has a chance."""

import keras

L = keras.layers
KERAS3 = int(keras.__version__.split(".")[0]) >= 3
ACTIVATIONS = ["relu", "tanh", "sigmoid", "softmax", "elu", "selu", "softplus", "softsign", "swish", "gelu", "exponential", "hard_sigmoid", "linear", "mish"]
if KERAS3:
    newer = ["celu", "log_sigmoid", "hard_tanh", "squareplus", "sparse_plus", "sparse_sigmoid", "hard_shrink", "soft_shrink", "tanh_shrink"]
    ACTIVATIONS += ["relu6", "leaky_relu", "silu", "hard_silu", "log_softmax"] + [name for name in newer if hasattr(keras.activations, name)]
#: Compiled without the path of this file, which Keras would save.
HALVE = eval(compile("lambda x: x * 0.5 + 1.0", "halve", "eval"))
ODD_NAMES = ["layer", "x-1", "Dense", "embedding", "model_weights", "0", "vars", "lstm_cell", "kernel", "layers", "bidirectional_7", "top.level"]
if KERAS3:
    ODD_NAMES += ["a b", "Größe", "层", "__proto__", "constructor"]


@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    """y = second(first(x)), a user's class. tests/fuzz/keras/compare.js has the same in JavaScript."""

    def __init__(self, units=2, **config):
        super().__init__(**config)
        self.units = units
        self.first = L.Dense(3, activation="tanh")
        self.second = L.Dense(units)
        self.supports_masking = True

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 3))
        self.built = True

    def call(self, x):
        return self.second(self.first(x))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("mine")
def doubled(x):
    """A user's activation."""
    return x * 2.0


class RandomLayers:
    """Draws layers from one generator. `length` is the length of the model's sequences, None: varies."""

    def __init__(self, rng):
        self.rng = rng
        self.length = None
        self.stateful = False
        self.names = 0

    def one_of(self, *values):
        return values[self.rng.integers(len(values))]

    def chance(self, p):
        return self.rng.random() < p

    def units(self):
        return int(self.rng.integers(2, 5))

    def some(self, p=0.25, **options):
        """Each option with chance p; a value that is a function is called for one."""
        drawn = {}
        for name, value in options.items():
            if self.chance(p):
                drawn[name] = value() if callable(value) else value
        return drawn

    def activation(self):
        if self.chance(0.06):
            return self.one_of(L.LeakyReLU(0.2), L.ELU(0.5), L.ReLU(max_value=1.0), doubled)
        return self.one_of(None, *ACTIVATIONS)

    def name(self):
        """Mostly Keras's own; some that are legal and odd."""
        if self.chance(0.85):
            return {}
        self.names += 1
        return {"name": self.one_of(*ODD_NAMES) + f"_{self.names}"}

    # Recurrent layers.

    def cell_options(self, kind):
        options = self.some(
            0.12,
            activation=lambda: self.one_of("relu", "sigmoid", "linear", "softsign", "hard_sigmoid", "elu", None),
            use_bias=False,
            dropout=0.3,
            recurrent_dropout=0.2,
        )
        if "GRU" in kind.__name__:
            options |= self.some(0.3, reset_after=False)
        if "SimpleRNN" not in kind.__name__:
            options |= self.some(0.2, recurrent_activation=lambda: self.one_of("hard_sigmoid", "tanh", "relu"))
        if "LSTM" in kind.__name__:
            options |= self.some(0.15, unit_forget_bias=False)
        return options

    def layer_options(self, p=0.12):
        options = self.some(p, go_backwards=True)
        if self.length:
            options |= self.some(p, unroll=True)
        if self.stateful:
            options |= self.some(0.5, stateful=True)
        if KERAS3:
            options |= self.some(p, zero_output_for_mask=True)
        return options

    def recurrent(self, sequences=True, **more):
        kind = self.one_of(L.SimpleRNN, L.GRU, L.LSTM)
        return kind(self.units(), return_sequences=sequences, **self.cell_options(kind), **self.layer_options(), **more, **self.name())

    def bidirectional(self, sequences=True, **more):
        kind = self.one_of(L.SimpleRNN, L.GRU, L.LSTM)
        units = self.units()
        unroll = {"unroll": True} if self.length and self.chance(0.1) else {}
        forward = kind(units, return_sequences=sequences, **self.cell_options(kind), **unroll, **more)
        options = {"merge_mode": self.one_of("concat", "concat", "sum", "mul", "ave")}
        if self.chance(0.2):
            other = self.one_of(L.SimpleRNN, L.GRU, L.LSTM) if not more else kind
            width = self.units() if options["merge_mode"] == "concat" and not more else units
            options["backward_layer"] = other(width, return_sequences=sequences, go_backwards=True, **more)
        return L.Bidirectional(forward, **options, **self.name())

    def of_cells(self, sequences=True, **more):
        kinds = [self.one_of(L.SimpleRNNCell, L.GRUCell, L.LSTMCell) for _ in range(self.one_of(1, 2, 3))]
        cells = [kind(self.units(), **self.cell_options(kind)) for kind in kinds]
        options = self.layer_options(0.1)
        if len(cells) > 1:
            options.pop("go_backwards", None)
        return L.RNN(cells if len(cells) > 1 else cells[0], return_sequences=sequences, **options, **more)

    # Windows over time.

    def window_options(self, causal=True):
        options = {"padding": self.one_of("same", "valid", *(["causal"] if causal else []))}
        options |= self.some(0.6, activation=self.activation)
        options |= self.some(0.15, use_bias=False)
        if self.chance(0.2):
            options["dilation_rate"] = 2
        elif self.chance(0.25):
            options["strides"] = self.one_of(2, 3)
        return options

    def conv(self, features):
        options = self.window_options()
        if features % 2 == 0 and self.chance(0.25):
            return L.Conv1D(self.one_of(2, 4), self.one_of(1, 2, 3), groups=2, **options)
        return L.Conv1D(self.units(), self.one_of(1, 2, 3, 4), **options, **self.name())

    def depthwise(self):
        options = self.window_options(causal=False)
        if not KERAS3:
            options.pop("dilation_rate", None)
        return L.DepthwiseConv1D(self.one_of(1, 2, 3), **self.some(0.3, depth_multiplier=2), **options)

    def separable(self):
        return L.SeparableConv1D(self.units(), self.one_of(1, 2, 3), **self.some(0.3, depth_multiplier=2), **self.window_options())

    def transposed(self):
        options = {"padding": self.one_of("same", "valid")}
        options |= self.some(0.4, strides=lambda: self.one_of(2, 3))
        options |= self.some(0.4, activation=self.activation) | self.some(0.15, use_bias=False)
        if "strides" in options and not KERAS3:
            options |= self.some(0.3, output_padding=1)
        if "strides" not in options and self.chance(0.2):
            options["dilation_rate"] = 2
        return L.Conv1DTranspose(self.units(), self.one_of(2, 3), **options)

    def pooling(self):
        kind = self.one_of(L.MaxPooling1D, L.AveragePooling1D)
        options = self.some(0.4, strides=lambda: self.one_of(1, 2, 3)) | self.some(0.5, padding=lambda: self.one_of("same", "valid"))
        return kind(self.one_of(2, 3), **options)

    def resizing(self):
        pair = lambda: self.one_of(1, (1, 0), (0, 1), (1, 1))  # noqa: E731
        return self.one_of(
            lambda: L.ZeroPadding1D(pair()),
            lambda: L.Cropping1D(pair()),
            lambda: L.UpSampling1D(self.one_of(2, 3)),
        )()

    # Layers that keep the shape.

    def normalization(self):
        switches = lambda: self.some(0.25, center=False) | self.some(0.25, scale=False)  # noqa: E731
        epsilon = lambda: self.some(0.3, epsilon=0.1)  # noqa: E731
        kinds = [
            lambda: L.LayerNormalization(**switches(), **epsilon()),
            lambda: L.BatchNormalization(**switches(), **epsilon()),
            lambda: L.UnitNormalization(),
            lambda: L.GroupNormalization(groups=self.one_of(1, -1), **switches(), **epsilon()),
        ]
        if hasattr(L, "RMSNormalization"):
            kinds.append(lambda: L.RMSNormalization(**epsilon()))
        if KERAS3 and "rms_scaling" in L.LayerNormalization(name="asked").get_config():
            kinds.append(lambda: L.LayerNormalization(rms_scaling=True, **epsilon()))
        if self.length:
            kinds.append(lambda: L.LayerNormalization(axis=[1, 2]))
            kinds.append(lambda: self.one_of(L.LayerNormalization, L.BatchNormalization)(axis=1, **switches()))
        return self.one_of(*kinds)()

    def parametric(self):
        slope = "negative_slope" if KERAS3 else "alpha"
        kinds = [
            lambda: L.ReLU(**self.some(0.4, max_value=1.5, negative_slope=0.1, threshold=0.2)),
            lambda: L.LeakyReLU(**self.some(0.6, **{slope: 0.2})),
            lambda: L.ELU(**self.some(0.6, alpha=0.5)),
            lambda: L.Softmax(**self.some(0.4, axis=lambda: self.one_of(-1, 1, 2))),
            lambda: L.Rescaling(self.one_of(0.5, -2.0), self.one_of(0.0, 0.25)),
            lambda: L.PReLU(shared_axes=self.one_of([1], [1], [1, 2])),
        ]
        if hasattr(L, "ThresholdedReLU"):
            kinds.append(lambda: L.ThresholdedReLU(0.4))
        if self.length:
            kinds.append(lambda: L.PReLU())
        return self.one_of(*kinds)()

    def idle(self):
        return self.one_of(
            L.Dropout(0.4), L.SpatialDropout1D(0.4), L.GaussianNoise(0.2), L.GaussianDropout(0.2), L.AlphaDropout(0.2), L.Identity(), L.ActivityRegularization(0.1)
        )

    def einsum(self):
        if not hasattr(L, "EinsumDense"):
            return L.Dense(self.units())
        options = self.some(0.5, bias_axes="d") | self.some(0.3, activation=self.activation)
        if self.chance(0.5):
            return L.EinsumDense("...c,cd->...d", output_shape=self.units(), **options)
        return L.EinsumDense("abc,cd->abd", output_shape=(self.length, self.units()), **options)

    def spectral(self):
        if not KERAS3:
            return L.Dense(self.units())
        return L.SpectralNormalization(self.one_of(L.Dense(self.units(), activation=self.activation()), L.Conv1D(2, 2)))

    def each_step(self):
        return self.one_of(
            self.einsum,
            self.spectral,
            lambda: L.Permute((1, 2)),
            lambda: L.Activation(self.activation() or "linear"),
            lambda: L.Dense(self.units(), activation=self.activation(), **self.some(0.2, use_bias=False), **self.name()),
            lambda: L.TimeDistributed(L.Dense(self.units(), activation=self.activation())),
            lambda: L.TimeDistributed(keras.Sequential([L.Dense(self.units()), L.Dropout(0.1), L.LayerNormalization()])),
            lambda: Twice(self.units()),
            lambda: L.Masking(self.one_of(0.0, 0.5)),
        )()

    def halve(self):
        """A Lambda, which compare.js replaces by its name."""
        self.names += 1
        return L.Lambda(HALVE, name=f"halve_{self.names}")

    def over_steps(self, features):
        """A layer from [B, T, D] to [B, T', D']."""
        return self.one_of(
            self.recurrent,
            self.recurrent,
            self.bidirectional,
            self.bidirectional,
            self.of_cells,
            lambda: self.conv(features),
            self.depthwise,
            self.separable,
            self.transposed,
            self.pooling,
            self.resizing,
            self.normalization,
            self.normalization,
            self.parametric,
            self.parametric,
            self.idle,
            self.each_step,
            self.each_step,
        )()

    def on_vectors(self):
        return self.one_of(
            lambda: L.Dense(self.units(), activation=self.activation(), **self.some(0.2, use_bias=False), **self.name()),
            lambda: self.one_of(L.LayerNormalization, L.BatchNormalization, L.UnitNormalization)(),
            lambda: self.one_of(L.Dropout(0.2), L.ReLU(), L.Activation(self.activation() or "relu"), L.LeakyReLU(), L.PReLU(), L.Softmax(), L.Identity()),
            lambda: Twice(self.units()),
        )()
