"""Writes langid-keras.json: what Keras answers for some texts, each run alone and unpadded, from web/models/langid/langid.safetensors.

    python tests/models/make_langid_golden.py      # needs web/models/langid/requirements.txt; again whenever the model changes
"""

import hashlib
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LANGID = HERE.parents[1] / "web/models/langid"
sys.path.insert(0, str(LANGID))
sys.dont_write_bytecode = True
os.environ.setdefault("KERAS_BACKEND", "jax")
import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import train  # noqa: E402

TEXTS = [
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
]  # fmt: skip


def main():
    path = LANGID / "langid.safetensors"
    model, vocabulary = train.load(path)
    ids_of = {c: i for i, c in enumerate(vocabulary) if c}
    cases = []
    for text in TEXTS:
        ids = train.encode(text, ids_of)
        p = np.asarray(model(np.array([ids], np.int32)))[0]
        cases.append({"text": text, "ids": ids, "label": train.LABELS[int(p.argmax())], "probabilities": [float(f"{v:.9g}") for v in p]})
    about = {
        "made_by": "tests/models/make_langid_golden.py",
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "jax": jax.__version__,
        "model": "web/models/langid/langid.safetensors",
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "labels": train.LABELS,
    }
    # One case a line; ASCII, so that the lone surrogate survives.
    body = ",\n".join(json.dumps(case) for case in cases)
    head = json.dumps(about, indent=1)[:-2]
    part = HERE / "langid-keras.json.part"
    part.write_text(f'{head},\n "cases": [\n{body}\n]}}\n', encoding="ascii")
    os.replace(part, HERE / "langid-keras.json")
    for case in cases:
        print(case["label"], round(max(case["probabilities"]), 3), ascii(case["text"][:40]) if "\ud800" in case["text"] else case["text"][:40])


if __name__ == "__main__":
    main()
