"""Vectors of single words, by MiniLM: what a word means that stands seldom or never in the requests."""

import minilm
import numpy as np


def of_words(words, size, kept):
    """[words, size]: the principal components of the words' vectors, with variance 1 in the mean. kept: a file for the vectors."""
    if not kept.exists():
        np.save(kept, minilm.vectors(words))
    found = np.load(kept)
    found = found - found.mean(0)
    components = np.linalg.svd(found.T @ found)[0][:, :size]
    found = found @ components
    return (found / found.std()).astype(np.float32)
