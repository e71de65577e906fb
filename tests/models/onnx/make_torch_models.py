"""Exports PyTorch models with random weights to ONNX, by both exporters of torch, for the tests of fromOnnx.

    pip install -r requirements-torchscript.txt && python make_torch_models.py torchscript          # the stored ones, into this folder
    pip install -r requirements-dynamo.txt && python make_torch_models.py dynamo                    # the same by torch.export
    python make_torch_models.py torchscript FOLDER                                                  # all, into FOLDER
    python make_torch_models.py dynamo FOLDER 5                                                     # every fifth

Sizes are tiny (a vocabulary of 12, 4 features, 3 units), so that the file is the graph. store.py says what is written.
"""

import io
import itertools
import logging
import sys
import warnings

import numpy as np
import torch
from store import Store
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
V, E, H, K = 12, 4, 3, 2
SEED = 20240517
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Base(nn.Module):
    """An embedding, a recurrent layer over [B, T] and a head; subclasses say what is in between."""

    layers, dropout, wide = 1, 0.0, 1

    def __init__(self, cell, bidirectional, batch_first, **options):
        super().__init__()
        self.batch_first = batch_first
        self.two = 2 if bidirectional else 1
        self.embed = nn.Embedding(V, E, padding_idx=0)
        if cell:
            self.rnn = self.recurrent(cell, E, bidirectional, self.layers, **options)
        self.head = nn.Linear(options.get("proj_size", H) * self.two * self.wide, K)
        self.made(cell, bidirectional)

    def recurrent(self, cell, size, bidirectional, layers=1, **options):
        dropout = self.dropout if layers > 1 else 0.0
        return CELLS[cell](size, H, layers, batch_first=self.batch_first, bidirectional=bidirectional, dropout=dropout, **options)

    def made(self, cell, bidirectional):
        """More modules."""

    def sequence(self, x, rnn=None):
        """[B, T, D] -> [B, T, H], the final state of h."""
        rnn = rnn or self.rnn
        if self.batch_first:
            y, state = rnn(x)
        else:
            y, state = rnn(x.transpose(0, 1))
            y = y.transpose(0, 1)
        return y, state[0] if isinstance(state, tuple) else state

    def last(self, h):
        return torch.cat([h[-2], h[-1]], dim=1) if self.two == 2 else h[-1]


class Last(Base):
    """Classifier with the last state."""

    def forward(self, ids):
        return self.head(self.last(self.sequence(self.embed(ids))[1]))


class LastStep(Base):
    """Classifier that reads the output at the last step, y[:, -1]."""

    def forward(self, ids):
        return torch.softmax(self.head(self.sequence(self.embed(ids))[0][:, -1, :]), dim=-1)


class Mean(Base):
    def forward(self, ids):
        return self.head(self.sequence(self.embed(ids))[0].mean(dim=1))


class Max(Base):
    def forward(self, ids):
        return self.head(torch.max(self.sequence(self.embed(ids))[0], dim=1)[0])


class MeanMax(Base):
    """The poolings side by side, a hidden layer, dropout."""

    wide = 2

    def made(self, cell, bidirectional):
        self.hidden = nn.Sequential(nn.Linear(H * self.two * 2, H * self.two * 2), nn.ReLU(), nn.Dropout(0.5))

    def forward(self, ids):
        y = self.sequence(self.embed(ids))[0]
        return torch.sigmoid(self.head(self.hidden(torch.cat([y.mean(1), y.amax(1)], dim=-1))))


class AdaptivePool(Base):
    """Pooling as the module does it, over [B, H, T]."""

    def forward(self, ids):
        y = self.sequence(self.embed(ids))[0].transpose(1, 2)
        return self.head(nn.functional.adaptive_max_pool1d(y, 1).squeeze(-1))


class Packed(Base):
    """Packed sequences: the last state of each row."""

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids) if self.batch_first else self.embed(ids).transpose(0, 1), lengths, batch_first=self.batch_first)
        h = self.rnn(packed)[1]
        return self.head(self.last(h[0] if isinstance(h, tuple) else h))


class PackedBoth(Base):
    """The last state and the sequence: the TorchScript exporter yields no file where only the state of a packed sequence is read."""

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True)
        y, h = self.rnn(packed)
        return self.head(self.last(h[0] if isinstance(h, tuple) else h)), pad_packed_sequence(y, batch_first=True)[0]


class PackedUnsorted(Base):
    """enforce_sorted=False sorts in the graph and puts the rows back."""

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True, enforce_sorted=False)
        y, h = self.rnn(packed)
        return self.head(self.last(h[0] if isinstance(h, tuple) else h)), pad_packed_sequence(y, batch_first=True)[0]


class PackedMean(Base):
    """The sum of a padded sequence, divided by the lengths."""

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(y.sum(dim=1) / lengths.unsqueeze(1).to(y.dtype))


class PackedMeanT(Base):
    """The mean over T of a padded sequence: divides by T."""

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(y.mean(dim=1))


class PackedTagger(Base):
    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(y)


class PackedTwoLayers(PackedTagger):
    layers, dropout = 2, 0.3


class PackedIds(Base):
    """The lengths are counted in the graph, from the ids that are not padding."""

    def forward(self, ids):
        packed = pack_padded_sequence(self.embed(ids), (ids != 0).sum(dim=1), batch_first=True)
        y, h = self.rnn(packed)
        return self.head(self.last(h[0] if isinstance(h, tuple) else h)), pad_packed_sequence(y, batch_first=True)[0]


class MaskedMean(Base):
    """No lengths: an RNN that reads padding, then a mask of the ids that are not padding."""

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1).float()
        y = self.sequence(self.embed(ids))[0]
        return self.head((y * mask).sum(1) / mask.sum(1).clamp(min=1e-9))


class Attention(Base):
    """Additive attention over the steps, a weighted sum."""

    def made(self, cell, bidirectional):
        self.project, self.score = nn.Linear(H * self.two, H), nn.Linear(H, 1, bias=False)

    def forward(self, ids):
        y = self.sequence(self.embed(ids))[0]
        weights = torch.softmax(self.score(torch.tanh(self.project(y))), dim=1)
        return self.head((weights * y).sum(dim=1))


class AttentionBmm(Base):
    """Dot products with the last state; torch.bmm."""

    def forward(self, ids):
        y, h = self.sequence(self.embed(ids))
        scores = torch.bmm(y, self.last(h).unsqueeze(2)).squeeze(2)
        return self.head(torch.bmm(torch.softmax(scores, dim=1).unsqueeze(1), y).squeeze(1))


class AttentionMasked(Attention):
    """The scores at padding are -1e9."""

    def forward(self, ids):
        y = self.sequence(self.embed(ids))[0]
        scores = self.score(torch.tanh(self.project(y))).squeeze(-1).masked_fill(ids == 0, -1e9)
        return self.head(torch.bmm(torch.softmax(scores, dim=-1).unsqueeze(1), y).squeeze(1))


class SelfAttention(Base):
    """Scaled dot-product attention of the steps with each other, then the mean."""

    def made(self, cell, bidirectional):
        self.q, self.k, self.v = (nn.Linear(H * self.two, H * self.two) for _ in range(3))

    def forward(self, ids):
        y = self.sequence(self.embed(ids))[0]
        scores = self.q(y) @ self.k(y).transpose(1, 2) / (H * self.two) ** 0.5
        return self.head((torch.softmax(scores, dim=-1) @ self.v(y)).mean(1))


class TwoLayers(Last):
    layers, dropout = 2, 0.3


class ThreeLayers(LastStep):
    layers, dropout = 3, 0.1


class Tagger(Base):
    def forward(self, ids):
        return torch.log_softmax(self.head(self.sequence(self.embed(ids))[0]), dim=-1)


class TaggerArgmax(Base):
    """Labels and scores."""

    def forward(self, ids):
        logits = self.head(self.sequence(self.embed(ids))[0])
        return torch.argmax(logits, dim=-1), logits


class CharCnn(Base):
    """Character CNN and LSTM: a convolution over characters, pooling, then the recurrent layer over the pooled steps."""

    def made(self, cell, bidirectional):
        self.conv = nn.Conv1d(E, E, 3, padding=1)
        self.pool = nn.MaxPool1d(2)

    def forward(self, ids):
        x = torch.relu(self.conv(self.embed(ids).transpose(1, 2)))
        return self.head(self.last(self.sequence(self.pool(x).transpose(1, 2))[1]))


class CharWords(Base):
    """Words of W characters, [B, T, W]: a CNN makes each word's vector, the recurrent layer tags the words."""

    def made(self, cell, bidirectional):
        self.conv = nn.Conv1d(E, E, 3, padding=1)

    def forward(self, chars):
        b, t, w = chars.shape
        x = self.embed(chars.reshape(b * t, w)).transpose(1, 2)
        x = torch.relu(self.conv(x)).amax(dim=2).reshape(b, t, E)
        return self.head(self.sequence(x)[0])


class KimCnn(Base):
    """Convolutions of three widths and the maximum of each: no recurrent layer."""

    def made(self, cell, bidirectional):
        self.convs = nn.ModuleList(nn.Conv1d(E, H, k, padding=k // 2) for k in (1, 3, 5))
        self.head = nn.Linear(3 * H, K)

    def forward(self, ids):
        x = self.embed(ids).transpose(1, 2)
        return self.head(torch.cat([torch.relu(conv(x)).max(dim=2)[0] for conv in self.convs], dim=1))


class Encoder(Base):
    """An encoder that takes initial states and returns the final ones."""

    def forward(self, ids, *state):
        y, h = self.rnn(self.embed(ids), state if len(state) == 2 else state[0])
        return (y, *h) if isinstance(h, tuple) else (y, h)


class Bag(Base):
    """EmbeddingBag over [B, T]."""

    mode = "mean"

    def made(self, cell, bidirectional):
        self.bag, self.head = nn.EmbeddingBag(V, E, mode=self.mode), nn.Linear(E, K)

    def forward(self, ids):
        return self.head(self.bag(ids))


class BagSum(Bag):
    mode = "sum"


class BagMax(Bag):
    mode = "max"


class Norm(Base):
    """Layer normalisation between two recurrent layers."""

    def made(self, cell, bidirectional):
        self.norm = nn.LayerNorm(H * self.two)
        self.second = self.recurrent(cell, H * self.two, bidirectional)

    def forward(self, ids):
        y = self.norm(self.sequence(self.embed(ids))[0])
        return self.head(self.last(self.sequence(y, self.second)[1]))


class BatchNorm(Base):
    """Batch normalisation over [B, C, T], and a residual connection around the second layer."""

    def made(self, cell, bidirectional):
        self.norm = nn.BatchNorm1d(H * self.two)
        nn.init.normal_(self.norm.running_mean, 0, 0.3)
        nn.init.uniform_(self.norm.running_var, 0.5, 1.5)
        self.second = self.recurrent(cell, H * self.two, bidirectional)

    def forward(self, ids):
        y = self.norm(self.sequence(self.embed(ids))[0].transpose(1, 2)).transpose(1, 2)
        return self.head((y + self.sequence(y, self.second)[0]).mean(1))


class Tied(Base):
    """A language model whose output weights are the embedding's."""

    def made(self, cell, bidirectional):
        self.head, self.bias = nn.Linear(H * self.two, E), nn.Parameter(torch.randn(V))

    def forward(self, ids):
        return torch.matmul(self.head(self.sequence(self.embed(ids))[0]), self.embed.weight.t()) + self.bias


class TimeFirst(Base):
    """ids as [T, B], as torch's default has them."""

    def forward(self, ids):
        h = self.rnn(self.embed(ids))[1]
        return self.head(self.last(h[0] if isinstance(h, tuple) else h))


class Floats(Base):
    """Features instead of ids."""

    def forward(self, x):
        return self.head(self.sequence(x)[0].mean(1))


class TwoInputs(Base):
    """Words and their tags, each with an embedding, side by side."""

    def made(self, cell, bidirectional):
        self.tags, self.small = nn.Embedding(5, 2), nn.Linear(E + 2, E)

    def forward(self, ids, tags):
        x = torch.cat([self.embed(ids), self.tags(tags)], dim=-1)
        return self.head(self.last(self.sequence(torch.tanh(self.small(x)))[1]))


class ProjectedLast(Last):
    """LSTM with proj_size: not in ONNX."""


class ReluLast(Last):
    """RNN with relu."""


ARCHITECTURES = {
    "last": Last, "last-step": LastStep, "mean": Mean, "max": Max, "mean-max": MeanMax, "adaptive-pool": AdaptivePool,
    "packed": Packed, "packed-both": PackedBoth, "packed-unsorted": PackedUnsorted, "packed-mean": PackedMean, "packed-mean-t": PackedMeanT, "packed-tagger": PackedTagger,
    "packed-two-layers": PackedTwoLayers, "packed-ids": PackedIds, "masked-mean": MaskedMean, "attention": Attention,
    "attention-bmm": AttentionBmm, "attention-masked": AttentionMasked, "self-attention": SelfAttention, "two-layers": TwoLayers,
    "three-layers": ThreeLayers, "tagger": Tagger, "tagger-argmax": TaggerArgmax, "char-cnn": CharCnn, "char-words": CharWords,
    "encoder": Encoder, "norm": Norm, "batch-norm": BatchNorm, "tied": Tied, "time-first": TimeFirst, "floats": Floats, "two-inputs": TwoInputs,
}  # fmt: skip
# Without a recurrent layer.
PLAIN = {"kim-cnn": KimCnn, "bag-mean": Bag, "bag-sum": BagSum, "bag-max": BagMax}
# Models that are stored: exporter -> names.
STORED = {
    "torchscript": [
        "last-lstm-bi", "last-gru", "last-rnn-bi", "last-step-lstm", "mean-gru-bi", "max-lstm-bi", "mean-max-lstm", "adaptive-pool-gru-bi",
        "packed-lstm-bi", "packed-both-gru", "packed-both-lstm-bi", "packed-unsorted-lstm", "packed-mean-lstm-bi", "packed-mean-t-gru", "packed-tagger-lstm-bi",
        "packed-two-layers-gru-bi", "packed-ids-lstm", "masked-mean-gru-bi", "attention-lstm-bi", "attention-bmm-gru",
        "attention-masked-lstm-bi", "self-attention-gru", "two-layers-lstm-bi", "three-layers-rnn", "tagger-lstm-bi", "tagger-argmax-gru-bi",
        "char-cnn-lstm", "char-words-lstm-bi", "encoder-lstm", "encoder-gru-bi", "norm-lstm-bi", "batch-norm-gru", "tied-lstm",
        "time-first-lstm", "floats-gru-bi", "two-inputs-lstm", "kim-cnn", "bag-mean", "bag-max", "last-rnn-relu", "last-lstm-no-bias",
    ],
    "dynamo": [
        "last-lstm-bi", "last-gru", "max-lstm-bi", "mean-max-lstm", "adaptive-pool-gru-bi", "packed-lstm-bi", "masked-mean-gru-bi",
        "attention-lstm-bi", "attention-bmm-gru", "attention-masked-lstm-bi", "self-attention-gru", "two-layers-lstm-bi", "tagger-lstm-bi",
        "char-cnn-lstm", "char-words-lstm-bi", "encoder-lstm", "norm-lstm-bi", "batch-norm-gru", "tied-lstm",
        "time-first-lstm", "kim-cnn", "bag-mean",
    ],
}  # fmt: skip
OPSETS = {"torchscript": [9, 11, 12, 13, 14, 15, 17, 18, 19, 20], "dynamo": [18, 20, 21, 22, 23]}


def variants():
    """name -> (architecture, options). Every architecture with every cell, in one direction and in two; batch_first alternates."""
    count = 0
    for (architecture, kind), cell, bidirectional in itertools.product(ARCHITECTURES.items(), CELLS, (False, True)):
        needs = architecture in ("packed-both", "packed-unsorted", "packed-mean", "packed-mean-t", "packed-tagger", "packed-two-layers", "packed-ids", "encoder")
        batch_first = architecture != "time-first" and (needs or (count % 3 != 2))
        count += 1
        yield f"{architecture}-{cell}{'-bi' if bidirectional else ''}", architecture, kind, {"cell": cell, "bidirectional": bidirectional, "batch_first": batch_first}
    for architecture, kind in PLAIN.items():
        yield architecture, architecture, kind, {"cell": None, "bidirectional": False, "batch_first": True}
    plain = {"bidirectional": False, "batch_first": True}
    yield "last-rnn-relu", "last", ReluLast, {"cell": "rnn", "nonlinearity": "relu", **plain}
    yield "last-lstm-no-bias", "last", Last, {"cell": "lstm", "bias": False, **plain}
    yield "last-lstm-projected", "last", ProjectedLast, {"cell": "lstm", "proj_size": 2, **plain}


def inputs_of(architecture, options, rng, few):
    """Inputs for several sizes, and the dynamic axes of each."""
    runs = []
    for b, t in ((3, 5), (1, 1), (1, 4), (1, 7), (2, 9))[: 3 if few else 5]:
        ids = rng.integers(1, V, (b, t))
        run = {"ids": ids}
        axes = {"ids": {0: "batch", 1: "time"}}
        if architecture == "time-first":
            run, axes = {"ids": ids.T}, {"ids": {0: "time", 1: "batch"}}
        if architecture.startswith("packed") and architecture != "packed-ids":
            lengths = np.sort(rng.integers(1, t + 1, b))[::-1].copy()
            lengths[0] = t
            if architecture == "packed-unsorted":
                lengths = lengths[::-1].copy()
            run["lengths"], axes["lengths"] = lengths, {0: "batch"}
        if architecture in ("packed-ids", "masked-mean", "attention-masked") and b > 1:
            for row in range(1, b):
                ids[row, t - row :] = 0
        if architecture == "char-words":
            run, axes = {"chars": rng.integers(1, V, (b, t, 5))}, {"chars": {0: "batch", 1: "time", 2: "characters"}}
        if architecture == "char-cnn" and t == 1:
            continue
        if architecture == "encoder":
            two = 2 if options["bidirectional"] else 1
            for name in ("h0", "c0")[: 2 if options["cell"] == "lstm" else 1]:
                run[name], axes[name] = rng.standard_normal((two, b, H)).astype(np.float32), {1: "batch"}
        if architecture == "floats":
            run, axes = {"x": rng.standard_normal((b, t, E)).astype(np.float32)}, {"x": {0: "batch", 1: "time"}}
        if architecture == "two-inputs":
            run["tags"], axes["tags"] = rng.integers(0, 5, (b, t)), {0: "batch", 1: "time"}
        runs.append(run)
    return runs, axes


BOTH = ["output", "sequence"]
OUTPUTS = {"packed-both": BOTH, "packed-unsorted": BOTH, "packed-ids": BOTH, "tagger-argmax": ["labels", "logits"], "encoder": ["sequence", "h", "c"]}


def exported(exporter, model, architecture, run, axes, opset):
    args = tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in run.values())
    count = len(run) if architecture == "encoder" else 2
    names = OUTPUTS.get(architecture, ["output"])[:count]
    stream = io.BytesIO()
    if exporter == "torchscript":
        sequences = ("tagger", "tagger-argmax", "packed-tagger", "packed-two-layers", "char-words", "tied", "encoder")
        outputs = {name: {1: "batch"} if name in "hc" else {0: "batch", 1: "time"} if architecture in sequences or name == "sequence" else {0: "batch"} for name in names}
        torch.onnx.export(
            model, args, stream, dynamo=False, opset_version=opset, input_names=list(run), output_names=names, dynamic_axes={**axes, **outputs},
        )  # fmt: skip
        return stream.getvalue()
    dims = {name: torch.export.Dim.DYNAMIC for name in ("batch", "time", "characters")}
    shapes = tuple({axis: dims[dim] for axis, dim in each.items()} for each in axes.values())
    if architecture == "encoder":
        shapes = (shapes[0], shapes[1:])
    program = torch.onnx.export(model, args, dynamo=True, opset_version=opset, input_names=list(run), output_names=names, dynamic_shapes=shapes, verbose=False)
    program.save(stream)
    return stream.getvalue()


def main(exporter, folder=None, step=1):
    store = Store(folder, exporter, torch=torch.__version__.split("+")[0])
    for index, (name, architecture, kind, options) in enumerate(variants()):
        if name not in STORED[exporter] if folder is None else index % int(step):
            continue
        torch.manual_seed(SEED + index)
        rng = np.random.default_rng(SEED + index)
        opset = OPSETS[exporter][index % len(OPSETS[exporter])]
        try:
            model = kind(**options).eval()
            for parameter in model.parameters():
                nn.init.normal_(parameter, 0, 0.6)
            runs, axes = inputs_of(architecture, options, rng, folder is None)
            with torch.no_grad():
                data = exported(exporter, model, architecture, runs[0], axes, opset)
                store.add(f"{exporter}-{name}", data, runs, architecture=architecture, **options)
        except Exception as error:
            store.fail(f"{exporter}-{name}", error)
            print(name, opset, store.without[f"{exporter}-{name}"])
        if folder is not None:
            store.write(say=False)  # torch.export takes long; what is there can be used
    store.write()


if __name__ == "__main__":
    main(*sys.argv[1:])
