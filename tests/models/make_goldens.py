"""Writes NAME-keras.json for the models of web/models: Keras's answers to some texts, each run alone and without padding.

    python tests/models/make_goldens.py [NAME ...]     # needs web/models/NAME/requirements.txt; again whenever a model changes
"""

import hashlib
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[1] / "web/models"
sys.path.insert(0, str(MODELS))
sys.dont_write_bytecode = True
import shared  # noqa: E402
from shared import jax, keras  # noqa: E402

ENGLISH = [
    "a", "?", "7", "Hi", "OK", "no", "NO!", "can't", "don't", "Hello, how are you?", "I saw her duck.", "Time flies like an arrow; fruit flies like a banana.",
    "The old man the boat.", "Colorless green ideas sleep furiously.", "Dr. Smith lives at 12 Main St., doesn't he?", "it's John's dog's bone",
    "She said she would've come at 10:30 on May 3rd, 2021, for $1,000.50.", "https://example.com/?q=1&r=2", "me@example.org", ":) :-( ...",
    "😀👍🏽 ok 😀", "naïve café, e\u0301te\u0301 (NFD)", "\u201cI can\u2019t,\u201d he said \u2014 twice.", "tab\tand  two spaces", "blorp the snarfled wug",
    "lone \ud800 surrogate", "Guten Morgen", "你好，世界",
]  # fmt: skip
TEXTS = {
    "langid-gru": [
        "a", "é", "Ж", "語", "한", "?", " ", "7", "Hi", "OK", "да", "no", "Guten Morgen", "Guten M", "guten morgen!", "GUTEN MORGEN",
        "Hello, how are you?", "¿Dónde está la biblioteca?", "Où est la bibliothèque ?", "Dov'è la biblioteca?", "Onde fica a biblioteca?",
        "こんにちは", "今日はとても天気がいいですね。", "你好，世界", "我们今天去图书馆看书。", "這是繁體中文", "我們今天去圖書館看書。",
        "안녕하세요, 만나서 반갑습니다.", "Привет, как дела?", "Доброго ранку, як справи?", "Добър ден, как сте?", "Dzień dobry, jak się masz?",
        "Dobré ráno, jak se máte?", "Jó reggelt kívánok!", "Hyvää huomenta, mitä kuuluu?", "God morgen, hvordan går det?",
        "God morgon, hur mår du?", "Bună dimineața, ce mai faci?", "Καλημέρα, τι κάνεις;", "ΚΑΛΗΜΕΡΑ ΣΑΣ", "İstanbul'da hava çok güzel.",
        "Chào buổi sáng, bạn khỏe không?", "Selamat pagi, apa kabar?", "Magandang umaga, kumusta ka?", "שלום, מה שלומך?", "صباح الخير، كيف حالك؟",
        "صبح بخیر، حال شما چطور است؟", "नमस्ते, आप कैसे हैं?", "সুপ্রভাত, আপনি কেমন আছেন?", "வணக்கம், எப்படி இருக்கிறீர்கள்?",
        "สวัสดีตอนเช้า คุณสบายดีไหม", "გამარჯობა, როგორ ხარ?", "Բարի լույս, ինչպե՞ս եք:", "Bonan matenon, kiel vi fartas?",
        "12345 67890", "https://example.com/?q=1&r=2", "😀👍🏽 ok 😀", "ᚠᚢᚦᚨᚱᚲ ꙮ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "tab\tand\nnew line", "  spaces   around  ", "e\u0301te\u0301 (NFD)",
        "lone \ud800 surrogate", "The quick brown fox jumps over the lazy dog, and der schnelle braune Fuchs springt über den faulen Hund.",
        "Yesterday evening we walked along the river until it was dark, and nobody said a word about the letter that had come in the morning; "
        "only when we stood in front of the door did she ask me whether I had read it, and I had to tell her that I had not even opened it yet, "
        "because I was afraid of what it might say.",
        "Der Ausschuss hat gestern beschlossen, die Entscheidung über den Bau der neuen Brücke auf das nächste Jahr zu verschieben, weil die Kosten "
        "seit dem letzten Gutachten um mehr als ein Drittel gestiegen sind.",
    ],
    "intents": [
        *ENGLISH, "what's the weather like in paris", "Please transfer 200 dollars from my savings to checking.", "set an alarm for 7 am",
        "how do you say good morning in spanish", "i lost my credit card", "play some jazz", "are you a robot", "what is my account balance",
        "book me a flight from boston to denver on the 3rd of june, and a hotel near the airport", "the cat sat on the mat", "who won the world cup",
    ],
}  # fmt: skip


def tokens(text, unit, changed):
    for sign, other in changed.items():
        text = text.replace(sign, other)
    if unit == "codepoint":
        return shared.normalize(text)
    # UTF-8 has no lone surrogates, so one is replaced. padless does not join it to the words beside it.
    return [shared.normalize(word) for word in shared.words([text.replace("\ud800", "\ufffd")])[0]]


def golden(name):
    path = MODELS / name / f"{name}.safetensors"
    model, about = shared.load(path)
    (output,), settings = about["outputs"], about["text"]
    labels, ids = output["labels"], shared.ids_of(settings["vocabulary"])
    cases = []
    for text in TEXTS[name]:
        row = [ids.get(token, shared.UNKNOWN) for token in tokens(text, settings["unit"], settings.get("map", {}))][: settings["maxlen"]]
        if not row:
            continue
        p = shared.probabilities(model, [row], padding=False)[0]
        case = {"text": text, "ids": row}
        if output["kind"] == "class":
            case |= {"label": labels[int(p.argmax())], "probabilities": [float(f"{v:.9g}") for v in p]}
        else:
            case |= {"labels": [labels[k] for k in p.argmax(1)], "probabilities": [[float(f"{v:.9g}") for v in row] for row in p]}
        cases.append(case)
    written = {
        "made_by": "tests/models/make_goldens.py",
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "jax": jax.__version__,
        "model": f"web/models/{name}/{name}.safetensors",
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights": "int8" if shared.is_int8(path) else "float32",
        "labels": labels,
    }
    # One case a line; ASCII, so that the lone surrogate survives.
    body = ",\n".join(json.dumps(case) for case in cases)
    head = json.dumps(written, indent=1)[:-2]
    part = HERE / f"{name}-keras.json.part"
    part.write_text(f'{head},\n "cases": [\n{body}\n]}}\n', encoding="ascii")
    os.replace(part, HERE / f"{name}-keras.json")
    for case in cases:
        print(case.get("label") or " ".join(case["labels"]), ascii(case["text"][:60]))


if __name__ == "__main__":
    for each in sys.argv[1:] or TEXTS:
        golden(each)
