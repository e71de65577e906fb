"""Random stacks of PyTorch modules: their state dicts as files, their descriptions for padless, and PyTorch's answers.

    python make_cases.py FOLDER N SEED

FOLDER/cases.json is a list of
    file          the state dict: .pt (zip), .pth (the format before 1.6) or .safetensors
    architecture  the description: a list of modules, or { prefix, ignore, modules }
    inputs        rows of different lengths: ids [t], values [t][d] or [d]
    outputs       PyTorch's answer to each row, as nested lists
    refused       an option that padless does not support; null where it supports all

Recurrent modules run through pack_padded_sequence where every other module works on single steps or on lengths. Otherwise each row is
computed alone, without padding.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

OVER_TIME = {
    "Sum": lambda x: x.sum(1),
    "Mean": lambda x: x.mean(1),
    "Max": lambda x: x.amax(1),
    "Min": lambda x: x.amin(1),
    "FirstStep": lambda x: x[:, 0],
    "LastStep": lambda x: x[:, -1],
}
ON_CHANNELS = (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d, nn.BatchNorm1d, nn.GroupNorm, nn.InstanceNorm1d, nn.PReLU)
POOLED = (nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d)
ACTIVATIONS = [
    "ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid", "Hardtanh",
    "Sigmoid", "LogSigmoid", "Tanh", "Softsign", "Softplus", "Softmax", "Softmin", "LogSoftmax", "Dropout", "Dropout1d", "AlphaDropout",
    "FeatureAlphaDropout", "Identity",
]  # fmt: skip


class Maker:
    """One random stack: entries of the description, each with its module of torch (None where torch has none)."""

    def __init__(self, rng):
        self.rng = rng
        self.entries, self.modules = [], []
        self.refused = None
        self.alone = False  # a module looks at windows of time: rows are computed one by one
        self.fixed = False  # all rows have one length
        self.named = 0

    def chance(self, p):
        return self.rng.random() < p

    def name(self):
        self.named += 1
        return self.rng.choice(["", "encoder.", "a.b."]) + self.rng.choice(["layer", "net.0", "x_y"]) + str(self.named)

    def add(self, kind, parameters=False, own=None, **options):
        """Options that the weights tell may be left out of the description."""
        own = own or {}
        module = None if kind in OVER_TIME else getattr(nn, kind)(**options)
        entry = {"type": kind, **({"name": self.name()} if parameters else {}), **own}
        told = {"in_features", "out_features", "bias", "num_embeddings", "embedding_dim", "input_size", "hidden_size", "num_layers",
                "bidirectional", "in_channels", "out_channels", "kernel_size", "num_features", "num_channels", "normalized_shape",
                "num_parameters", "affine", "elementwise_affine"}  # fmt: skip
        pools = kind in ("MaxPool1d", "AvgPool1d")
        for key, value in options.items():
            if key in told and not pools and self.chance(0.5) and not (kind == "RMSNorm" and not options["elementwise_affine"]):
                continue
            entry[key] = list(value) if isinstance(value, tuple) else value
        self.entries.append(entry)
        self.modules.append(module)
        return module

    def embedding(self):
        rng = self.rng
        self.vocabulary, self.width = rng.randint(3, 12), rng.randint(1, 6)
        options = {"num_embeddings": self.vocabulary, "embedding_dim": self.width}
        if self.chance(0.2):
            mode = rng.choice(["mean", "sum", "max"])
            padding = rng.choice([None, 0, 0, rng.randrange(self.vocabulary)])
            if padding and mode != "sum":
                self.refused = "padding_idx"
            if mode == "mean" and self.chance(0.5):
                self.add("EmbeddingBag", True, **options, padding_idx=padding)
            else:
                self.add("EmbeddingBag", True, **options, mode=mode, padding_idx=padding)
            self.sequence = False
        else:
            if self.chance(0.4):
                options["padding_idx"] = rng.randrange(self.vocabulary)
            if self.chance(0.03):
                options["max_norm"] = 1.0
                self.refused = "max_norm"
            self.add("Embedding", True, **options)
            self.sequence = True

    def recurrent(self):
        rng = self.rng
        kind = rng.choice(["LSTM", "GRU", "RNN"])
        H = rng.randint(1, 9)
        options = {"input_size": self.width, "hidden_size": H, "num_layers": rng.choice([1, 1, 2, 3]), "bias": self.chance(0.8)}
        options |= {"bidirectional": self.chance(0.5), "batch_first": self.chance(0.7), "dropout": rng.choice([0.0, 0.0, 0.3])}
        if options["num_layers"] == 1:
            del options["dropout"]
        if kind == "RNN" and self.chance(0.5):
            options["nonlinearity"] = rng.choice(["tanh", "relu"])
        if kind == "LSTM" and H > 1 and self.chance(0.04):
            options["proj_size"] = H - 1
            self.refused = "proj_size"
        last = self.chance(0.35)
        own = {"returns": "last"} if last else rng.choice([{}, {"returns": "sequence"}])
        self.add(kind, True, own, **options)
        self.width = options.get("proj_size", H) * (2 if options["bidirectional"] else 1)
        self.sequence = not last

    def linear(self):
        width = self.rng.randint(1, 7)
        tied = self.entries[0]
        if tied["type"] == "Embedding" and self.modules[0].embedding_dim == self.width and self.chance(0.7):
            module = self.add("Linear", True, in_features=self.width, out_features=self.vocabulary, bias=self.chance(0.7))
            module.weight = self.modules[0].weight
            if self.chance(0.7):
                self.entries[-1]["weight"] = tied["name"] + ".weight"
            width = self.vocabulary
        else:
            self.add("Linear", True, in_features=self.width, out_features=width, bias=self.chance(0.8))
        self.width = width

    def conv(self):
        rng = self.rng
        self.alone = True
        groups = rng.choice([1, 1, self.width])
        filters = groups * rng.randint(1, 4)
        options = {"in_channels": self.width, "out_channels": filters, "kernel_size": rng.randint(1, 4), "bias": self.chance(0.8)}
        options |= {"groups": groups} if groups > 1 else {}
        options |= {"dilation": rng.choice([2, 3])} if self.chance(0.2) else {}
        padding = rng.choice([None, "same", "valid", 0, 1, (2,)])
        if padding != "same" and self.chance(0.3):
            options["stride"] = rng.choice([2, 3, (2,)])
        if padding is not None:
            options["padding"] = padding
        if padding == 1 and self.chance(0.1):
            options["padding_mode"] = "circular"
            self.refused = "padding_mode"
        self.add("Conv1d", True, **options)
        self.width = filters

    def pool(self):
        self.alone = True
        options = {"kernel_size": self.rng.randint(1, 3)}
        if self.chance(0.4):
            options["stride"] = self.rng.randint(1, 3)
        if self.chance(0.05) and options["kernel_size"] > 1:
            options["padding"] = 1
            self.refused = "padding"
        if self.chance(0.05):
            options["ceil_mode"] = True
            self.refused = "ceil_mode"
        self.add(self.rng.choice(["MaxPool1d", "AvgPool1d"]), **options)

    def norm(self):
        rng = self.rng
        kind = rng.choice(["LayerNorm", "LayerNorm", "BatchNorm1d", "RMSNorm", "GroupNorm", "InstanceNorm1d"])
        options = {"eps": rng.choice([1e-3, 1e-6])} if self.chance(0.3) else {}
        if kind == "LayerNorm":
            options |= {"normalized_shape": rng.choice([self.width, (self.width,)]), "elementwise_affine": self.chance(0.8)}
            options |= {"bias": False} if self.chance(0.3) else {}
            self.add(kind, True, **options)
        elif kind == "RMSNorm":
            self.add(kind, True, normalized_shape=self.width, elementwise_affine=self.chance(0.7), **options)
        elif kind == "BatchNorm1d":
            if self.chance(0.05):
                options["track_running_stats"] = False
                self.refused = "track_running_stats"
                self.alone = True
            self.add(kind, True, num_features=self.width, affine=self.chance(0.8), **options)
        elif kind == "GroupNorm":
            self.alone = True
            groups = rng.choice([g for g in range(1, self.width + 1) if self.width % g == 0])
            self.add(kind, True, num_groups=groups, num_channels=self.width, affine=self.chance(0.8), **options)
        elif self.sequence:
            self.alone = True
            self.add(kind, True, num_features=self.width, affine=self.chance(0.5), **options)

    def activation(self):
        rng = self.rng
        kind = rng.choice(ACTIVATIONS)
        options = {}
        if kind == "LeakyReLU" and self.chance(0.7):
            options["negative_slope"] = rng.choice([0.1, 0.3, 1.5])
        if kind in ("ELU", "CELU") and self.chance(0.7):
            options["alpha"] = rng.choice([0.3, 2.0])
        if kind == "GELU" and self.chance(0.6):
            options["approximate"] = rng.choice(["none", "tanh"])
        if kind == "Hardtanh" and self.chance(0.6):
            options |= {"min_val": rng.choice([-2.0, -0.5]), "max_val": rng.choice([0.1, 3.0])}
        if kind == "Softplus" and self.chance(0.6):
            options["beta"] = rng.choice([0.5, 3.0])
        if kind == "Softplus" and self.chance(0.1):
            options["threshold"] = 1.0
            self.refused = "threshold"
        if kind in ("Softmax", "Softmin", "LogSoftmax"):
            options["dim"] = rng.choice([-1, 2 if self.sequence else 1])
            if self.sequence and self.chance(0.05):
                options["dim"] = 1
                self.refused = "dim"
                self.alone = True
        if kind == "PReLU":
            parameters = rng.choice([1, self.width])
            if parameters > 1:
                options["num_parameters"] = parameters
        if kind == "Dropout1d" and not self.sequence:
            return
        if kind.endswith("Dropout") and self.chance(0.5):
            options["p"] = 0.2
        if kind in ("ReLU", "SiLU") and self.chance(0.3):
            options["inplace"] = True
        self.add(kind, kind == "PReLU", **options)

    def over_time(self):
        kind = self.rng.choice([*OVER_TIME, "AdaptiveMaxPool1d", "AdaptiveAvgPool1d"])
        if kind in OVER_TIME:
            self.add(kind)
        else:
            self.add(kind, output_size=1)
        self.sequence = False

    def flatten(self):
        order = self.rng.choice(["time", "channels"])
        self.fixed = True
        self.add("Flatten", own={"order": order})
        self.sequence = False
        self.flat = True

    def stack(self):
        rng = self.rng
        self.reads = rng.choices(["ids", "sequence", "vectors"], [6, 2, 1])[0]
        self.sequence = self.reads != "vectors"
        if self.reads == "ids":
            self.embedding()
        else:
            self.inputs = self.width = rng.randint(1, 6)
            self.linear_first = None
            rng.choice([self.recurrent, self.conv] if self.sequence else [self.first_linear])()
        for _ in range(rng.randint(1, 5)):
            both = [self.linear, self.norm, self.activation, self.activation]
            timed = [self.recurrent, self.recurrent, self.conv, self.pool, self.over_time]
            rng.choice(both + timed if self.sequence else both)()
        if self.sequence and self.chance(0.15):
            self.flatten()


    def first_linear(self):
        width = self.rng.randint(1, 7)
        self.add("Linear", True, in_features=self.width, out_features=width)
        self.width = width


def run_one(entry, module, x, lengths):
    if entry["type"] in OVER_TIME:
        if lengths is None:
            return OVER_TIME[entry["type"]](x)
        rows = [OVER_TIME[entry["type"]](x[b : b + 1, :t]) for b, t in enumerate(lengths)]
        return torch.cat(rows)
    if isinstance(module, nn.EmbeddingBag):
        if lengths is None:
            return module(x)
        return torch.cat([module(x[b : b + 1, :t]) for b, t in enumerate(lengths)])
    if isinstance(module, nn.RNNBase):
        return run_recurrent(entry, module, x, lengths)
    if isinstance(module, nn.Flatten):
        return module(x if entry["order"] == "time" else x.transpose(1, 2))
    if isinstance(module, POOLED):
        if lengths is None:
            return module(x.transpose(1, 2)).squeeze(2)
        return torch.cat([module(x[b : b + 1, :t].transpose(1, 2)).squeeze(2) for b, t in enumerate(lengths)])
    if isinstance(module, ON_CHANNELS) and x.dim() == 3:
        return module(x.transpose(1, 2)).transpose(1, 2)
    return module(x)


def run_recurrent(entry, module, x, lengths):
    steps = x.shape[1]
    x = x if module.batch_first else x.transpose(0, 1)
    if lengths is not None:
        x = pack_padded_sequence(x, torch.tensor(lengths), batch_first=module.batch_first, enforce_sorted=False)
    y, state = module(x)
    if entry.get("returns") == "last":
        h = state[0] if isinstance(module, nn.LSTM) else state
        return torch.cat([h[-2], h[-1]], dim=1) if module.bidirectional else h[-1]
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=module.batch_first, total_length=steps)
    return y if module.batch_first else y.transpose(0, 1)


def answers(maker, rows):
    pairs = list(zip(maker.entries, maker.modules, strict=True))
    tensors = [torch.tensor(row) for row in rows]
    if maker.reads == "vectors":
        x = torch.stack(tensors)
        for entry, module in pairs:
            x = run_one(entry, module, x, None)
        return list(x)
    if maker.alone or maker.fixed:
        found = []
        for tensor in tensors:
            x = tensor[None]
            for entry, module in pairs:
                x = run_one(entry, module, x, None)
            found.append(x[0])
        return found
    lengths = [len(row) for row in rows]
    x = nn.utils.rnn.pad_sequence(tensors, batch_first=True)
    for entry, module in pairs:
        x = run_one(entry, module, x, lengths)
    return [row[:t] if x.dim() == 3 else row for row, t in zip(x, lengths, strict=True)]


def inputs(maker, np_rng):
    rng = maker.rng
    if maker.reads == "vectors":
        return np_rng.normal(size=(3, maker.inputs)).astype(np.float32).tolist()
    lengths = [rng.randint(5, 11)] * 3 if maker.fixed else [rng.randint(5 if maker.alone else 1, 11) for _ in range(rng.randint(1, 4))]
    if maker.reads == "ids":
        return [[rng.randrange(maker.vocabulary) for _ in range(t)] for t in lengths]
    return [np_rng.normal(size=(t, maker.inputs)).astype(np.float32).tolist() for t in lengths]


def initialise(maker):
    dtype = maker.rng.choice(["float32"] * 6 + ["float64", "float16", "bfloat16"])
    for module in maker.modules:
        if module is None:
            continue
        module.eval()
        for name, tensor in module.state_dict(keep_vars=True).items():
            if name.endswith("num_batches_tracked"):
                continue
            if name.endswith("running_var"):
                tensor.data.uniform_(0.5, 2)
            elif isinstance(module, (nn.Linear, nn.RNNBase, nn.Conv1d)):
                tensor.data.normal_(0, 0.5)
            else:
                tensor.data.normal_(0.3, 0.6)
            tensor.data = tensor.data.to(getattr(torch, dtype)).float()
    return getattr(torch, dtype)


def save(maker, dtype, folder, number):
    """The state dict in one of the ways in which people save it."""
    rng = maker.rng
    state = {}
    for entry, module in zip(maker.entries, maker.modules, strict=True):
        if module is None:
            continue
        for key, tensor in module.state_dict().items():
            name = f"{entry['name']}.{key}"
            state[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
            if tensor.dim() == 2 and rng.random() < 0.2:
                state[name] = state[name].t().contiguous().t()
    description, modules = {}, maker.entries
    # A tied weight may be missing from the state dict.
    for entry in modules:
        if entry.get("weight") and rng.random() < 0.5:
            state.pop(f"{entry['name']}.weight", None)
        elif entry.get("weight"):
            description["ignore"] = [*description.get("ignore", []), f"{entry['name']}.weight"]
    prefix = rng.choice(["", "", "", "module.", "model.encoder."])
    state = {prefix + name: tensor for name, tensor in state.items()}
    if prefix:
        description["prefix"] = rng.choice([prefix, prefix[:-1]])
        state["decoder.weight"] = torch.zeros(2)
    elif rng.random() < 0.2:
        state["aux.head.bias"] = torch.zeros(2)
        description["ignore"] = [*description.get("ignore", []), "aux"]
    kind = rng.choice(["pt", "pth", "safetensors"])
    path = folder / f"{number}.{kind}"
    if kind == "safetensors":
        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, path)
    else:
        wrapped = state
        if not prefix and rng.random() < 0.3:
            wrapped = {"epoch": 3, "state_dict": state, "best": np.float64(0.5), "optimizer": {"state": {0: {"m": torch.ones(2)}}}}
        torch.save(wrapped, path, _use_new_zipfile_serialization=kind == "pt")
    return path.name, {**description, "modules": modules} if description else modules


def make_case(folder, number, seed):
    rng = random.Random(seed * 1_000_003 + number)
    for attempt in range(100):
        torch.manual_seed(rng.randrange(2**31))
        maker = Maker(rng)
        maker.stack()
        rows = inputs(maker, np.random.default_rng(rng.randrange(2**31)))
        dtype = initialise(maker)
        try:
            with torch.no_grad():
                outputs = answers(maker, rows)
        except (RuntimeError, ValueError):
            continue  # a row is too short for a window
        if not all(torch.isfinite(y).all() and y.numel() and y.abs().max() < 1e4 for y in outputs):
            continue
        if maker.fixed:
            shape = [len(rows[0])] if maker.reads == "ids" else [len(rows[0]), maker.inputs]
            maker.entries.insert(0, {"type": "Input", "shape": shape})
            maker.modules.insert(0, None)
        file, architecture = save(maker, dtype, folder, number)
        return {
            "file": file,
            "architecture": architecture,
            "inputs": rows,
            "outputs": [y.tolist() for y in outputs],
            "refused": maker.refused,
        }
    raise RuntimeError(f"case {number}: no stack computes")


def main():
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    cases = [make_case(folder, number, seed) for number in range(count)]
    about = {"torch": torch.__version__, "seed": seed}
    text = ",\n".join(json.dumps(case) for case in cases)
    (folder / "cases.json").write_text(f'{{"about": {json.dumps(about)}, "cases": [\n{text}\n]}}\n', encoding="ascii")


if __name__ == "__main__":
    main()
