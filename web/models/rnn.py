"""Runs rnn.c, which trains the small recurrent models of this folder, and writes what it has trained as padless model files."""

import json
import re
import struct
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAD, UNKNOWN = 0, 1
SHAPE = ("V", "E", "R", "W", "C", "H", "L", "K", "crf", "F")  # of rnn.c


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def node(script, text):
    """The lines of JSON that a script of this folder makes of a text: words are cut, and answers are given, by padless itself."""
    done = run("node", *script, input=text, capture_output=True, encoding="utf-8")
    return [json.loads(line) for line in done.stdout.splitlines()]


def normalize(text):
    """NFC, then each code point lower-cased on its own: what the model files' text settings say."""
    return "".join(c.lower() for c in unicodedata.normalize("NFC", text))


# ---------------------------------------------------------------- training

def compiled(build):
    build.mkdir(parents=True, exist_ok=True)
    run("gcc", "-std=gnu11", "-O3", "-march=native", "-ffast-math", "-o", build / "rnn", HERE / "rnn.c", "-lm")
    return build / "rnn"


def write_rows(path, rows, labels=None):
    """Rows of ids, and for each its label: K probabilities, or a byte for each step."""
    with open(path, "wb") as file:
        file.write(struct.pack("<ii", len(rows), labels is not None))
        for n, row in enumerate(rows):
            file.write(struct.pack("<i", len(row)) + np.asarray(row, "<i4").tobytes())
            if labels is not None:
                label = labels[n]
                file.write(label if isinstance(label, bytes) else np.asarray(label, "<f4").tobytes())


def train(program, folder, rows, labels, unknown, vectors=None, start=None, **options):
    """Trains unless it is done; a run that was stopped goes on. unknown: how often each id becomes the unknown one."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "train.bin", rows, labels)
    np.asarray(unknown, "<f4").tofile(folder / "unknown.bin")
    if vectors is not None:
        vectors.astype("<f4").tofile(folder / "vectors.bin")
    if start:
        (folder / "start.bin").write_bytes((start / "weights.bin").read_bytes())
    run(program, "train", folder, *(part for name, value in options.items() for part in (f"--{name}", value)))
    (folder / "done").touch()


def answers(program, folder, rows):
    """What the trained model says: bytes of float32 logits, or of tags."""
    write_rows(folder / "rows.bin", rows)
    return run(program, "run", folder, folder / "rows.bin", capture_output=True).stdout


# ---------------------------------------------------------------- the model file

def tensors(folder):
    """{name in the file: values} of what was trained; labels that only round their number up are left out."""
    blob = (folder / "weights.bin").read_bytes()
    shape = dict(zip(SHAPE, struct.unpack_from(f"<{len(SHAPE)}i", blob)))
    V, E, R, W, C, H, L, K = (shape[name] for name in "VERWCHLK")
    padded = -(-K // 16) * 16
    at = 4 * len(SHAPE)

    def take(*size):
        nonlocal at
        n = int(np.prod(size))
        values = np.frombuffer(blob, "<f4", n, at).reshape(size)
        at += 4 * (-(-n // 16) * 16)
        return values

    table, projection = take(V, E), take(R, E)
    kernel, bias = take(W, E, C), take(C if W else 0)
    if R:
        table = table + np.fromfile(folder / "vectors.bin", "<f4").reshape(V, R) @ projection
    found = {"embedding.embeddings": table}
    if W:
        found |= {"window.kernel": kernel, "window.bias": bias}
    for layer in range(L):
        for way in ("forward", "backward"):
            path = f"states{layer + 1}.{way}_layer"
            inputs = 2 * H if layer else C if W else E
            found |= {f"{path}.kernel": take(inputs, 3 * H), f"{path}.recurrent_kernel": take(H, 3 * H), f"{path}.bias": take(2, 3 * H)}
    found |= {"scores.kernel": take(2 * H, padded)[:, :K], "scores.bias": take(padded)[:K]}
    if shape["crf"]:
        found |= {"tags.transitions": take(padded, padded)[:K, :K], "tags.start": take(padded)[:K], "tags.end": take(padded)[:K]}
    return shape, {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def architecture(shape, name):
    """The layers of rnn.c in Keras's words."""

    def layer(class_name, module="keras.layers", **config):
        return {"module": module, "class_name": class_name, "config": config, "registered_name": None}

    found = [layer("InputLayer", batch_shape=[None, None], dtype="int32", name="ids")]

    def add(class_name, at, **config):
        found.append(layer(class_name, name=at, **config))

    add("Embedding", "embedding", input_dim=shape["V"], output_dim=shape["E"], mask_zero=True)
    if shape["W"]:
        add("Conv1D", "window", filters=shape["C"], kernel_size=[shape["W"]], padding="same", activation="relu")
    for k in range(shape["L"]):
        gru = layer("GRU", name="gru", units=shape["H"], return_sequences=True, reset_after=True)
        add("Bidirectional", f"states{k + 1}", layer=gru, merge_mode="concat")
    if shape["crf"]:
        add("Dense", "scores", units=shape["K"])
        add("padless>CRF", "tags")
    else:
        add("GlobalAveragePooling1D", "pooling")
        add("Dense", "scores", units=shape["K"], activation="softmax")
    return layer("Sequential", "keras", name=name, layers=found)


def save(path, model, values, text, output):
    """A padless model file in int8. Written beside its place and moved, so no reader sees half of it."""
    about = {"format": 1, "architecture": model, "text": text, "outputs": [output]}
    part, whole = path.with_suffix(".part"), path.with_suffix(".float.safetensors")
    save_file(values, whole, {"padless": json.dumps(about, ensure_ascii=False, separators=(",", ":"))})
    run("node", ROOT / "js/cli.js", "convert", whole, "--int8", "-o", part)
    whole.unlink()
    part.replace(path)


def text_settings(unit, vocabulary, maxlen, **more):
    return {"unit": unit, "normalization": "NFC", "case": "lower", "vocabulary": vocabulary, "pad": PAD, "unknown": UNKNOWN, "maxlen": maxlen, **more}


def parameters(path):
    """Numbers of a model file, without the scales of its int8 values."""
    return sum(value.size for name, value in load_file(path).items() if not name.endswith((".scale", ".rows")))


# ---------------------------------------------------------------- results.json and the card

def table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def write_results(folder, results, parts):
    """results.json, and the parts of the card that speak of it: what stands between <!-- results: NAME --> and <!-- end -->."""
    (folder / "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8")
    for name, part in parts.items():
        text, found = re.subn(
            rf"(<!-- results: {name} -->\n).*?(<!-- end -->)", lambda match: f"{match[1]}\n{part}\n\n{match[2]}", text, flags=re.DOTALL)  # fmt: skip
        assert found == 1, f"{card}: {found} parts named {name}"
    card.write_text(text, encoding="utf-8")
