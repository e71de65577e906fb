"""Random ONNX graphs of text models, with onnxruntime's answers, in the form of tests/models/onnx/store.py.

    python make_models.py FOLDER N SEED

A graph begins with ids and an embedding, or with values [B, T, D], in some opset. Then come blocks on a sequence [B, T, C]: recurrent
nodes with their options, convolutions, pooling, norms, elementwise operators, softmax, products, residuals, branches side by side. Most
graphs then leave the time axis, by a reduction, a step or a final state, and go on with vectors [B, C].
"""

import contextlib
import io
import random
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "onnx"))
from store import Store  # noqa: E402

V = 11
NOISE, AMPLIFIED = 1e-6, 50  # of weights and inputs, and how many times as much an answer may change
EPSILON = 1e-3  # of norms: with less they enlarge the errors of onnxruntime's sigmoid, some 1e-6, too much
OPSETS = [9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21]
UNARY = [
    "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "Neg", "Abs", "Exp", "Erf", "Sin", "Cos", "Tan", "Atan",
    "Sinh", "Cosh", "Asinh", "Shrink", "Floor", "Identity",
]  # fmt: skip
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


class Graph:
    """Builds a graph node by node, and numbers the names of tensors."""

    def __init__(self, rng):
        self.rng, self.opset = rng, rng.choice(OPSETS)
        self.values = np.random.default_rng(rng.randrange(2**32))
        self.nodes, self.constants, self.inputs = [], [], []
        self.kinds = []
        self.lengths = False
        self.windows = 0  # how many nodes look at windows of time: then rows must not be short

    def chance(self, p):
        return self.rng.random() < p

    def constant(self, array):
        name = f"c{len(self.constants)}"
        if self.chance(0.2):  # exporters write either
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(array), name)))
            self.constants.append(None)
        else:
            self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape, scale=0.6):
        return self.constant((self.values.standard_normal(shape) * scale).astype(np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def node(self, op, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"n{len(self.nodes)}", **attributes))
        self.kinds.append(op)
        return names[0] if outputs == 1 else names

    def axes(self, op, x, axes, since=13, **attributes):
        """An operator whose axes became an input in opset `since`."""
        if self.opset >= since:
            return self.node(op, [x, self.ints(*axes)], **attributes)
        return self.node(op, [x], axes=list(axes), **attributes)

    def slice(self, x, start, end, axis, step=1):
        if self.opset < 10:
            return self.node("Slice", [x], starts=[start], ends=[end], axes=[axis])
        return self.node("Slice", [x, self.ints(start), self.ints(end), self.ints(axis), *([self.ints(step)] if step != 1 or self.chance(0.5) else [])])


def recurrent(g, x, size):
    """[B, T, C] -> [B, T, H] or the final state [B, H]; the second value says which."""
    op, two, h = g.rng.choice(list(GATES)), g.rng.choice(["forward", "reverse", "bidirectional"]), g.rng.randint(1, 5)
    count, width = 2 if two == "bidirectional" else 1, GATES[op] * h
    attributes = {"hidden_size": h, "direction": two}
    inputs = [g.node("Transpose", [x], perm=[1, 0, 2]), g.weights(count, width, size), g.weights(count, width, h)]
    inputs.append(g.weights(count, 2 * width) if g.chance(0.8) else "")
    inputs.append(g.node("Cast", ["lengths"], to=TensorProto.INT32) if g.lengths else "")
    if g.chance(0.15):
        state = g.node("Expand", [g.weights(count, 1, h), g.node("Concat", [g.ints(count), g.node("Slice" if g.opset < 10 else "Gather", *([[g.node("Shape", [x])]] if g.opset < 10 else [[g.node("Shape", [x]), g.ints(0)]]), **({"starts": [0], "ends": [1], "axes": [0]} if g.opset < 10 else {})), g.ints(h)], axis=0)])  # fmt: skip
        inputs.append(state)
    else:
        inputs.append("")
    if op == "LSTM" and g.chance(0.1):
        inputs += ["", g.weights(count, 3 * h)]
    if op == "LSTM" and g.chance(0.05):
        attributes["input_forget"] = 1
    if op == "GRU":
        attributes["linear_before_reset"] = g.rng.randint(0, 1)
    if g.chance(0.1):
        attributes["clip"] = g.rng.choice([0.5, 2.0])
    if g.chance(0.3):
        own = {"RNN": ["Relu"], "GRU": ["Sigmoid", "Relu"], "LSTM": ["HardSigmoid", "Tanh", "Softsign"]}[op]
        attributes["activations"] = own * count
        if "HardSigmoid" in own and g.chance(0.5):
            attributes["activation_alpha"], attributes["activation_beta"] = [0.2] * count, [0.5] * count
    while inputs[-1] == "":
        inputs.pop()
    results = g.node(op, inputs, 3 if op == "LSTM" else 2, **attributes)
    if g.chance(0.4):  # [count, B, H]
        moved = g.node("Transpose", [results[1]], perm=[1, 0, 2])
        return g.node("Reshape", [moved, g.ints(-1 if g.chance(0.5) else 0, count * h)]), count * h, False
    if count == 1:
        y = g.axes("Squeeze", results[0], [1])
        return g.node("Transpose", [y], perm=[1, 0, 2]), h, True
    y = g.node("Transpose", [results[0]], perm=[2, 0, 1, 3])
    return g.node("Reshape", [y, g.ints(0, 0, 2 * h)]), 2 * h, True


def convolution(g, x, size):
    g.windows += 1
    x = g.node("Transpose", [x], perm=[0, 2, 1])
    kind, k = g.rng.random(), g.rng.randint(1, 4)
    pads = [g.rng.randint(0, k - 1), g.rng.randint(0, k - 1)] if g.chance(0.7) else [0, 0]
    options = {"kernel_shape": [k], "strides": [g.rng.choice([1, 1, 1, 2])]}
    if g.chance(0.2) and k > 1:
        options["auto_pad"] = g.rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    else:
        options["pads"] = pads
    if kind < 0.6:
        group = size if g.chance(0.2) else 1
        out = size * g.rng.randint(1, 2) if group > 1 else g.rng.randint(1, 6)
        if "auto_pad" not in options and g.chance(0.2):
            options["dilations"] = [2]
        x = g.node("Conv", [x, g.weights(out, size // group, k), *([g.weights(out)] if g.chance(0.7) else [])], group=group, **options)
        size = out
    else:
        if g.opset >= 10 and "auto_pad" not in options and g.chance(0.3):
            options["ceil_mode"] = 1
        if kind < 0.8:
            x = g.node("MaxPool", [x], **options)
        else:
            x = g.node("AveragePool", [x], count_include_pad=g.rng.randint(0, 1), **options)
    return g.node("Transpose", [x], perm=[0, 2, 1]), size


def padded(g, x):
    """Steps at both ends of [B, T, C]. Rows of fewer steps cannot be reflected."""
    if g.opset < 11:
        return g.node("Pad", [x], pads=[0, 1, 0, 0, 2, 0], value=0.5)
    mode = g.rng.choice(["constant", "edge", "reflect"])
    g.windows += mode == "reflect"
    filler = [g.constant(np.float32(g.rng.choice([0, -1.5])))] if mode == "constant" else []
    return g.node("Pad", [x, g.ints(0, 2, 0, 0, 1, 0), *filler], mode=mode)


def image(g, x, size):
    """A convolution over [B, 1, T, C] whose kernel covers all of C."""
    g.windows += 1
    out, k = g.rng.randint(1, 5), g.rng.randint(1, 3)
    x = g.axes("Unsqueeze", x, [1])
    x = g.node("Conv", [x, g.weights(out, 1, k, size), g.weights(out)], kernel_shape=[k, size], pads=[k - 1, 0, 0, 0])
    return g.node("Transpose", [g.axes("Squeeze", x, [3])], perm=[0, 2, 1]), out


def reversed_steps(g, x):
    """[B, T, C] with the first steps of each row in reverse."""
    return g.node("ReverseSequence", [x, "lengths"], time_axis=1, batch_axis=0)


def of_characters(g):
    """ids [B, T, C] -> a vector of each word, [B, T, D]."""
    g.inputs.append(helper.make_tensor_value_info("chars", TensorProto.INT64, ["batch", "time", "characters"]))
    size = g.rng.randint(1, 5)
    shape = g.node("Shape", ["chars"])
    texts, words = (g.node("Gather", [shape, g.ints(i)], axis=0) for i in range(2))
    flat = g.node("Reshape", ["chars", g.node("Concat", [g.node("Mul", [texts, words]), g.ints(-1)], axis=0)])
    x = g.node("Gather", [g.weights(V, size), flat])
    kind = g.rng.random()
    if kind < 0.4:
        out = g.rng.randint(1, 5)
        x = g.node("Conv", [g.node("Transpose", [x], perm=[0, 2, 1]), g.weights(out, size, 3)], kernel_shape=[3], pads=[1, 1])
        x, size = g.axes("ReduceMax", g.node("Tanh", [x]), [2], since=18, keepdims=0), out
    elif kind < 0.7:
        h = g.rng.randint(1, 4)
        states = g.node("GRU", [g.node("Transpose", [x], perm=[1, 0, 2]), g.weights(2, 3 * h, size), g.weights(2, 3 * h, h)], 2, hidden_size=h, direction="bidirectional")
        x, size = g.node("Reshape", [g.node("Transpose", [states[1]], perm=[1, 0, 2]), g.ints(-1, 2 * h)]), 2 * h
    else:
        x = g.axes("ReduceMean", x, [1], since=18, keepdims=0)
    return g.node("Reshape", [x, g.node("Concat", [texts, words, g.ints(size)], axis=0)]), size


def self_attention(g, x, size):
    scores = g.node("MatMul", [x, g.node("Transpose", [g.node("MatMul", [x, g.weights(size, size)])], perm=[0, 2, 1])])
    return g.node("MatMul", [g.node("Softmax", [scores], axis=2), x])


def norm(g, x, size, sequence):
    if sequence and g.chance(0.4):
        x = g.node("Transpose", [x], perm=[0, 2, 1])
        variance = g.constant((g.values.random(size) + 0.5).astype(np.float32))
        x = g.node("BatchNormalization", [x, g.weights(size), g.weights(size), g.weights(size), variance])
        return g.node("Transpose", [x], perm=[0, 2, 1])
    if g.opset >= 17 and g.chance(0.5):
        return g.node("LayerNormalization", [x, g.weights(size), *([g.weights(size)] if g.chance(0.7) else [])], axis=-1, epsilon=EPSILON)
    # The nodes that exporters write for layer normalisation before opset 17.
    centred = g.node("Sub", [x, g.axes("ReduceMean", x, [-1], since=18)])
    squares = g.node("Pow", [centred, g.constant(np.float32(2))])
    deviation = g.node("Sqrt", [g.node("Add", [g.axes("ReduceMean", squares, [-1], since=18), g.constant(np.float32(EPSILON))])])
    return g.node("Add", [g.node("Mul", [g.node("Div", [centred, deviation]), g.weights(size)]), g.weights(size)])


def elementwise(g, x, size):
    kind = g.rng.random()
    if kind < 0.5:
        op = g.rng.choice(UNARY)
        attributes = {"alpha": 0.3} if op in ("LeakyRelu", "Elu") and g.chance(0.5) else {}
        if op == "Shrink":
            attributes = {"lambd": 0.3, "bias": g.rng.choice([0.0, 0.3, 0.1])}
        return g.node(op, [x], **attributes)
    if kind < 0.55:
        positive = g.node("Add", [g.node("Abs", [x]), g.constant(np.float32(0.5))])
        return g.node("Pow", [positive, g.constant(np.float32(g.rng.choice([-1, 0.5, 1.5, 2, 3, 5])))])
    if kind < 0.6 and g.opset >= 10:
        return g.node("Mod", [x, g.constant(np.float32(0.7))], fmod=1)
    if kind < 0.75:
        other = g.constant(np.float32(g.rng.choice([0.5, 2, -1.5]))) if g.chance(0.4) else g.weights(size)
        op = g.rng.choice(["Add", "Mul", "Sub", "Max", "Min"])
        return g.node(op, [x, other] if g.chance(0.7) else [other, x])
    if kind < 0.85:
        if g.opset < 11:
            return g.node("Clip", [x], min=-0.5, max=0.7)
        return g.node("Clip", [x, g.constant(np.float32(-0.5)), g.constant(np.float32(0.7)) if g.chance(0.7) else ""])
    positive = g.node("Greater" if g.chance(0.5) else "Less", [x, g.constant(np.float32(0))])
    if g.chance(0.5):
        return g.node("Where", [positive, x, g.weights(size)])
    return g.node("Mul", [g.node("Cast", [positive], to=TensorProto.FLOAT), x])


def product(g, x, size, sequence):
    out = g.rng.randint(1, 6)
    if not sequence and g.chance(0.6):
        flip = g.rng.randint(0, 1)
        return g.node("Gemm", [x, g.weights(*((out, size) if flip else (size, out))), g.weights(out)], transB=flip, alpha=g.rng.choice([1.0, 0.5])), out
    y = g.node("MatMul", [x, g.weights(size, out)])
    return (g.node("Add", [y, g.weights(out)] if g.chance(0.5) else [g.weights(out), y]) if g.chance(0.7) else y), out


def attention(g, x, size):
    """[B, T, C] -> [B, C]: weights from a softmax over time."""
    scores = g.node("MatMul", [x, g.weights(size, 1)])
    if g.opset < 13:  # the softmax of opset 12 flattens
        weights = g.node("Transpose", [g.node("Softmax", [g.node("Transpose", [scores], perm=[0, 2, 1])], axis=2)], perm=[0, 2, 1])
    else:
        weights = g.node("Softmax", [scores], axis=1)
    return g.axes("ReduceSum", g.node("Mul", [weights, x]), [1], keepdims=0)


def leave_time(g, x, size):
    kind = g.rng.random()
    if kind < 0.5:
        op, since = g.rng.choice([("ReduceMean", 18), ("ReduceMax", 18), ("ReduceMin", 18), ("ReduceSum", 13), ("ReduceL2", 18), ("ReduceLogSumExp", 18)])
        return g.axes(op, x, [1], since=since, keepdims=0)
    if kind < 0.65:
        return g.node("Gather", [x, g.constant(np.int64(g.rng.choice([-1, 0])))], axis=1)
    if kind < 0.75:
        return g.axes("Squeeze", g.slice(x, -1, 2**31 - 1 if g.chance(0.5) else 2**63 - 1, 1), [1])
    if kind < 0.85:
        pooled = g.node(g.rng.choice(["GlobalMaxPool", "GlobalAveragePool"]), [g.node("Transpose", [x], perm=[0, 2, 1])])
        return g.axes("Squeeze", pooled, [2]) if g.chance(0.5) else g.node("Flatten", [pooled])
    return attention(g, x, size)


def branch(g, x, size, sequence):
    """Two parallel branches, or a residual connection."""
    y, other = product(g, x, size, sequence) if g.chance(0.5) else (elementwise(g, x, size), size)
    if other == size and g.chance(0.5):
        return g.node("Add", [x, y]), size
    joined = g.node("Concat", [x, y], axis=-1 if g.opset >= 11 else (2 if sequence else 1))
    if g.chance(0.3):
        last = 2 if sequence else 1
        sizes = [size, other]
        parts = g.node("Split", [joined, g.ints(*sizes)], 2, axis=last) if g.opset >= 13 else g.node("Split", [joined], 2, axis=last, split=sizes)
        return g.node("Tanh", [parts[1]]), other
    return joined, size + other


def build(g):
    kind = g.rng.random()
    if kind < 0.12:
        x, size = of_characters(g)
    elif kind < 0.6:
        g.inputs.append(helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "time"]))
        size = g.rng.randint(1, 6)
        x = g.node("Gather", [g.weights(V, size), "ids"])
    else:
        size = g.rng.randint(1, 6)
        g.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "time", size]))
        x = "x"
    g.lengths = g.chance(0.25)
    g.input_size, sequence, before = size, True, x
    for _ in range(g.rng.randint(1, 6)):
        kind = g.rng.random()
        if sequence and kind < 0.35:
            x, size, sequence = recurrent(g, x, size)
        elif sequence and kind < 0.45 and not g.lengths and g.windows < 2:
            which = g.rng.random()
            if which < 0.6:
                x, size = convolution(g, x, size)
            elif which < 0.75:
                x = padded(g, x)
            elif which < 0.9:
                x, size = image(g, x, size)
            elif g.opset >= 13:
                x = self_attention(g, x, size)
        elif sequence and kind < 0.45 and g.lengths and g.opset >= 10:
            x = reversed_steps(g, x)
        elif kind < 0.55:
            x = norm(g, x, size, sequence)
        elif kind < 0.7:
            x = elementwise(g, x, size)
        elif kind < 0.85:
            x, size = product(g, x, size, sequence)
        else:
            x, size = branch(g, x, size, sequence)
        if sequence and g.chance(0.1):
            x = leave_time(g, x, size)
            sequence = False
    if sequence and g.chance(0.6):
        x, sequence = leave_time(g, x, size), False
    if x == before:
        x = g.node("Tanh", [x])
    ends = g.rng.random()
    if ends < 0.2:
        x = g.node(g.rng.choice(["Softmax", "LogSoftmax"]), [x], axis=2 if sequence else 1)
    elif ends < 0.3:
        x = g.node("Sigmoid", [x])
    if g.lengths and not any("lengths" in each.input for each in g.nodes):
        g.lengths = False
    if g.lengths:
        g.inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]))
    outputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", "time", size] if sequence else ["batch", size])]
    graph = helper.make_graph(g.nodes, "random", g.inputs, outputs, [each for each in g.constants if each is not None])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", g.opset)], ir_version=4 if g.opset < 10 else 8)
    checker.check_model(model)
    return model


def runs_of(g):
    runs = []
    least = [1, 7, 25][g.windows]
    for b, t in ((3, least + g.rng.randint(3, 9)), (1, least), (1, least + g.rng.randint(1, 8))):
        run = {each.name: None for each in g.inputs}
        for name in run:
            if name == "ids":
                run[name] = g.values.integers(0, V, (b, t))
            elif name == "chars":
                run[name] = g.values.integers(0, V, (b, t, g.rng.randint(1, 6)))
            elif name == "x":
                run[name] = g.values.standard_normal((b, t, g.input_size)).astype(np.float32)
            else:
                run[name] = g.values.integers(1, t + 1, b)
                run[name][0] = t
        runs.append(run)
    return runs


def check_conditioned(model, runs, rng):
    """Raises if rounding errors of weights and inputs change an answer much, because then no two engines agree."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    tensors = [*other.graph.initializer, *(each.attribute[0].t for each in other.graph.node if each.op_type == "Constant")]
    for tensor in tensors:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            noise = 1 + NOISE * rng.standard_normal(array.shape)
            tensor.CopyFrom(numpy_helper.from_array((array * noise).astype(np.float32), tensor.name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    sessions = [onnxruntime.InferenceSession(each.SerializeToString(), options, providers=["CPUExecutionProvider"]) for each in (model, other)]
    for run in runs:
        noisy = {name: (x * (1 + NOISE * rng.standard_normal(x.shape))).astype(x.dtype) if x.dtype == np.float32 else x for name, x in run.items()}
        for a, b in zip(sessions[0].run(None, run), sessions[1].run(None, noisy), strict=True):
            assert np.all(np.abs(a - b) <= AMPLIFIED * NOISE * np.maximum(1, np.abs(a))), "ill-conditioned"


def main(folder, count, seed):
    store = Store(folder, "random", seed=seed)
    for index in range(int(seed), int(seed) + int(count)):
        g = Graph(random.Random(index))
        try:
            model = build(g)
            runs = runs_of(g)
            check_conditioned(model, runs, g.values)
            with contextlib.redirect_stdout(io.StringIO()):
                store.add(f"random-{index}", model.SerializeToString(), runs, operators=sorted(set(g.kinds)))
        except Exception as error:  # onnxruntime lacks it, or an answer is infinite
            store.fail(f"random-{index}", error)
    store.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
