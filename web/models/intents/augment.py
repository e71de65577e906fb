"""Makes sentences of the training requests, for which no person has written a label: the teacher gives them one."""

import random
from collections import Counter

import numpy as np

COMMON = 70  # words that are too frequent to be replaced
NEIGHBOURS, LIKENESS = 6, 0.55  # words that may stand for another one; least cosine of their vectors
ANOTHER = 0.25  # share of crossings with a request of another label
LOST = 0.15  # share of the words that a shortened request loses
LONGEST = 25  # words


class Maker:
    def __init__(self, texts, labels, reader, vectors):
        """texts: lists of words, with their labels; reader: numbers of words; vectors: [words, D]"""
        self.rng, self.texts, self.labels, self.reader = random.Random(7), texts, labels, reader
        self.common = {word for word, _ in Counter(word for some in texts for word in some).most_common(COMMON)}
        self.unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        self.usable = np.array([word.isalpha() and len(word) > 2 for word in reader.vocabulary])
        self.near, self.places = {}, {}
        for n, some in enumerate(texts):
            for at in range(1, len(some) - 1):
                self.places.setdefault(some[at], []).append((n, at))

    def neighbours(self, word):
        """Words of like meaning that do not begin like this one"""
        if word not in self.near:
            at, vocabulary = self.reader.ids[word], self.reader.vocabulary
            likeness = np.where(self.usable, self.unit @ self.unit[at], -1)
            likeness[at] = -1
            found = np.argsort(-likeness, kind="stable")[:NEIGHBOURS]
            self.near[word] = [vocabulary[i] for i in found if likeness[i] > LIKENESS and not vocabulary[i].startswith(word[:4])]
        return self.near[word]

    def replaced(self):
        """A request with one or two other words of like meaning"""
        some = list(self.rng.choice(self.texts))
        free = [at for at, word in enumerate(some) if word.isalpha() and word not in self.common and self.neighbours(word)]
        for at in self.rng.sample(free, min(len(free), self.rng.choice((1, 1, 2)))):
            some[at] = self.rng.choice(self.neighbours(some[at]))
        return some

    def crossed(self):
        """The beginning of one request and the end of another, around a word of both"""
        n = self.rng.randrange(len(self.texts))
        some = self.texts[n]
        if len(some) < 4:
            return some
        at = self.rng.randrange(1, len(some) - 1)
        like = self.rng.random() >= ANOTHER
        places = self.places[some[at]]
        found = [(m, there) for m, there in self.rng.sample(places, min(400, len(places)))
                 if m != n and (self.labels[m] == self.labels[n]) == like]  # fmt: skip
        if not found:
            return some
        m, there = self.rng.choice(found)
        return some[:at] + self.texts[m][there:]

    def shortened(self):
        """A request without some of its words"""
        return [word for word in self.rng.choice(self.texts) if self.rng.random() >= LOST]

    def sentences(self, count):
        seen, made = {" ".join(some) for some in self.texts}, []
        ways = (self.replaced, self.crossed, self.replaced, self.crossed, self.shortened)
        while len(made) < count:
            text = " ".join(ways[len(made) % len(ways)]())
            if text not in seen and 2 <= text.count(" ") + 1 <= LONGEST:
                seen.add(text)
                made.append(text)
        return made
