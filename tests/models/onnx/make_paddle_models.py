"""Exports Paddle models with random weights to ONNX by paddle2onnx, for the tests of fromOnnx.

    pip install -r requirements-paddle.txt && python make_paddle_models.py          # the stored ones, into this folder
    python make_paddle_models.py FOLDER                                             # all, into FOLDER

store.py says what is written. Paddle's `sequence_length` of a recurrent layer becomes sequence_lens.
"""

import itertools
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import paddle
import paddle2onnx
from paddle import nn
from store import Store

warnings.filterwarnings("ignore")
V, E, H, K = 12, 4, 3, 2
SEED = 20240517
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.SimpleRNN}
OPSETS = [9, 11, 12, 13, 14, 15, 16]


class Base(nn.Layer):
    layers, dropout = 1, 0.0

    def __init__(self, cell, bidirectional):
        super().__init__()
        self.two = 2 if bidirectional else 1
        self.direction = "bidirect" if bidirectional else "forward"
        self.embed = nn.Embedding(V, E)
        self.rnn = CELLS[cell](E, H, self.layers, self.direction, dropout=self.dropout)
        self.head = nn.Linear(H * self.two, K)
        self.made(cell)

    def made(self, cell):
        """More layers."""

    def last(self, state):
        h = state[0] if isinstance(state, tuple) else state
        return paddle.concat([h[-2], h[-1]], axis=1) if self.two == 2 else h[-1]


class Last(Base):
    def forward(self, ids):
        return self.head(self.last(self.rnn(self.embed(ids))[1]))


class Mean(Base):
    def forward(self, ids):
        return nn.functional.softmax(self.head(self.rnn(self.embed(ids))[0].mean(axis=1)))


class Max(Base):
    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0].max(axis=1))


class Lengths(Base):
    def forward(self, ids, lengths):
        return self.head(self.last(self.rnn(self.embed(ids), sequence_length=lengths)[1]))


class LengthsTagger(Base):
    def forward(self, ids, lengths):
        return self.head(self.rnn(self.embed(ids), sequence_length=lengths)[0])


class Attention(Base):
    def made(self, cell):
        self.project, self.score = nn.Linear(H * self.two, H), nn.Linear(H, 1)

    def forward(self, ids):
        y = self.rnn(self.embed(ids))[0]
        weights = nn.functional.softmax(self.score(paddle.tanh(self.project(y))), axis=1)
        return self.head((weights * y).sum(axis=1))


class TwoLayers(Last):
    layers, dropout = 2, 0.3


class Tagger(Base):
    def forward(self, ids):
        return nn.functional.log_softmax(self.head(self.rnn(self.embed(ids))[0]), axis=-1)


class CharCnn(Base):
    def made(self, cell):
        self.conv, self.pool = nn.Conv1D(E, E, 3, padding=1), nn.MaxPool1D(2)

    def forward(self, ids):
        x = nn.functional.relu(self.conv(self.embed(ids).transpose([0, 2, 1])))
        return self.head(self.last(self.rnn(self.pool(x).transpose([0, 2, 1]))[1]))


class Norm(Base):
    def made(self, cell):
        self.norm = nn.LayerNorm(H * self.two)
        self.second = CELLS[cell](H * self.two, H, 1, self.direction)

    def forward(self, ids):
        return self.head(self.last(self.second(self.norm(self.rnn(self.embed(ids))[0]))[1]))


class Tied(Base):
    def made(self, cell):
        self.head = nn.Linear(H * self.two, E)

    def forward(self, ids):
        return paddle.matmul(self.head(self.rnn(self.embed(ids))[0]), self.embed.weight, transpose_y=True)


ARCHITECTURES = {
    "last": Last, "mean": Mean, "max": Max, "lengths": Lengths, "lengths-tagger": LengthsTagger, "attention": Attention,
    "two-layers": TwoLayers, "tagger": Tagger, "char-cnn": CharCnn, "norm": Norm, "tied": Tied,
}  # fmt: skip
STORED = [
    "last-lstm-bi", "last-gru", "mean-gru-bi", "max-lstm", "lengths-lstm-bi", "attention-lstm-bi",
    "two-layers-gru", "tagger-lstm-bi", "char-cnn-gru", "tied-lstm",
]  # fmt: skip


def exported(model, lengths, opset):
    spec = [paddle.static.InputSpec([None, None], "int64", "ids")] + ([paddle.static.InputSpec([None], "int64", "lengths")] if lengths else [])
    folder = tempfile.mkdtemp()
    before = os.getcwd()
    try:
        os.chdir(folder)  # paddle leaves a folder of its own behind
        paddle.onnx.export(model, "model", input_spec=spec, opset_version=opset)
        return Path("model.onnx").read_bytes()
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def runs_of(architecture, rng, few):
    runs = []
    for b, t in ((3, 5), (1, 1), (1, 4), (1, 7), (2, 9))[: 3 if few else 5]:
        if architecture == "char-cnn" and t == 1:
            continue
        run = {"ids": rng.integers(1, V, (b, t))}
        if architecture.startswith("lengths"):
            run["lengths"] = rng.integers(1, t + 1, b)
            run["lengths"][-1] = t
        runs.append(run)
    return runs


def main(folder=None):
    store = Store(folder, "paddle", paddle=paddle.__version__, paddle2onnx=paddle2onnx.__version__)
    for index, ((architecture, kind), cell, bidirectional) in enumerate(itertools.product(ARCHITECTURES.items(), CELLS, (False, True))):
        name = f"{architecture}-{cell}{'-bi' if bidirectional else ''}"
        if folder is None and name not in STORED:
            continue
        paddle.seed(SEED + index)
        rng = np.random.default_rng(SEED + index)
        opset = OPSETS[index % len(OPSETS)]
        try:
            model = kind(cell, bidirectional)
            model.eval()
            for parameter in model.parameters():
                parameter.set_value(rng.standard_normal(parameter.shape).astype(np.float32) * 0.6)
            data = exported(model, architecture.startswith("lengths"), opset)
            store.add(f"paddle-{name}", data, runs_of(architecture, rng, folder is None), architecture=architecture, cell=cell, bidirectional=bidirectional)
        except Exception as error:
            store.fail(f"paddle-{name}", error)
            print(name, opset, store.without[f"paddle-{name}"])
    store.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
