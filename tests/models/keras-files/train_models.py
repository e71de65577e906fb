"""Trains two small models on real text and writes Keras's answers to trained.json.

    pip install -r requirements-text.txt && python train_models.py intents DATA   # DATA/cls-en-banking77/{train,test}.tsv.gz: text <TAB> label
    pip install tensorflow==2.15.1 && python train_models.py spam DATA            # DATA/cls-en-smsspam/all.tsv.gz
    python train_models.py NAME DATA kept                                         # asks the models that are there again

intents   Banking77 (PolyAI, https://github.com/PolyAI-LDN/task-specific-datasets, commit 57ec275; Casanueva et al. 2020, Efficient Intent Detection
          with Dual Sentence Encoders), CC BY 4.0. 77 intents; TextVectorization in the model, mask_zero, a bidirectional GRU. intents.keras, by Keras 3.
spam      SMS Spam Collection v.1 (Almeida and Gomez Hidalgo 2011, UCI Machine Learning Repository), CC BY 4.0; every tenth message is kept for testing.
          As tutorials had it in 2019: Tokenizer, pad_sequences in front, no mask, LSTM, one sigmoid. spam.h5 and spam.tokenizer.json, by Keras 2.

The models are made of these data and of nothing else; the data are not here. The sentences below are ours.
"""

import base64
import gzip
import importlib.metadata
import io
import json
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_DETERMINISTIC_OPS"] = "1"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

KEPT = sys.argv[3:] == ["kept"]  # the model that is there is asked again
keras = tf.keras
layers = keras.layers
HERE = Path(__file__).resolve().parent
SEED = 77

ASKED = [
    "My card still has not arrived, what is going on?",
    "How do I change my PIN?",
    "I think somebody stole my wallet on the train this morning!!",
    "What exchange rate do you use for dollars",
    "Why was I charged twice for the same coffee?",
    "can i get money out in switzerland with this card",
    "I'd like to close my account, please.",
    "The ATM kept my card... and it's Sunday.",
    "Which currencies can I hold?",
    "My top-up failed. Where's the money?",
]
SENT = [
    "ok see you at 8 then, bring the book",
    "Congratulations! You have WON a £1000 cash prize. Call 09061234567 NOW to claim!!",
    "Free entry in our weekly draw, txt WIN to 80086. Std rates apply",
    "Sorry I missed your call, mum. Ring you tonight x",
    "URGENT: your mobile number was selected for a 2000 pound bonus, reply YES",
    "lol that's so funny",
    "Are we still on for dinner tomorrow?",
    "Get the latest ringtones FREE on your phone, text TONE to 8007",
]
HOSTILE = [
    "",
    " ",
    "\t\n\r\n",
    "?!... --- ,,, ;;; ''' \"\"\"",
    "card",
    "CARD CARD CARD",
    "cArD,card;card.card",
    "my\u00a0card\u2003has\u3000not\u200barrived",
    "na\u00efve caf\u00e9 \u2014 \u00a3100 \u20ac50 \u00a5",
    "\u0130stanbul \u0131 \u00df \u1e9e \u03a3\u03a3 \ufb01",
    "e\u0301 is not \u00e9",
    "\u6211\u7684\u5361\u8fd8\u6ca1\u6709\u5230",
    "\u0628\u0637\u0627\u0642\u062a\u064a \u0644\u0645 \u062a\u0635\u0644",
    "\U0001f4b3\U0001f4b8 where is my money \U0001f621",
    "<script>alert('card')</script> & \\ ` ~ | {card} [pin]",
    "don't won't can't it's o'clock rock'n'roll",
    "a" * 500,
    "pin " * 200,
    "x\u0000y card\u0000pin",
    "1234567890 09061701461 80086 2nd 3rd",
    "the money_transfer user@example.com http://example.com/card?pin=1#top",
    "\ufeffcard \u2028pin\u2029rate",
]


def deflate(path):
    """Deflates a .keras file, which Keras does not compress."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED)
    path.write_bytes(packed.getvalue())


def rows(path):
    with gzip.open(path, "rt", encoding="utf8", newline="") as file:
        found = [line.rstrip("\n").rsplit("\t", 1) for line in file]
    return [text for text, _ in found], [label for _, label in found]


def intents(data):
    """A bidirectional GRU over 1,000 words."""
    texts, labels = rows(data / "cls-en-banking77" / "train.tsv.gz")
    names = sorted(set(labels))
    path = HERE / "intents.keras"
    if not KEPT:
        vectorization = layers.TextVectorization(max_tokens=1000)
        vectorization.adapt(np.array(texts))
        stack = [
            layers.Embedding(1000, 16, mask_zero=True),
            layers.SpatialDropout1D(0.2),
            layers.Bidirectional(layers.GRU(24)),
            layers.Dropout(0.3),
            layers.Dense(len(names), activation="softmax"),
        ]

        def behind(x):
            for layer in stack:
                x = layer(x)
            return x

        text = keras.Input((), dtype="string", name="text")
        model = keras.Model(text, behind(vectorization(text)))
        # The same layers over ids.
        ids = keras.Input((None,), dtype="int64")
        inner = keras.Model(ids, behind(ids))
        inner.compile(keras.optimizers.Adam(4e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        y = np.array([names.index(label) for label in labels])
        inner.fit(vectorization(np.array(texts)).numpy(), y, batch_size=64, epochs=30, verbose=2)
        model.save(path)
        deflate(path)
    model = keras.models.load_model(path, compile=False)

    def answers(some):
        return np.concatenate([model(tf.constant(some[i : i + 100]), training=False).numpy() for i in range(0, len(some), 100)])

    test_texts, test_labels = rows(data / "cls-en-banking77" / "test.tsv.gz")
    right = answers(test_texts).argmax(axis=1) == [names.index(label) for label in test_labels]
    about = {"file": path.name, "source": "Banking77, CC BY 4.0", "labels": names, "accuracy": round(float(right.mean()), 4)}
    # All in one batch, because Keras refuses an empty text that is alone.
    return {**about, "texts": ASKED + HOSTILE}, answers(ASKED + HOSTILE)


def spam(data):
    """An LSTM over 60 words, padded at the start with zeros that it reads."""
    texts, labels = rows(data / "cls-en-smsspam" / "all.tsv.gz")
    y = np.array([float(label == "spam") for label in labels])
    held = np.arange(len(texts)) % 10 == 0
    train = [text for text, out in zip(texts, held) if not out]
    words = 800
    tokenizer = keras.preprocessing.text.Tokenizer(num_words=words)
    tokenizer.fit_on_texts(train)
    # Only the words that have an id. The other words of the messages are not stored.
    for table in tokenizer.word_counts, tokenizer.word_docs:
        for word in [word for word in table if tokenizer.word_index[word] >= words]:
            del table[word]
    tokenizer.word_index = {word: i for word, i in tokenizer.word_index.items() if i < words}
    tokenizer.index_word = {i: word for word, i in tokenizer.word_index.items()}
    tokenizer.index_docs = {i: n for i, n in tokenizer.index_docs.items() if i < words}

    def ids(some):
        return keras.preprocessing.sequence.pad_sequences(tokenizer.texts_to_sequences(some), maxlen=60)

    x = ids(texts)
    path = HERE / "spam.h5"
    if not KEPT:
        model = keras.Sequential([layers.Embedding(words, 8, input_length=60), layers.LSTM(12), layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        model.fit(x[~held], y[~held], batch_size=32, epochs=6, verbose=2)
        model.save(path, include_optimizer=False)
        (HERE / "spam.tokenizer.json").write_text(tokenizer.to_json(), encoding="utf8")
    model = keras.models.load_model(path, compile=False)
    right = (model.predict(x[held], verbose=0)[:, 0] > 0.5) == y[held]
    asked = SENT + ASKED[:2] + HOSTILE
    about = {"file": path.name, "tokenizer": "spam.tokenizer.json", "source": "SMS Spam Collection v.1, CC BY 4.0", "labels": ["spam"]}
    return {**about, "accuracy": round(float(right.mean()), 4), "texts": asked}, model.predict(ids(asked), verbose=0)


def main():
    name, data = sys.argv[1], Path(sys.argv[2])
    keras.utils.set_random_seed(SEED)
    about, answers = {"intents": intents, "spam": spam}[name](data)
    about |= {"shape": list(answers.shape), "data": base64.b64encode(answers.astype("<f4").tobytes()).decode()}
    path = HERE / "trained.json"
    cases = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    version = importlib.metadata.version("keras")
    cases[name] = {"keras": version, "tensorflow": tf.__version__, "seed": SEED, **about}
    path.write_text(json.dumps(dict(sorted(cases.items())), indent=1, ensure_ascii=True) + "\n", encoding="utf8")
    print(name, about["accuracy"], file=sys.stderr)


if __name__ == "__main__":
    main()
