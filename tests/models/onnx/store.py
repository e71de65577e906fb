"""Stores ONNX files that an exporter wrote, with onnxruntime's answers. make_torch_models.py, make_tf_models.py and make_paddle_models.py use it.

A set of models is a folder with NAME.onnx for each and goldens-EXPORTER.json:

    made           versions of everything that took part
    models         name -> what the model is: `architecture` and the options that tell it from others of the same architecture, `opset`,
                   `unread`, names of inputs that no node reads, and `runs`: [{ inputs: name -> { type, shape, data }, outputs: [{ name, type, shape, data }] }], data float32 or int64,
                   little-endian, base64, computed by onnxruntime on the CPU from the file as it is stored
    without        name -> why there is no file: the exporter's message, its beginning
"""

import base64
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HERE = Path(__file__).resolve().parent


def described(array):
    array = np.ascontiguousarray(array)
    return {"type": str(array.dtype), "shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def bare(proto):
    """Removes documentation: exporters write paths of the machine, and the lines of Python code that a node came from."""
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        del value.metadata_props[:]
        value.doc_string = ""
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    proto.graph.doc_string = proto.doc_string = ""
    return proto


class Store:
    def __init__(self, folder, exporter, **made):
        self.folder = Path(folder or HERE)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"goldens-{exporter}.json"
        self.whole = folder is not None
        self.made = {**made, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
        self.models, self.without = {}, {}

    def add(self, name, data, runs, **about):
        """Stores a file, given as bytes, with the answers to `runs`: a list of input name -> array."""
        proto = onnx.load_from_string(data)
        if not self.whole and hasattr(proto.graph, "metadata_props"):
            proto = bare(proto)
            data = proto.SerializeToString()
        opset = next(each.version for each in proto.opset_import if each.domain in ("", "ai.onnx"))
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        names = [each.name for each in session.get_outputs()]
        known = {each.name for each in session.get_inputs()}
        answers = []
        for inputs in runs:
            used = {key: value for key, value in inputs.items() if key in known}
            outputs = session.run(names, used)
            assert all(np.isfinite(each).all() for each in outputs), name
            answers.append({
                "inputs": {key: described(value) for key, value in used.items()},
                "outputs": [{"name": key, **described(value)} for key, value in zip(names, outputs, strict=True)],
            })  # fmt: skip
        (self.folder / f"{name}.onnx").write_bytes(data)
        print(name, opset, flush=True)
        read = {each for node in proto.graph.node for each in node.input}
        unread = [each.name for each in session.get_inputs() if each.name not in read]
        self.models[name] = {**about, "opset": opset, **({"unread": unread} if unread else {}), "runs": answers}

    def fail(self, name, error):
        """The exporter yields no file."""
        text = re.sub(r"\x1b\[\d*m", "", str(error)).split("## Exception summary")[-1].strip()
        lines = [each.strip() for each in text.splitlines() if each.strip()] or [""]
        first = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
        self.without[name] = f"{type(error).__name__}: {first}"[:300]

    def write(self, say=True):
        lines = [f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in sorted(self.models.items())]
        parts = [f'"made": {json.dumps(self.made)}', '"models": {\n' + ",\n".join(lines) + "\n}", f'"without": {json.dumps(self.without, indent=1)}']
        self.path.write_text("{\n" + ",\n".join(parts) + "\n}\n")
        if not say:
            return
        size = sum((self.folder / f"{name}.onnx").stat().st_size for name in self.models)
        print(f"{self.path.name}: {len(self.models)} models, {size} bytes, {len(self.without)} without a file")
