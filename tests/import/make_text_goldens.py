"""Writes text-goldens.json: the ids of Keras's Tokenizer and TextVectorization for some texts.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 && python make_text_goldens.py

{ keras, texts, cases }; a case: { name, tokenizer (Tokenizer.to_json()) or layer (TextVectorization's config), ids of each text }.
"""

import json
import os
import random
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras  # noqa: E402
from keras.src.legacy.preprocessing.text import Tokenizer  # noqa: E402

random.seed(20240611)
# Texts for which implementations of splitting, lower-casing and stripping differ: sigmas at the end of words and elsewhere, letters whose
# lower case is longer, white space outside of ASCII, Python's line ends, all kinds of punctuation, combining marks, surrogate pairs.
PIECES = [
    *"the cat sat on a mat".split(), "The", "CAT", "Mat", "ΣΑΣ", "Σ", "ΑΣ", "ας", "ΑΣ'Σ", "ΑΣ.", "ÀÉ", "İ", "Iİı", "ǅ", "Straße", "ẞ", "don't", "x-y",
    "a.b,c", "#1", "[UNK]", "<OOV>", "", "٣", "字", "漢字", "👩‍👩‍👧", "é", "ﬁ", "K", "Ω",
]  # fmt: skip
GAPS = [" ", " ", " ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\u00a0", "\u2003", "\u3000", "\ufeff", "\x1c", "\x85", "\u2028", "", "|", "_", "—", "¿"]


def text():
    return "".join(random.choice(PIECES) + random.choice(GAPS) for _ in range(random.randint(0, 9)))


FIT = [text() for _ in range(60)]
TEXTS = ["", " ", "\n", "Σ", "ΑΣ", "The CAT sat. On the mat!", *(text() for _ in range(60))]

cases = []
for name, options in {
    "words": {},
    "oov": {"oov_token": "<OOV>"},
    "num-words": {"num_words": 12},
    "num-words-oov": {"num_words": 12, "oov_token": "<OOV>"},
    "as-they-are": {"lower": False, "filters": ""},
    "split-bar": {"split": "|", "filters": "_."},
    "split-in-filters": {"filters": " \n", "split": " "},
    "characters": {"char_level": True},
    "characters-oov": {"char_level": True, "oov_token": "UNK", "num_words": 20},
    "characters-as-they-are": {"char_level": True, "lower": False},
}.items():
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(FIT)
    cases.append({"name": f"tokenizer-{name}", "tokenizer": tokenizer.to_json(), "ids": tokenizer.texts_to_sequences(TEXTS)})

# Many scripts do this: limit the words by hand, and add the unknown word after them.
tokenizer = Tokenizer(num_words=10, oov_token="<UNK>")
tokenizer.fit_on_texts(FIT)
tokenizer.word_index = {word: i for word, i in tokenizer.word_index.items() if i <= 10 and word != "<UNK>"}
tokenizer.word_index["<UNK>"] = 11
cases.append({"name": "tokenizer-oov-behind", "tokenizer": tokenizer.to_json(), "ids": tokenizer.texts_to_sequences(TEXTS)})

for name, options in {
    "whitespace": {},
    "lower": {"standardize": "lower"},
    "punctuation": {"standardize": "strip_punctuation"},
    "as-they-are": {"standardize": None},
    "characters": {"split": "character"},
    "characters-as-they-are": {"split": "character", "standardize": None, "max_tokens": 25},
    "length": {"output_sequence_length": 4, "max_tokens": 20},
}.items():
    layer = keras.layers.TextVectorization(**options)
    layer.adapt(FIT)
    config = {**layer.get_config(), "vocabulary": layer.get_vocabulary()}
    ids = [layer([each]).numpy()[0].tolist() for each in TEXTS]
    cases.append({"name": f"vectorization-{name}", "layer": {"class_name": "TextVectorization", "config": config}, "ids": ids})

body = ",\n".join(json.dumps(each, default=str) for each in cases)
(Path(__file__).parent / "text-goldens.json").write_text(f'{{"keras": "{keras.__version__}", "texts": {json.dumps(TEXTS)}, "cases": [\n{body}\n]}}\n', encoding="ascii")
