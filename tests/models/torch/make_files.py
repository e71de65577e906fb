"""Writes files.json.gz: small files as torch.save writes them, with the tensors in them, and files that padless refuses.

    pip install -r requirements.txt && python make_files.py

A file has bytes (base64) and tensors (name -> dtype of safetensors, shape, bytes in hex), or `refused`, a part of the message. The files of
other versions, under `old`, are in the folder that make_old_files.py wrote: python make_files.py FOLDER.
"""

import argparse
import base64
import collections
import gzip
import io
import json
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.rnn = nn.GRU(3, 2)

    def forward(self, x):
        return self.rnn(self.embed(x))[0]


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


DTYPES = {
    "float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL", "complex32": "C32", "complex64": "C64",
    "complex128": "C128", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip
LEGACY = {"_use_new_zipfile_serialization": False}


def told(tensors):
    """Each tensor's dtype, shape and bytes, row by row."""
    found = {}
    for name, tensor in tensors.items():
        flat = tensor.detach().contiguous().flatten()
        data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        found[name] = [DTYPES[str(tensor.dtype).split(".")[1]], list(tensor.shape), data.hex()]
    return found


def readable():
    torch.manual_seed(0)
    net = Net()
    dtypes = {name: torch.arange(6).reshape(2, 3).to(getattr(torch, name)) for name in DTYPES}
    x = torch.arange(24.0).reshape(2, 3, 4)
    views = {
        "permuted": x.permute(2, 0, 1), "sliced": x[:, 1:, ::2], "expanded": torch.ones(1).expand(3, 2), "offset": x.flatten()[7:9],
        "parameter": nn.Parameter(x[0]), "scalar": torch.tensor(3.0), "empty": torch.zeros(0, 3), "shared": x,
    }  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.tensor([[1, 2]])).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3, "best": np.float64(0.5), "history": np.arange(3.0), "args": argparse.Namespace(lr=0.1), "path": Path("a/b"),
        "device": torch.device("cpu"), "dtype": torch.float32, "size": torch.Size([1, 2]), "optimizer": optimizer.state_dict(),
        "words": collections.Counter("aab"), "labels": {"a", "b"}, "big": 2**70, "negative": -5, "none": None, "bytes": b"\x00\xff",
        "model": net.state_dict(),
    }  # fmt: skip
    parts = {"en": net.state_dict(), "de": net.state_dict(), "epoch": 1}
    state = told(net.state_dict())
    for kind, options in {"zip": {}, "legacy": LEGACY, "zip-protocol-4": {"pickle_protocol": 4}, "legacy-protocol-5": LEGACY | {"pickle_protocol": 5}}.items():
        yield f"state.{kind}", saved(net.state_dict(), **options), state
        yield f"dtypes.{kind}", saved(dtypes, **options), told(dtypes)
        yield f"views.{kind}", saved(views, **options), told(views)
        yield f"checkpoint.{kind}", saved(checkpoint, **options), {f"model.{name}": each for name, each in state.items()}
        yield f"parts.{kind}", saved(parts, **options), {f"{part}.{name}": each for part in ("en", "de") for name, each in state.items()}
    yield "parameters.zip", saved(dict(net.named_parameters())), state


def refused():
    net = Net()
    yield "whole.zip", saved(net), "__main__.Net"
    yield "whole.legacy", saved(net, **LEGACY), "__main__.Net"
    yield "layers.zip", saved(nn.Sequential(nn.Linear(2, 2))), "torch.nn.modules.container.Sequential"
    yield "layers.legacy", saved(nn.Sequential(nn.Linear(2, 2)), **LEGACY), "a whole model"
    yield "nested.zip", saved({"model": net, "epoch": 1}), "__main__.Net"
    yield "tensor.zip", saved(torch.ones(2)), "one tensor"
    yield "list.zip", saved([torch.ones(2)]), "a list of 1"
    yield "empty.zip", saved({}), "no tensor"
    yield "sparse.zip", saved({"a": torch.eye(2).to_sparse()}), "to_dense()"
    yield "quantised.zip", saved({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}), "dequantize()"
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), stream)
    yield "script.zip", stream.getvalue(), "TorchScript"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.pt"
        torch.save({"a": torch.ones(2)}, path)
        data = path.read_bytes()
        assert data.count(b"little") == 1
        # Keep the number of bytes, and store the right CRC-32.
        old, new = zlib.crc32(b"little"), zlib.crc32(b"bigbig")
        data = data.replace(b"little", b"bigbig").replace(old.to_bytes(4, "little"), new.to_bytes(4, "little"))
    yield "big-endian.zip", data, "bigbig-endian"


def main():
    files = {name: {"bytes": base64.b64encode(data).decode(), "tensors": tensors} for name, data, tensors in readable()}
    files |= {name: {"bytes": base64.b64encode(data).decode(), "refused": part} for name, data, part in refused()}
    old = [json.loads(path.read_text()) for path in sorted(Path(sys.argv[1]).glob("*.json"))] if len(sys.argv) > 1 else []
    text = json.dumps({"torch": torch.__version__, "files": files, "old": old})
    (HERE / "files.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(len(files), "files and", len(old), "old versions")


if __name__ == "__main__":
    main()
