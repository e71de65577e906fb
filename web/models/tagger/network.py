"""The tagger in PyTorch, and as a padless model file."""

import json
import os

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

LABELS = ["ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
IMPOSSIBLE = -1e4  # score of a transition that the scheme forbids


class Tagger(nn.Module):
    """Sum of the rows of a word's parts over the root of their number -> Bidirectional(LSTM) -> scores of tags and of names."""

    def __init__(self, rows, size, units, dropouts=(0, 0)):
        super().__init__()
        self.dropouts = dropouts
        self.rows = nn.EmbeddingBag(rows, size, mode="sum", padding_idx=0)
        nn.init.normal_(self.rows.weight, 0, 0.25)
        self.both = nn.LSTM(size, units, bidirectional=True, batch_first=True)
        self.pos = nn.Linear(2 * units, len(LABELS))
        self.scores = nn.Linear(2 * units, len(ENTITIES))

    def forward(self, x):
        """Scores [B, T, K] of both outputs, of ids x [B, T, C], 0 where a word has no more parts"""
        B, T, C = x.shape
        ids = x.reshape(B * T, C)
        vectors = self.rows(ids) / (ids > 0).sum(1, keepdim=True).clamp(min=1).sqrt()
        vectors = F.dropout(vectors.view(B, T, -1), self.dropouts[0], self.training)
        states, _ = self.both(vectors)
        if self.training:
            # The same values at all steps.
            kept = torch.rand(B, 1, states.shape[2]) >= self.dropouts[1]
            states = states * kept / (1 - self.dropouts[1])
        return self.pos(states), self.scores(states)


def transitions():
    """[K, K] and [K]: 0 where a label may follow another one, and stand first."""
    follows = np.zeros((len(ENTITIES), len(ENTITIES)), np.float32)
    first = np.zeros(len(ENTITIES), np.float32)
    for j, label in enumerate(ENTITIES):
        if label.startswith("I-"):
            first[j] = IMPOSSIBLE
            for i, before in enumerate(ENTITIES):
                if before[2:] != label[2:]:
                    follows[i, j] = IMPOSSIBLE
    return follows, first


def tensors(model):
    """{name in the file: values}"""
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    follows, first = transitions()
    found = {"words.layer.rows.embeddings": state["rows.weight"], "names.transitions": follows, "names.start": first, "names.end": np.zeros_like(first)}
    for layer, suffix in (("forward_layer", ""), ("backward_layer", "_reverse")):
        found |= {
            f"both.{layer}.kernel": state[f"both.weight_ih_l0{suffix}"].T,
            f"both.{layer}.recurrent_kernel": state[f"both.weight_hh_l0{suffix}"].T,
            f"both.{layer}.bias": state[f"both.bias_ih_l0{suffix}"] + state[f"both.bias_hh_l0{suffix}"],
        }
    for layer in ("pos", "scores"):
        found |= {f"{layer}.kernel": state[f"{layer}.weight"].T, f"{layer}.bias": state[f"{layer}.bias"]}
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def architecture(model, width):
    rows, size = model.rows.weight.shape
    units = model.both.hidden_size

    def layer(class_name, name, source, **config):
        return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": [[[source, 0, 0, {}]]]}

    word = [
        {"class_name": "Embedding", "config": {"name": "rows", "input_dim": rows, "output_dim": size, "mask_zero": True}},
        {"class_name": "padless>MaskedSqrtN", "config": {"name": "sum"}},
    ]
    lstm = {"class_name": "LSTM", "config": {"name": "lstm", "units": units, "return_sequences": True}}
    return {
        "class_name": "Functional",
        "config": {
            "name": "tagger",
            "layers": [
                {"class_name": "InputLayer", "name": "ids", "config": {"name": "ids", "batch_shape": [None, None, width], "dtype": "int32"},
                 "inbound_nodes": []},
                layer("TimeDistributed", "words", "ids", layer={"class_name": "Sequential", "config": {"name": "word", "layers": word}}),
                layer("Bidirectional", "both", "words", layer=lstm),
                layer("Dense", "pos", "both", units=len(LABELS), activation="softmax"),
                layer("Dense", "scores", "both", units=len(ENTITIES)),
                layer("padless>CRF", "names", "scores"),
            ],
            "input_layers": [["ids", 0, 0]],
            "output_layers": [["pos", 0, 0], ["names", 0, 0]],
        },
    }  # fmt: skip


def save(model, path, text):
    """Written beside its place and moved, so no reader sees half of it."""
    about = {
        "format": 1,
        "architecture": architecture(model, text["parts"]["width"]),
        "text": text,
        "outputs": [
            {"name": "pos", "kind": "tags", "labels": LABELS},
            {"name": "names", "kind": "tags", "labels": ENTITIES, "scheme": "BIO"},
        ],
    }
    part = path.with_suffix(".part")
    save_file(tensors(model), part, {"padless": json.dumps(about, ensure_ascii=False, separators=(",", ":"))})
    os.replace(part, path)


def load(path):
    """(model, what the file says of it) of a file of save() or `padless convert --int8`; int8 weights as the values that padless multiplies with"""
    with safe_open(path, "numpy") as file:
        about = json.loads(file.metadata()["padless"])
        names = set(file.keys())

        def values(name):
            tensor = file.get_tensor(name)
            if tensor.dtype != np.int8:
                return tensor
            rows = file.get_tensor(f"{name}.rows").astype(np.float32) if f"{name}.rows" in names else np.ones(1, np.float32)
            return tensor * rows[:, None] * file.get_tensor(f"{name}.scale")

        table, recurrent = values("words.layer.rows.embeddings"), values("both.forward_layer.recurrent_kernel")
        model = Tagger(*table.shape, len(recurrent))
        state = {"rows.weight": table}
        for layer, suffix in (("forward_layer", ""), ("backward_layer", "_reverse")):
            state |= {
                f"both.weight_ih_l0{suffix}": values(f"both.{layer}.kernel").T,
                f"both.weight_hh_l0{suffix}": values(f"both.{layer}.recurrent_kernel").T,
                f"both.bias_ih_l0{suffix}": values(f"both.{layer}.bias"),
                f"both.bias_hh_l0{suffix}": np.zeros_like(values(f"both.{layer}.bias")),
            }
        for layer in ("pos", "scores"):
            state |= {f"{layer}.weight": values(f"{layer}.kernel").T, f"{layer}.bias": values(f"{layer}.bias")}
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()})
    return model.eval(), about
