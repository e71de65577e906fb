"""Classifiers of fastText, trained on made-up text, and fastText's own answers: goldens.json.

    pip install -r requirements.txt && python make_models.py
"""

import json
import os
import random
import tempfile

import fasttext

here = os.path.dirname(os.path.abspath(__file__))
WORDS = {
    "de": "der die das und ist nicht ein eine ich du wir Straße schön über Mädchen gehen Haus Wasser".split(),
    "en": "the and is not a an I you we street nice over girl go house water thing".split(),
    "fr": "le la les et est pas un une je tu nous rue belle été fille aller maison eau".split(),
}
TEXTS = [
    "der schöne Haus",
    "the house is",
    "je suis été",
    "",
    " \t ",
    "hello world 日本語 😀 __label__de x __label__",
    "über  Straße\tnicht\u00a0ein\x0bx\x0cy\rz",
    "a",
    "unknownword zzz </s> <BOW>",
    "Ich gehe über die Straße und das Wasser ist nicht schön, oder the water thing?",
    "e\u0301te\u0301 ÉTÉ",
]
# fastText quantises only tables of 256 rows or more. With dsub 4, the last part of a row is shorter.
MODELS = {
    "softmax": dict(loss="softmax", minn=2, maxn=4, bucket=400, wordNgrams=2),
    "tree": dict(loss="hs", minn=2, maxn=3, bucket=300),
    "several": dict(loss="hs", wordNgrams=2, bucket=20),
    "ova": dict(loss="ova", wordNgrams=3, bucket=30),
    "plain": dict(loss="softmax"),
    "ns": dict(loss="ns", minn=3, maxn=6, bucket=64),
}
QUANTISED = {"softmax": dict(cutoff=270, qnorm=True), "tree": dict(qnorm=False)}


def lines(several):
    rng = random.Random(1)
    for i in range(600):
        language = rng.choice(list(WORDS))
        label = f"{language}-{rng.randint(0, rng.randint(0, 6))}" if several else language
        yield f"__label__{label} " + " ".join(rng.choice(WORDS[language]) for _ in range(rng.randint(2, 9)))


def answers(model):
    def one(text):
        labels, scores = model.predict(text, k=-1)
        return {label.removeprefix("__label__"): float(score) for label, score in zip(labels, scores)}

    return [one(text) for text in TEXTS]


def main():
    goldens = {"texts": TEXTS, "models": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in MODELS.items():
            text = os.path.join(folder, "text.txt")
            with open(text, "w") as file:
                file.write("\n".join(lines(name == "several")) + "\n")
            model = fasttext.train_supervised(text, dim=6, epoch=25, lr=0.5, thread=1, seed=1, verbose=0, **options)
            model.save_model(os.path.join(here, f"{name}.bin"))
            goldens["models"][f"{name}.bin"] = answers(model)
            if name in QUANTISED:
                model.quantize(input=text, retrain=False, dsub=4, **QUANTISED[name])
                model.save_model(os.path.join(here, f"{name}.ftz"))
                goldens["models"][f"{name}.ftz"] = answers(model)
    with open(os.path.join(here, "goldens.json"), "w") as file:
        json.dump(goldens, file, ensure_ascii=False)
        file.write("\n")


main()
