"""What the answers are worth: accuracy of tags, F1 of names; results.json, and the parts of the card that speak of it."""

import gzip
import json
import re
import struct
from collections import Counter, defaultdict

from network import ENTITIES, LABELS

KINDS = {"tokens": ("labels", "entities"), "gold": ("goldLabels", "goldEntities")}
NAMES = {"tokens": "words", "gold": "treebank_tokens"}


def spans(labels):
    """{(start, end, kind)} of BIO labels"""
    found, begun = set(), None
    for i, label in enumerate([*labels, "O"]):
        if begun and not (label[0] == "I" and label[2:] == begun[1]):
            found.add((begun[0], i, begun[1]))
            begun = None
        if label != "O" and not begun:
            begun = i, label[2:]
    return found


def percent(right, of):
    return round(100 * right / (of or 1), 2)


def names(sentences, answers, tokens):
    """{kind: {count, precision, recall, f1}} of names; sentences without labels of names do not count."""
    right, there, found = Counter(), Counter(), Counter()
    for sentence, answer in zip(sentences, answers, strict=True):
        gold = sentence[KINDS[tokens][1]]
        if not gold:
            continue
        for counts, some in ((there, spans(gold)), (found, spans(answer[tokens][1])), (right, spans(gold) & spans(answer[tokens][1]))):
            counts["all"] += len(some)
            counts.update(kind for *_, kind in some)
    return {
        kind: {"count": there[kind], "precision": percent(right[kind], found[kind]), "recall": percent(right[kind], there[kind]),
               "f1": percent(2 * right[kind], there[kind] + found[kind])}
        for kind in ("all", *dict.fromkeys(label[2:] for label in ENTITIES if label != "O"))
    }  # fmt: skip


def accuracy(pairs):
    return {"count": len(pairs), "accuracy": percent(sum(a == b for a, b in pairs), len(pairs))}


def short(sentences, answers):
    """The three numbers that matter, while training"""
    found = {"names": names(sentences, answers, "gold")["all"]["f1"]}
    for tokens, (labels, _) in KINDS.items():
        pairs = [pair for sentence, answer in zip(sentences, answers) for pair in zip(sentence[labels], answer[tokens][0], strict=True)]
        found[NAMES[tokens]] = accuracy(pairs)["accuracy"]
    return found


def measure(sentences, answers, is_known):
    """answers: [{tokens: [labels, entities], gold: [labels, entities]}]"""
    results = {}
    for tokens, (labels, _) in KINDS.items():
        rows = [
            (word, label, got, agrees)
            for sentence, answer in zip(sentences, answers, strict=True)
            for word, label, got, agrees in zip(
                sentence[tokens], sentence[labels], answer[tokens][0], sentence["agree"] if tokens == "tokens" else [True] * len(sentence["gold"]),
                strict=True)
        ]  # fmt: skip
        results[NAMES[tokens]] = {
            "all": accuracy([row[1:3] for row in rows]),
            "agreeing": accuracy([row[1:3] for row in rows if row[3]]),
            "unknown": accuracy([row[1:3] for row in rows if not is_known(row[0])]),
            "names": names(sentences, answers, tokens),
        }
        if tokens == "gold":
            there, found = Counter(row[1] for row in rows), Counter(row[2] for row in rows)
            right = Counter(label for _, label, got, _ in rows if label == got)
            results["labels"] = {
                label: {"count": there[label], "precision": percent(right[label], found[label]), "recall": percent(right[label], there[label]),
                        "f1": percent(2 * right[label], there[label] + found[label])}
                for label in LABELS
            }  # fmt: skip
            results["confusions"] = Counter(f"{label} > {got}" for _, label, got, _ in rows if label != got).most_common(12)
    return results


def most_frequent(sentences):
    """A function that answers with each word's most frequent tag; the rest get the tag that words seen once have most."""
    seen = defaultdict(Counter)
    for sentence in sentences:
        for word, label in zip(sentence["gold"], sentence["goldLabels"]):
            seen[word.lower()][label] += 1
    once = Counter(label for counts in seen.values() if counts.total() == 1 for label in counts).most_common(1)[0][0]
    tags = {word: counts.most_common(1)[0][0] for word, counts in seen.items()}

    def answer(sentence):
        return {tokens: [[tags.get(word.lower(), once) for word in sentence[tokens]], ["O"] * len(sentence[tokens])] for tokens in KINDS}

    return answer


def about(path):
    """(what the file says of itself, number of parameters)"""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    said = json.loads(header.pop("__metadata__")["padless"])
    parameters = 0
    for name, tensor in header.items():
        if not name.endswith((".scale", ".rows")):
            count = 1
            for length in tensor["shape"]:
                count *= length
            parameters += count
    return said, parameters


def table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])


def card(results):
    test, baseline = results["test"], results["most_frequent_tag"]["test"]
    columns = (("treebank_tokens", "all"), ("words", "all"), ("words", "agreeing"), ("treebank_tokens", "unknown"))
    rows = [[name, *(f"{of[kind][which]['accuracy']:.1f}" for kind, which in columns)]
            for name, of in (("**this model**", test), ("each word's most frequent tag", baseline))]  # fmt: skip
    counts = ["test words", *(test[kind][which]["count"] for kind, which in columns)]
    head = ["", "the treebank's own tokens", "padless's words", "those that are a token", "tokens that the model does not know"]
    scores = ("precision", "recall", "f1")
    labels = [[f"`{label}`", of["count"], *(f"{of[key]:.1f}" for key in scores)] for label, of in test["labels"].items()]
    found = test["treebank_tokens"]["names"]
    kinds = [[kind if kind == "all" else f"`{kind}`", of["count"], *(f"{of[key]:.1f}" for key in scores)] for kind, of in found.items()]
    training = results["training"]
    return {
        "file": table(["", ""], [
            ["file", f"`tagger.safetensors`, {results['bytes']:,} bytes ({results['gzip']:,} gzipped), {results['parameters']:,} parameters in int8"],
            ["text", f"words by `Intl.Segmenter`, NFC, cut after {results['maxlen']}; {results['vocabulary'] - 2:,} words, endings, beginnings and shapes"],
        ]),
        "accuracy": table(head, [*rows, counts]),
        "labels": table(["", "test words", "precision", "recall", "F1"], labels),
        "names": table(["", "test names", "precision", "recall", "F1"], kinds),
        "confusions": f"- Most frequent confusions: {', '.join(f'{pair} ({n})' for pair, n in test['confusions'])}.".replace(" > ", " as "),
        "training": f"PyTorch {results['versions']['torch']}: {training['steps']:,} steps of Adam, {training['tokens'] / 1e6:.1f} million words, "
                    f"{training['minutes']} minutes of one processor core, seed {results['seed']}.",
    }  # fmt: skip


def write(options, path, trained, sentences, measured, versions):
    """results.json, and what stands in the card between <!-- results: NAME --> and <!-- end -->"""
    old = path.parent / "results.json"
    seed = options.seed
    if trained is None:
        trained, seed = (json.loads(old.read_text(encoding="utf-8"))[name] for name in ("training", "seed"))
    said, parameters = about(path)
    known = set(said["text"]["vocabulary"][2:])

    def is_known(word):
        return "".join("0" if c.isnumeric() else c.lower() for c in word) in known

    results = {
        "labels": LABELS, "entities": ENTITIES, "bytes": path.stat().st_size, "gzip": len(gzip.compress(path.read_bytes(), 9)), "parameters": parameters,
        "vocabulary": len(said["text"]["vocabulary"]), "maxlen": said["text"]["maxlen"], "training": trained, "seed": seed, "versions": versions,
        "most_frequent_tag": {},
    }  # fmt: skip
    baseline = most_frequent(sentences["train"])
    for name in ("dev", "test"):
        some = sentences[name]
        answers = measured(path, some)
        results[name] = measure(some, answers, is_known)
        results["most_frequent_tag"][name] = {
            key: value for key, value in measure(some, [baseline(sentence) for sentence in some], is_known).items() if key in NAMES.values()}  # fmt: skip
        print(f"{name}: {short(some, answers)}", flush=True)
    old.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    readme = path.parent / "README.md"
    if not readme.exists():
        return
    text = readme.read_text(encoding="utf-8")
    for name, part in card(results).items():
        text, found = re.subn(
            rf"(<!-- results: {name} -->\n).*?(<!-- end -->)", lambda match: f"{match[1]}\n{part}\n\n{match[2]}", text, flags=re.DOTALL)  # fmt: skip
        assert found == 1, f"{readme}: {found} parts named {name}"
    readme.write_text(text, encoding="utf-8")
