"""Text of words-zh: the treebank's words and tags as one tag a character, and sentences that jieba has cut."""

import gzip
import re
import unicodedata
from collections import Counter

import rnn

DIGITS = "0123456789" + "".join(chr(code) for code in range(0xFF10, 0xFF1A))  # ASCII's, and those as wide as a character
OUTSIDE = "O"  # of a space between Latin words
OTHER = "NN"  # tag of words whose own is too rare
RARE = 3  # a tag that stands less often has no label


def read(data, name):
    """[[(word, tag)]]"""
    with gzip.open(data / f"pos-zh-gsdsimp/{name}.conll.gz", "rt", encoding="utf-8") as file:
        return [[tuple(line.split("\t")[:2]) for line in block.split("\n")] for block in file.read().strip().split("\n\n")]


def text_of(words):
    """(text, [(start, end)]): words stand without spaces, but Latin ones with them, as people write."""
    text, places = "", []
    for word in words:
        if re.search("[A-Za-z]$", text) and re.match("[A-Za-z]", word):
            text += " "
        places.append((len(text), len(text) + len(word)))
        text += word
    return text, places


def letters(size):
    """B M E or S for each character of a word"""
    return "S" if size == 1 else "B" + "M" * (size - 2) + "E"


def tagged(sentence):
    """(text, tag of each character)"""
    text, places = text_of([word for word, _ in sentence])
    tags = [OUTSIDE] * len(text)
    for (start, end), (_, tag) in zip(places, sentence):
        tags[start:end] = [f"{letter}-{tag}" for letter in letters(end - start)]
    return text, tags


def fold(text):
    """Lower case, and digits as 0: what the text settings of the model say. A character stays one."""
    return "".join("0" if c in DIGITS else c.lower() if len(c.lower()) == 1 else c for c in text)


def sentences(data):
    """Simplified Chinese sentences of Common Voice"""
    with gzip.open(data / "langid-commonvoice-cc0/cv.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        texts = [unicodedata.normalize("NFC", line.rsplit("\t", 1)[0]) for line in file if line.endswith("\tzh-Hans\n")]
    return [text for text in texts if len(text) <= 60]


def cut(texts):
    """B M E or S for each character, by jieba"""
    import jieba

    return ["".join(letters(len(word)) for word in jieba.cut(text)) for text in texts]


class Reader:
    """Characters as ids, and tags as numbers."""

    def __init__(self, examples, others, frequent):
        own = Counter(c for text, _ in examples for c in fold(text))
        more = Counter(c for text in others for c in fold(text))
        kept = [c for c, _ in sorted((own + more).items(), key=lambda item: (-item[1], item[0])) if own[c] or more[c] >= frequent]
        self.vocabulary = ["", "", *kept]
        self.counts = [0, 0, *(own[c] + more[c] / 3 for c in kept)]
        self.ids = {c: i for i, c in enumerate(self.vocabulary) if i > rnn.UNKNOWN}
        found = Counter(tag for _, tags in examples for tag in tags if tag != OUTSIDE)
        self.labels = [OUTSIDE, *sorted(tag for tag, n in found.items() if n >= RARE)]
        self.numbers = {tag: k for k, tag in enumerate(self.labels)}

    def row(self, text):
        return [self.ids.get(c, rnn.UNKNOWN) for c in fold(text)]

    def numbers_of(self, tags):
        return bytes(self.numbers.get(tag, self.numbers.get(f"{tag[0]}-{OTHER}")) for tag in tags)
