"""The words of a Chinese text and their parts of speech, a tag for each character: train, measure, export.

    pip install -r requirements.txt     # and gcc; and `make` at the top: int8 weights and answers are made by padless
    python train.py                     # everything; writes words-zh.safetensors, results.json and the card's numbers beside this file
    python train.py --evaluate-only     # measures the file that is here

The network first learns to cut sentences as jieba does, then the words and tags of the treebank. Each stage keeps what it has made in --build and is
not run again; training goes on from its last round. Settings were chosen on the treebank's dev sentences; the test sentences are read at the end. Data
comes from --data, by default the folder `shared` beside the checkout.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import rnn  # noqa: E402
import text  # noqa: E402

SETTINGS = {"E": 64, "W": 3, "C": 96, "H": 96, "crf": 1, "stddev": 0.2}
CUT = {"epochs": 1, "B": 48, "rate": 4e-3, "dropx": 0.2, "droph": 0.3}
TAGS = {"epochs": 10, "B": 16, "rate": 2.5e-3, "dropx": 0.3, "droph": 0.5}
FREQUENT = 5  # times that a character must stand in the sentences that jieba cuts, if the treebank lacks it
MAXLEN = 4096


def train(data, build):
    program = rnn.compiled(build)
    examples, others = [text.tagged(some) for some in text.read(data, "train")], text.sentences(data)
    reader = text.Reader(examples, others, FREQUENT)
    unknown = np.where(np.array(reader.counts) > 0, 0.002 + 0.25 / (2.5 + np.array(reader.counts)), 0)
    sizes = {"V": len(reader.vocabulary), **SETTINGS}
    rows = [reader.row(some) for some in others]
    if not (build / "cut/done").exists():
        rnn.train(program, build / "cut", rows, [bytes("BMES".index(c) for c in some) for some in text.cut(others)], unknown, K=4, **sizes, **CUT)
    rnn.train(program, build / "tags", [reader.row(some) for some, _ in examples], [reader.numbers_of(tags) for _, tags in examples], unknown,
              start=build / "cut", K=len(reader.labels), **sizes, **TAGS)  # fmt: skip
    return reader


def write(reader, build, path):
    shape, values = rnn.tensors(build / "tags")
    settings = rnn.text_settings("codepoint", reader.vocabulary, MAXLEN, map={digit: "0" for digit in text.DIGITS if digit != "0"})
    output = {"name": "words", "kind": "tags", "labels": reader.labels, "scheme": "BMES"}
    rnn.save(path, rnn.architecture(shape, "words-zh"), values, settings, output)
    return {"cut": CUT, "tags": TAGS, "vocabulary": len(reader.vocabulary)}


# ---------------------------------------------------------------- evaluation, through padless

def f1(pairs):
    """Of pairs of sets"""
    right, gold, found = (sum(map(len, some)) for some in ([a & b for a, b in pairs], [a for a, _ in pairs], [b for _, b in pairs]))
    return round(100 * 2 * right / (gold + found), 2)


def by_count(counter):
    """[(key, count)], the highest count first, equal ones by key: Python's sets have another order in each run."""
    return sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))


def measure(path, sentences):
    texts = [text.text_of([word for word, _ in some]) for some in sentences]
    answers = rnn.node([HERE.parent / "answers.js", path], "".join(f"{some}\n" for some, _ in texts))
    gold = [{(*place, tag) for place, (_, tag) in zip(places, some)} for (_, places), some in zip(texts, sentences)]
    found = [{(start, end, label) for start, end, label in some} for some in answers]
    tags = sorted({tag for some in gold for *_, tag in some})
    counts = Counter(tag for some in gold for *_, tag in some)
    by_tag = {tag: f1([({s for s in a if s[2] == tag}, {s for s in b if s[2] == tag}) for a, b in zip(gold, found)]) for tag in tags}
    wrong = Counter()
    for a, b in zip(gold, found):
        there = {place[:2]: place[2] for place in b}
        wrong.update(f"{tag} > {there[start, end]}" for start, end, tag in a if there.get((start, end), tag) != tag)
    return {
        "sentences": len(sentences),
        "words": f1([({s[:2] for s in a}, {s[:2] for s in b}) for a, b in zip(gold, found)]),
        "tagged": f1(list(zip(gold, found))),
        "tags": {tag: {"count": count, "f1": by_tag[tag]} for tag, count in by_count(counts)},
        "confusions": by_count(wrong)[:12],
    }


def card(results):
    test, dev = results["test"], results["dev"]
    often = [(tag, some) for tag, some in test["tags"].items() if some["count"] >= 20]
    weakest = ", ".join(f"`{tag}` {some['f1']:.0f}" for tag, some in sorted(often, key=lambda item: item[1]["f1"])[:8])
    confusions = ", ".join(f"{pair} ({n})" for pair, n in test["confusions"][:8]).replace(" > ", " as ")
    return {
        "file": rnn.table(["", ""], [
            ["file", f"`words-zh.safetensors`, {results['bytes']:,} bytes, {results['gzip']:,} gzipped; {results['parameters']:,} parameters, most of them int8"],
            ["text", f"code points, NFC, lower case, digits as 0; {results['training']['vocabulary'] - 2:,} characters are known"],
        ]),
        "accuracy": rnn.table(["", "words, F1", "words with tags, F1"], [
            ["test, 500 sentences", f"{test['words']:.1f}", f"{test['tagged']:.1f}"],
            ["dev, 500 sentences", f"{dev['words']:.1f}", f"{dev['tagged']:.1f}"],
        ]),
        "tags": rnn.table(["tag", "words of the test", "F1"], [[f"`{tag}`", some["count"], some["f1"]] for tag, some in often]),
        "weakest": f"- Weakest of the tags that stand 20 times in the test: {weakest}.\n- Most frequent confusions: {confusions}.",
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=rnn.ROOT.parent / "shared/data", help="folder of the text (default: ../shared/data)")
    parser.add_argument("--build", type=Path, default=rnn.ROOT / "build/words-zh", help="what the stages make")
    parser.add_argument("--evaluate-only", action="store_true", help="measure the file that is there")
    parser.add_argument("--no-test", action="store_true", help="write the file and leave the test sentences unread")
    options = parser.parse_args()
    path, old = HERE / "words-zh.safetensors", HERE / "results.json"
    trained = json.loads(old.read_text("utf-8"))["training"] if old.exists() else None
    if not options.evaluate_only:
        trained = write(train(options.data, options.build), options.build, path)
    results = {"bytes": path.stat().st_size, "gzip": len(gzip.compress(path.read_bytes(), 9)), "parameters": rnn.parameters(path), "training": trained}
    for part in ("dev",) if options.no_test else ("dev", "test"):
        results[part] = measure(path, text.read(options.data, part))
        print(part, results[part]["words"], results[part]["tagged"], flush=True)
    if not options.no_test:
        rnn.write_results(HERE, results, card(results))


if __name__ == "__main__":
    main()
