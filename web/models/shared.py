"""What the models of this folder have in common: their words, a GRU to train with, the training loop, model files, evaluation, cards."""

import argparse
import json
import os
import re
import subprocess
import time
import unicodedata
from collections import defaultdict
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

HERE = Path(__file__).resolve().parent
PAD, UNKNOWN = 0, 1


# ---------------------------------------------------------------- text

def normalize(text, lower=True):
    """NFC, then each code point lower-cased on its own: what the model files' text settings say."""
    text = unicodedata.normalize("NFC", text)
    return "".join(c.lower() for c in text) if lower else text


def node(script, text):
    """The lines of JSON that a script of this folder makes of a text: words are cut by padless itself."""
    done = subprocess.run(["node", str(HERE / script)], input=text, capture_output=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def words(texts):
    """The words of each text, as they stand in it; no text may hold a line break."""
    return node("words.js", "".join(f"{text}\n" for text in texts))


def text_settings(unit, vocabulary, maxlen, **more):
    return {"unit": unit, "normalization": "NFC", "case": "lower", "vocabulary": vocabulary, "pad": PAD, "unknown": UNKNOWN,
            "maxlen": maxlen, "length": None, "padding": "post", "truncation": "post", "mask": True, **more}  # fmt: skip


def ids_of(vocabulary):
    return {token: i for i, token in enumerate(vocabulary) if i not in (PAD, UNKNOWN)}


# ---------------------------------------------------------------- training

# Keras's GRU on Keras's variables, written for training: Keras' own gradient adds to those of the weights at every step of time, this one
# makes them of all steps at once. same() checks that both give the same answers.

@partial(jax.custom_vjp, nondiff_argnums=(4,))
def gru_states(a, mask, recurrent, bias, backward):
    """States [T, B, H] of a GRU with reset_after, gates z r c, from its inputs' products a [T, B, 3H]; a masked step's state is zero."""
    return gru_forward(a, mask, recurrent, bias, backward)[0]


def gru_forward(a, mask, recurrent, bias, backward):
    H = len(recurrent)

    def step(h, now):
        a, mask = now
        q = h @ recurrent + bias
        zr, q = jax.nn.sigmoid(a[:, : 2 * H] + q[:, : 2 * H]), q[:, 2 * H :]
        z, r = zr[:, :H], zr[:, H:]
        c = jnp.tanh(a[:, 2 * H :] + r * q)
        new = mask * (z * h + (1 - z) * c)
        return new, (new, h, zr, c, q)

    _, (states, *kept) = jax.lax.scan(step, jnp.zeros((a.shape[1], H)), (a, mask), reverse=backward)
    return states, (*kept, mask, recurrent)


def gru_gradient(backward, kept, gradient):
    *kept, mask, recurrent = kept
    H = len(recurrent)

    def step(dh, now):
        dy, mask, h, zr, c, q = now
        z, r = zr[:, :H], zr[:, H:]
        d = mask * (dh + dy)
        dc = d * (1 - z) * (1 - c * c)
        dz, dr = d * (h - c) * z * (1 - z), dc * q * r * (1 - r)
        inner = jnp.concatenate([dz, dr, dc * r], 1)  # of h @ recurrent + bias
        return d * z + inner @ recurrent.T, (inner, jnp.concatenate([dz, dr, dc], 1))

    _, (inner, da) = jax.lax.scan(step, jnp.zeros_like(gradient[0]), (gradient, mask, *kept), reverse=not backward)
    inner = inner.reshape(-1, 3 * H)
    return da, None, kept[0].reshape(-1, H).T @ inner, jnp.ones(len(inner)) @ inner


gru_states.defvjp(gru_forward, gru_gradient)


def bidirectional(weights, product, mask):
    """States [T, B, 2H] of both directions, forward before backward, for the weights of Keras's Bidirectional(GRU).

    product(kernel, bias) gives the inputs' products [T, B, 3H]; mask [T, B, 1].
    """
    return jnp.concatenate([
        gru_states(product(kernel, biases[0]), mask, recurrent, biases[1], backward)
        for (kernel, recurrent, biases), backward in ((weights[:3], False), (weights[3:], True))
    ], 2)  # fmt: skip


def dropout(key, x, rate, shape=None):
    """Without a key: x as it is. shape: along a 1 in it, the same values stay."""
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, shape or x.shape), x / (1 - rate), 0)


def same(model, x, probabilities):
    assert np.allclose(model(x), probabilities, rtol=0, atol=1e-5), "not the model of Keras"


def values(model):
    return [variable.value for variable in model.trainable_variables]


def assign(model, weights):
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)


def fit(weights, loss_of, batch, steps, rate, average, seed, checkpoint):
    """Adam with a cosine schedule; (what became of it, for results.json).

    loss_of(weights, key, x, y) is made smaller on what batch() draws, (ids [B, T], labels); checkpoint(weights), every 1000 steps and at the end,
    gets the running mean of the weights, of which a step keeps the share `average`.
    """
    variables = [keras.Variable(value) for value in weights]
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 20, steps, alpha=0.02, warmup_target=rate, warmup_steps=min(100, steps // 10))  # fmt: skip
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.99, clipnorm=1.0)
    optimizer.build(variables)

    @jax.jit
    def step(weights, moments, mean, key, x, y):
        key, now = jax.random.split(key)
        loss, gradient = jax.value_and_grad(loss_of)(weights, now, x, y)
        weights, moments = optimizer.stateless_apply(moments, gradient, weights)
        return weights, moments, [average * m + (1 - average) * w for m, w in zip(mean, weights)], key, loss

    weights, moments = ([v.value for v in some] for some in (variables, optimizer.variables))
    mean, key, begun, tokens, losses = weights, jax.random.key(seed), time.time(), 0, []
    for i in range(1, steps + 1):
        x, y = batch()
        weights, moments, mean, key, loss = step(weights, moments, mean, key, x, y)
        tokens += int((x != PAD).sum())
        losses.append(loss)
        if i % 200 == 0 or i == steps:
            spent = time.time() - begun
            print(f"step {i}/{steps}  loss {np.mean(losses):.4f}  {spent / 60:.1f} min  {tokens / spent:.0f} tokens/s", flush=True)
            losses = []
        if i % 1000 == 0 or i == steps:
            checkpoint(mean)
    return dict(steps=steps, tokens=tokens, minutes=round((time.time() - begun) / 60, 1))


def padded(rows, width, fill=PAD, height=None):
    """Rows of any lengths as [B, width]."""
    x = np.full((height or len(rows), width), fill, np.int32)
    for b, row in enumerate(rows):
        x[b, : len(row)] = row
    return x


def batches(examples, shapes, rng):
    """Endless (T, B rows of ids, B labels or rows of them), each example once a round; shapes: {T: B}, rows of like length share a batch."""
    waiting = {T: [] for T in shapes}
    while True:
        for n in rng.permutation(len(examples)):
            T = next(T for T in shapes if T >= len(examples[n][0]))
            waiting[T].append(examples[n])
            if len(waiting[T]) == shapes[T]:
                yield T, *zip(*waiting[T])
                waiting[T] = []


# ---------------------------------------------------------------- evaluation

def probabilities(model, rows, padding=True):
    """Keras's answer to each row of ids, [K] or for tags [T, K]; to a row without ids: zeros.

    Rows of like length together, masked; without padding each row is run alone, as it is.
    """
    shape = model.output_shape
    out = [np.zeros((0,) * (len(shape) - 2) + shape[-1:], np.float32)] * len(rows)
    by_width = defaultdict(list)
    for n, row in enumerate(rows):
        if len(row):
            by_width[1 << (len(row) - 1).bit_length() if padding else len(row)].append(n)
    size, run = (512, jax.jit(lambda x: model(x))) if padding else (1, model)
    for width, these in sorted(by_width.items()):
        for k in range(0, len(these), size):
            some = these[k : k + size]
            answers = np.asarray(run(padded([rows[n] for n in some], width, height=size)))
            for n, answer in zip(some, answers):
                out[n] = answer if answer.ndim == 1 else answer[: len(rows[n])]
    return out


# ---------------------------------------------------------------- the model file

def named(model):
    """{tensor name in the file: variable}"""
    found = {}
    for layer in model.layers:
        owners = {layer.name: layer}
        if isinstance(layer, keras.layers.Bidirectional):
            owners = {f"{layer.name}.{side}": getattr(layer, side) for side in ("forward_layer", "backward_layer")}
        for path, owner in owners.items():
            found |= {f"{path}.{variable.name}": variable for variable in owner.weights}
    return found


def save(model, path, text, output):
    """A padless model file. Written beside its place and moved, so no reader sees half of it."""
    tensors = {name: np.asarray(variable.value, np.float32) for name, variable in named(model).items()}
    about = {
        "format": 1,
        "architecture": json.loads(model.to_json()),
        "keras_version": keras.__version__,
        "backend": keras.backend.backend(),
        "text": text,
        "outputs": [output],
    }
    part = path.with_suffix(".part")
    save_file(tensors, part, {"padless": json.dumps(about, ensure_ascii=False, separators=(",", ":"))})
    os.replace(part, path)


def with_curly(model, vocabulary, build):
    """(model, vocabulary) with each word that has an apostrophe once more, with a curly one, as phones type it: the same row of the embedding."""
    words = {word.replace("'", "\u2019"): i for i, word in enumerate(vocabulary) if "'" in word}
    words = {word: i for word, i in words.items() if word not in set(vocabulary)}
    embeddings, *others = values(model)
    wider = build(len(vocabulary) + len(words))
    assign(wider, [np.concatenate([embeddings, np.asarray(embeddings)[list(words.values())]]), *others])
    return wider, [*vocabulary, *words]


def to_int8(path, target):
    """The same model with weights in int8, by padless."""
    subprocess.run(["node", str(HERE.parents[1] / "js/cli.js"), "convert", str(path), "--int8", "-o", str(target)], check=True)


def is_int8(path):
    with safe_open(path, "numpy") as file:
        return any(file.get_tensor(name).dtype == np.int8 for name in file.keys())


def floats(file, name):
    """A tensor of a safetensors file; of an int8 one its values, which are what padless multiplies with."""
    tensor, scales = file.get_tensor(name), {}
    for kind in ("scale", "rows"):
        if f"{name}.{kind}" in file.keys():
            scales[kind] = file.get_tensor(f"{name}.{kind}").astype(np.float32)
    return tensor * scales.get("rows", np.ones(1))[:, None] * scales["scale"] if tensor.dtype == np.int8 else tensor


def load(path):
    """(model, what the file says of it) of a file that save() or to_int8() wrote."""
    with safe_open(path, "numpy") as file:
        about = json.loads(file.metadata()["padless"])
        model = keras.models.model_from_json(json.dumps(about["architecture"]))
        for name, variable in named(model).items():
            variable.assign(floats(file, name))
    return model, about


# ---------------------------------------------------------------- the command line, results.json and the card

def arguments(about, here, steps, rate):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared", help="folder that holds data/ (default: ../shared)")
    parser.add_argument("--out", type=Path, default=here, help="where the model, results.json and the card's numbers go")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--rate", type=float, default=rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate-only", action="store_true", help="measure the file that is there")
    return parser


def about_file(model, path, vocabulary, trained, seed):
    """What every results.json begins with; with nothing newly trained, the training is the old one's."""
    old = path.parent / "results.json"
    if trained is None and old.exists():
        trained, seed = (json.loads(old.read_text(encoding="utf-8"))[name] for name in ("training", "seed"))
    return {
        "bytes": path.stat().st_size,
        "parameters": model.count_params(),
        "vocabulary": len(vocabulary),
        "training": trained,
        "seed": seed,
        "versions": {"keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__},
    }


def write_results(folder, results, parts):
    """results.json, and the parts of the card that speak of it: what stands between <!-- results: NAME --> and <!-- end -->."""
    (folder / "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    card = folder / "README.md"
    if not card.exists():
        return
    text = card.read_text(encoding="utf-8")
    for name, part in parts.items():
        text, found = re.subn(
            rf"(<!-- results: {name} -->\n).*?(<!-- end -->)", lambda match: f"{match[1]}\n{part}\n\n{match[2]}", text, flags=re.DOTALL)  # fmt: skip
        assert found == 1, f"{card}: {found} parts named {name}"
    card.write_text(text, encoding="utf-8")


def table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *rows])
