"""Writes NAME.safetensors, state_dicts of small PyTorch models with random weights, and PyTorch's answers: goldens.json.

    pip install -r requirements.txt && python make_models.py

Any build of torch will do: it runs on the CPU. A case of goldens.json:

    architecture   what the modules are, in the order they are called. type and options are torch's; name is the module's in the
                   state_dict, null where it has no parameters. Options that are torch's default are left out.
                     Recurrent modules: `returns` "sequence" (the last layer's output at every step) or "last" (h_n of the last
                     layer, both directions side by side). They are called through pack_padded_sequence where the case has lengths.
                     Conv1d, MaxPool1d and BatchNorm1d are called on [B, C, T], between two transpositions.
                     Without a module in torch: Max and Mean, over the steps within the lengths.
    ids, lengths   rows padded with 0 at the end; lengths null: every step is data, the zeros too
    outputs        [{ name, shape, data }], data float32, little-endian, base64. Steps beyond the length are whatever torch has
                   there (pad_packed_sequence gives zeros, a Linear behind it its bias).
    probabilities  whether every output stays within [0, 1]
    refused        what padless cannot do, and says so
"""

import base64
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = Path(__file__).resolve().parent
SEED = 20240608
V = 12
IDS = [[3, 1, 4, 1, 5, 9], [5, 3, 8, 0, 0, 0], [2, 7, 0, 0, 0, 0], [10, 11, 0, 6, 7, 0], [6, 0, 0, 0, 0, 0]]
LENGTHS = [6, 3, 2, 5, 1]  # row 3 has a 0 within its length
SEQUENCE, LAST = {"returns": "sequence"}, {"returns": "last"}


def embedding(width=4, name="embedding", **options):
    return {"type": "Embedding", "name": name, "num_embeddings": V, "embedding_dim": width, **options}


def linear(inputs, outputs, name="linear", **options):
    return {"type": "Linear", "name": name, "in_features": inputs, "out_features": outputs, **options}


def recurrent(kind, inputs, hidden, returns, name="rnn", **options):
    return {"type": kind, "name": name, "input_size": inputs, "hidden_size": hidden, **options, **returns}


def conv(inputs, outputs, size, name="conv", **options):
    return {"type": "Conv1d", "name": name, "in_channels": inputs, "out_channels": outputs, "kernel_size": size, **options}


def plain(kind, **options):
    return {"type": kind, "name": None, **options}


# name -> (architecture, options)
CASES = {
    "bilstm-tagger": (
        [embedding(padding_idx=0), recurrent("LSTM", 4, 5, SEQUENCE, bidirectional=True, batch_first=True), linear(10, 3)],
        {},
    ),
    "bilstm-stack-last": (
        [
            embedding(),
            plain("Dropout", p=0.2),
            recurrent("LSTM", 4, 3, LAST, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3, bias=False),
            linear(6, 2),
            plain("Sigmoid"),
        ],
        {"probabilities": True},
    ),
    "gru-three-layers": (
        [embedding(), recurrent("GRU", 4, 5, LAST, num_layers=3), linear(5, 3)],
        {"notes": "batch_first is False: the module is called on [T, B, D]; ids are [B, T] all the same"},
    ),
    "bigru-two-layers": (
        [
            embedding(padding_idx=0),
            recurrent("GRU", 4, 3, LAST, num_layers=2, bidirectional=True, batch_first=True),
            linear(6, 3),
            plain("Softmax", dim=-1),
        ],
        {"probabilities": True},
    ),
    "bigru-sequence": ([embedding(), recurrent("GRU", 4, 3, SEQUENCE, num_layers=2, bidirectional=True, batch_first=True)], {}),
    "rnn-tanh": ([embedding(), recurrent("RNN", 4, 5, SEQUENCE, num_layers=2, batch_first=True), linear(5, 2)], {}),
    "rnn-relu": (
        [
            embedding(),
            recurrent("RNN", 4, 5, LAST, num_layers=2, nonlinearity="relu", bias=False, batch_first=True),
            linear(5, 2, bias=False),
        ],
        {},
    ),
    "birnn-tanh": (
        [embedding(), recurrent("RNN", 4, 3, SEQUENCE, bidirectional=True, batch_first=True), plain("Max"), linear(6, 3)],
        {},
    ),
    "lstm-proj": ([embedding(), recurrent("LSTM", 4, 5, SEQUENCE, proj_size=3, batch_first=True)], {"refused": "proj_size"}),
    "lstm-unpacked": (
        [embedding(), recurrent("LSTM", 4, 5, LAST, batch_first=True), linear(5, 3)],
        {"lengths": None, "notes": "not packed: the LSTM reads the zeros too"},
    ),
    "conv-max": (
        [embedding(padding_idx=0), conv(4, 5, 3, padding=1), plain("ReLU"), plain("Max"), linear(5, 3), plain("LogSoftmax", dim=1)],
        {"lengths": None},
    ),
    "conv-same": (
        [
            embedding(),
            conv(4, 6, 3, "conv1", padding="same", dilation=2),
            plain("Tanh"),
            conv(6, 4, 2, "conv2", stride=2, bias=False),
            plain("LeakyReLU", negative_slope=0.1),
            plain("MaxPool1d", kernel_size=2),
            plain("Mean"),
            linear(4, 3),
        ],
        {"lengths": None},
    ),
    "conv-batch-norm": (
        [
            embedding(),
            conv(4, 5, 3, padding=1),
            {"type": "BatchNorm1d", "name": "norm", "num_features": 5},
            plain("GELU"),
            conv(5, 3, 1, "head"),
        ],
        {"lengths": None, "notes": "the state_dict holds num_batches_tracked, an int64 scalar"},
    ),
    "layer-norm": (
        [
            embedding(),
            {"type": "LayerNorm", "name": "norm1", "normalized_shape": 4},
            recurrent("LSTM", 4, 5, SEQUENCE, batch_first=True),
            {"type": "LayerNorm", "name": "norm2", "normalized_shape": 5, "eps": 1e-3},
            recurrent("GRU", 5, 3, LAST, "reader", batch_first=True),
            linear(3, 2),
        ],
        {},
    ),
    "mean": (
        [
            embedding(5),
            plain("Mean"),
            linear(5, 4, "hidden"),
            plain("ReLU"),
            plain("Dropout"),
            linear(4, 1, "out"),
            plain("Sigmoid"),
        ],
        {"probabilities": True},
    ),
    "nested-names": (
        [
            embedding(4, "encoder.tokens.weights"),
            recurrent("LSTM", 4, 3, SEQUENCE, "encoder.rnn", batch_first=True),
            plain("Mean"),
            linear(3, 4, "head.0"),
            plain("ELU", alpha=0.7),
            linear(4, 2, "head.3"),
        ],
        {},
    ),
    "gru-float16": (
        [embedding(), recurrent("GRU", 4, 3, SEQUENCE, batch_first=True), linear(3, 2)],
        {"dtype": "float16", "notes": "saved as float16; the answers are float32's with those weights"},
    ),
    "lstm-bfloat16": (
        [embedding(), recurrent("LSTM", 4, 3, LAST, bidirectional=True, batch_first=True), linear(6, 2)],
        {"dtype": "bfloat16", "notes": "saved as bfloat16; the answers are float32's with those weights"},
    ),
}

WITHOUT_MODULE = ("Max", "Mean")
ON_CHANNELS = (nn.Conv1d, nn.MaxPool1d, nn.BatchNorm1d)


def module_of(entry):
    options = {key: value for key, value in entry.items() if key not in ("type", "name", "returns")}
    return getattr(nn, entry["type"])(**options)


def over_time(kind, x, lengths):
    counts = torch.arange(x.shape[1])[None, :, None] < torch.as_tensor(lengths or [x.shape[1]] * len(x))[:, None, None]
    if kind == "Max":
        return x.masked_fill(~counts, -torch.inf).amax(1)
    return x.masked_fill(~counts, 0).sum(1) / counts.sum(1)


def run_recurrent(module, x, lengths, returns):
    length = x.shape[1]
    if not module.batch_first:
        x = x.transpose(0, 1)
    if lengths:
        x = pack_padded_sequence(x, torch.tensor(lengths), batch_first=module.batch_first, enforce_sorted=False)
    y, state = module(x)
    if returns == "last":
        h = state[0] if isinstance(module, nn.LSTM) else state
        return torch.cat([h[-2], h[-1]], dim=1) if module.bidirectional else h[-1]
    if lengths:
        y, _ = pad_packed_sequence(y, batch_first=module.batch_first, total_length=length)
    return y if module.batch_first else y.transpose(0, 1)


def run(architecture, modules, ids, lengths):
    x = torch.tensor(ids)
    for entry, module in zip(architecture, modules, strict=True):
        if module is None:
            x = over_time(entry["type"], x, lengths)
        elif isinstance(module, nn.RNNBase):
            x = run_recurrent(module, x, lengths, entry["returns"])
        elif isinstance(module, ON_CHANNELS):
            x = module(x.transpose(1, 2)).transpose(1, 2)
        else:
            x = module(x)
    return x


def golden(name):
    architecture, options = CASES[name]
    torch.manual_seed(SEED + zlib.crc32(name.encode()) % 1000)
    modules = [None if entry["type"] in WITHOUT_MODULE else module_of(entry) for entry in architecture]
    state = {}
    for entry, module in zip(architecture, modules, strict=True):
        if module is None:
            continue
        module.eval()
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm1d)):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, (nn.RNNBase, nn.Linear)):  # their own start, 1 / sqrt(width) at most, is rather quiet
            for parameter in module.parameters():
                parameter.data *= 2
        if "dtype" in options:  # through the type of the file and back
            dtype = getattr(torch, options["dtype"])
            module.to(dtype).float()
        for key, tensor in module.state_dict().items():
            tensor = tensor.to(dtype) if "dtype" in options else tensor
            state[f"{entry['name']}.{key}"] = tensor.contiguous().clone()
    lengths = options.get("lengths", LENGTHS)
    with torch.no_grad():
        y = run(architecture, modules, IDS, lengths).numpy()
    assert y.dtype == np.float32 and np.isfinite(y).all() and np.ptp(y) > 0.05, name
    probabilities = options.get("probabilities", False)
    assert not probabilities or (y.min() >= 0 and y.max() <= 1), name
    save_file(state, HERE / f"{name}.safetensors", {"format": "pt"})
    data = base64.b64encode(np.ascontiguousarray(y, "<f4").tobytes()).decode()
    return {
        "name": name,
        "file": f"{name}.safetensors",
        "architecture": architecture,
        "ids": IDS,
        "lengths": lengths,
        "outputs": [{"name": "output", "shape": list(y.shape), "data": data}],
        "probabilities": probabilities,
        "refused": options.get("refused"),
        "notes": options.get("notes"),
    }


def main():
    torch.set_num_threads(1)
    for old in HERE.glob("*.safetensors"):
        old.unlink()
    about = {"torch": torch.__version__, "numpy": np.__version__, "seed": SEED}
    cases = ",\n".join(json.dumps(golden(name)) for name in CASES)
    (HERE / "goldens.json").write_text(f'{json.dumps(about, indent=1)[:-2]},\n "cases": [\n{cases}\n]}}\n', encoding="ascii")
    print(len(CASES), "written", file=sys.stderr)


if __name__ == "__main__":
    main()
