"""Language identification by a bag of hashed n-grams: read text, train, calibrate, export, measure.

    pip install -r requirements.txt     # and gcc, node
    python train.py                     # everything; writes langid.safetensors and results.json beside this file
    python train.py --evaluate-only     # measures the file that is here

Each stage keeps what it has made in --build and is not run again; training goes on from its last checkpoint. Training takes half an hour of
one processor core. The benchmark is read at the end; every choice is made on sentences held out of the training text.
"""

import argparse
import json
import re
import struct
import subprocess
from itertools import chain
from pathlib import Path

import numpy as np
import text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ROWS, WIDTH, HASHES = 32768, 43, 2
SAMPLES, TERNARY, RATE, SEED = 15_000_000, 30_000_000, 1.0, 1
CERTAIN = 0.9  # the share of held-out words, pairs and sentences that are right among answers at the threshold
UNSEEN = 0.3  # the share of the different words of a text from elsewhere that the training text and its lists do not have, see calibrate
FLOAT_LABELS = 64  # bag.c pads labels to this number


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def train(data, build):
    text.prepare(data, build)
    program = build / "bag"
    run("gcc", "-std=gnu11", "-O3", "-march=native", "-o", program, HERE / "bag.c", "-lm")
    run(program, "train", build, "--rows", ROWS, "--width", WIDTH, "--samples", SAMPLES, "--ternary", TERNARY, "--rate", RATE, "--seed", SEED)
    return program


# ---------------------------------------------------------------- the trained model

def read_model(path):
    """(table [V, D], kernel [D, K], bias [K]) of a file that bag.c wrote."""
    blob = path.read_bytes()
    rows, width = struct.unpack_from("<II", blob)
    padded = (width + 7) // 8 * 8
    at = 8 + 8 + 8 + 4
    parts = []
    for size in (rows * padded, rows, padded * FLOAT_LABELS, padded, FLOAT_LABELS):
        parts.append(np.frombuffer(blob, "<f4", size, at))
        at += 4 * size
    table, _, kernel, _, bias = parts
    k = len(text.LABELS)
    return table.reshape(rows, padded)[:, :width], kernel.reshape(padded, FLOAT_LABELS)[:width, :k], bias[:k]


def ternary(table):
    """(signs [V, D], scales [V]) as ternary_scale of bag.c has them: a scale has one bit behind its first."""
    magnitude = np.abs(table)
    on = magnitude > 0.7 * magnitude.mean(1, keepdims=True)
    scale = (np.where(on, magnitude, 0).sum(1) / np.maximum(on.sum(1), 1)).astype(np.float32)
    scale = ((scale.view(np.uint32) + 0x200000) & 0xFFC00000).view(np.float32)
    return np.where(on, np.sign(table), 0).astype(np.int8), scale


def to_rows(scale):
    """(numbers [V], U8, unit): scale = number * unit; all numbers are 2^n or 3 * 2^n but the smallest."""
    unit = scale.max() / 192
    return np.clip(np.rint(scale / unit), 0, 255).astype(np.uint8), np.float32(unit)


def packed(signs):
    """Five values in a byte, row by row: sum (v + 1) 3^i."""
    flat = np.zeros(-(-signs.size // 5) * 5, np.int64)
    flat[: signs.size] = signs.ravel()
    return ((flat + 1).reshape(-1, 5) * 3 ** np.arange(5)).sum(1).astype(np.uint8)


def rounded(values, bits=8):
    """float32 with so many bits of mantissa, which a compressor makes small."""
    drop = 23 - bits
    raw = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((raw + (1 << (drop - 1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)).view(np.float32)


# ---------------------------------------------------------------- calibration, on held-out text

def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def read_dev(program, build):
    """(logits [N, K], labels [N], kinds [N], pieces [N]) of the held-out text."""
    lines = (build / "dev.txt").read_text("utf-8").splitlines()
    kinds, labels, pieces = zip(*(line.split("\t") for line in lines))
    made = run(program, "logits", build / "ternary.bag", input="".join(f"{p}\n" for p in pieces).encode(), capture_output=True).stdout
    logits = np.frombuffer(made, "<f4").reshape(len(lines), FLOAT_LABELS)[:, : len(text.LABELS)].astype(np.float64)
    return logits, np.array(labels, int), np.array(kinds, int), pieces


def unseen_words(build, labels, kinds, pieces):
    """[N] lists: for each word of a pair or single word, whether the training has it nowhere under this label."""
    wanted = [set() for _ in text.LABELS]
    for label, kind, piece in zip(labels, kinds, pieces):
        if kind > 0:
            wanted[label].update(piece.split(" "))
    with open(build / "words.txt", encoding="utf-8") as words, open(build / "text.txt", encoding="utf-8") as lines:
        for line in chain(words, lines):
            label, *_, found = line.rstrip("\n").split("\t")
            if wanted[int(label)]:
                wanted[int(label)].difference_update(found.split(" "))
    return [[word in wanted[label] for word in piece.split(" ")] if kind > 0 else [] for label, kind, piece in zip(labels, kinds, pieces)]


def weights(kinds, unseen):
    """[N], the sum of each kind is 1. Unseen words count as often as in a text from elsewhere: UNSEEN of all words."""
    single = [row[0] for row, kind in zip(unseen, kinds) if kind == 2]
    share = sum(single) / len(single)
    factors = {True: UNSEEN / share, False: (1 - UNSEEN) / (1 - share)}
    weight = np.array([np.prod([factors[word] for word in row]) for row in unseen])
    for kind in set(kinds):
        weight[kinds == kind] /= weight[kinds == kind].sum()
    return weight


def calibrate(logits, labels, kinds, weight):
    """(temperature, threshold): the temperature with the least cross-entropy, each kind of text counting alike.

    The held-out text is from the collections of the training text, so training has seen 86 % of its words. On the others, scores are 5 points above
    the share that is right. Of the different words of Common Voice, the treebanks or Firefox, 30 % are neither in the other two nor in the lists:
    the mean over these three and twelve languages, from 10 % (English) to 65 % (Arabic).
    """
    least = {}
    for t in np.arange(0.6, 2.5, 0.02):
        p = softmax(logits / t)
        least[t] = -(weight * np.log(p[np.arange(len(labels)), labels] + 1e-12)).sum()
    temperature = min(least, key=least.get)
    p = softmax(logits / temperature)
    score, right = p.max(1), p.argmax(1) == labels
    for threshold in np.arange(0.3, 1, 0.01):
        near = (score >= threshold) & (score < threshold + 0.1)
        if (weight * right * near).sum() >= CERTAIN * (weight * near).sum():
            break
    for kind, name in enumerate(("sentences", "pairs", "words")):
        here = kinds == kind
        mean = [100 * np.average(values[here], weights=weight[here]) for values in (right, score)]
        print(f"held out, {name}: {mean[0]:.2f} % right, mean score {mean[1]:.2f} %")
    return float(temperature), round(float(threshold), 2)


# ---------------------------------------------------------------- the model file

def architecture():
    layers = [
        ("InputLayer", {"name": "ids", "batch_shape": [None, None], "dtype": "int32"}),
        ("Embedding", {"name": "embedding", "input_dim": ROWS, "output_dim": WIDTH, "mask_zero": False}),
        ("padless>MaskedSqrtN", {"name": "pooling"}),
        ("Dense", {"name": "dense", "units": len(text.LABELS), "activation": "softmax", "use_bias": True}),
    ]
    return {"class_name": "Sequential", "config": {"name": "langid", "layers": [{"class_name": c, "config": config} for c, config in layers]}}


def settings(threshold):
    ngrams = {"rows": ROWS, "hashes": HASHES, "min": 1, "max": 5, "border": "_", "word": True, "unspaced": {"max": 3, "ranges": text.UNSPACED}}
    return {
        "format": 1,
        "architecture": architecture(),
        "text": {"unit": "ngrams", "normalization": "NFC", "case": "lower", "maxlen": 16384, "ngrams": ngrams},
        "outputs": [{"name": "language", "kind": "class", "labels": text.LABELS, "threshold": threshold}],
    }


def write(path, program, build):
    from safetensors.numpy import save_file

    table, kernel, bias = read_model(build / "ternary.bag")
    signs, scale = ternary(table)
    rows, unit = to_rows(scale)
    logits, labels, kinds, pieces = read_dev(program, build)
    temperature, threshold = calibrate(logits, labels, kinds, weights(kinds, unseen_words(build, labels, kinds, pieces)))
    print(f"temperature {temperature:.2f}, threshold {threshold}")
    # Softmax does not see what all columns have in common.
    kernel, bias = (values - values.mean(-1, keepdims=True) for values in (kernel, bias))
    tensors = {
        "dense.kernel": rounded(kernel / temperature),
        "dense.bias": rounded(bias / temperature),
        "embedding.embeddings": packed(signs),
        "embedding.embeddings.rows": rows,
        "embedding.embeddings.scale": np.full(WIDTH, unit, np.float32),
    }
    save_file(tensors, path, {"padless": json.dumps(settings(threshold), ensure_ascii=False, separators=(",", ":"))})
    return {"temperature": round(temperature, 2), "threshold": threshold, "samples": SAMPLES, "ternary": TERNARY, "seed": SEED}


# ---------------------------------------------------------------- results.json and the card

def table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def weakest(results):
    lines = []
    for kind, name in (("sentences", "sentences"), ("pairs", "word pairs"), ("words", "single words")):
        low = sorted(results[kind]["languages"].items(), key=lambda item: item[1])[:10]
        lines.append(f"- {name}: " + ", ".join(f"{label} {value:.0f}" for label, value in low) + ".")
    found = list(results["sentences"]["confusions"].items())[:10]
    lines.append("- Most frequent confusions on sentences: " + ", ".join(f"{pair} ({count})" for pair, count in found) + ".")
    return "\n".join(lines)


def accuracy(results):
    kinds = ("sentences", "pairs", "words")
    rows = [
        [f"**this model**, {len(results['sentences']['languages'])} languages", *(f"{results[k]['accuracy']:.1f}" for k in kinds)],
        ["the languages of it that eld has, too", *(f"{results[k]['likeEld']:.1f}" for k in kinds)],
        ["calibration error, points", *(f"{results[k]['calibrationError']:.1f}" for k in kinds)],
        ["answers that are certain", *(f"{results[k]['certain']:.1f} %" for k in kinds)],
        ["of these right", *(f"{results[k]['rightWhereCertain']:.1f} %" for k in kinds)],
    ]
    return table(["", "sentences", "word pairs", "single words"], rows)


def write_card(results):
    card = HERE / "README.md"
    content = card.read_text("utf-8")
    for name, part in (("accuracy", accuracy(results)), ("weakest", weakest(results))):
        content = re.sub(rf"(<!-- results: {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}\n{part}\n\n{m[2]}", content, flags=re.DOTALL)
    card.write_text(content, "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="folder of the text (default: ../shared/data)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/langid", help="what the stages make")
    parser.add_argument("--out", type=Path, default=HERE / "langid.safetensors")
    parser.add_argument("--evaluate-only", action="store_true", help="measure the file that is there")
    parser.add_argument("--no-benchmark", action="store_true", help="write the file and leave the benchmark unread")
    options = parser.parse_args()
    old = HERE / "results.json"
    trained = json.loads(old.read_text("utf-8")).get("training") if old.exists() else None
    if not options.evaluate_only:
        trained = write(options.out, train(options.data, options.build), options.build)
    if options.no_benchmark:
        return
    made = run("node", HERE / "measure.js", options.out, options.data, capture_output=True, encoding="utf-8", cwd=ROOT).stdout
    results = {"training": trained, **json.loads(made)}
    if options.out == HERE / "langid.safetensors":
        old.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")
        write_card(results)
    print(json.dumps({k: v for k, v in results.items() if k != "training"}, ensure_ascii=False)[:3000])


if __name__ == "__main__":
    main()
