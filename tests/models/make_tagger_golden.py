"""Writes tagger-torch.json: PyTorch's probabilities of parts of speech, and its scores of names, for some texts, each run alone.

    python tests/models/make_tagger_golden.py     # needs web/models/tagger/requirements.txt; again whenever the model changes
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "web/models/tagger"
sys.path.insert(0, str(MODEL))
sys.dont_write_bytecode = True
import network  # noqa: E402
import torch  # noqa: E402

TEXTS = [
    "a", "?", "7", "NO!", "can't", "Hello, how are you?", "I saw her duck.", "The old man the boat.",
    "Dr. Smith lives at 12 Main St., doesn't he?", "She said she would've come at 10:30 on May 3rd, 2021, for $1,000.50.",
    "https://example.com/?q=1&r=2", ":) :-( ...", "😀👍🏽 ok 😀", "naïve café, e\u0301te\u0301 (NFD)",
    "\u201cI can\u2019t,\u201d he said \u2014 twice.", "blorp the snarfled wug", "Guten Morgen", "你好，世界", "We flew from Berlin to New York in 2019.",
    "Yesterday evening we walked along the river until it was dark, and nobody said a word about the letter that had come in the morning.",
]  # fmt: skip


def main():
    path = MODEL / "tagger.safetensors"
    model, about = network.load(path)
    text = json.dumps({"path": str(path), "texts": TEXTS})
    done = subprocess.run(["node", str(HERE / "tagger-ids.js")], input=text, capture_output=True, encoding="utf-8", check=True)
    cases = []
    for text, ids in zip(TEXTS, json.loads(done.stdout), strict=True):
        with torch.no_grad():
            pos, names = model(torch.tensor([ids], dtype=torch.int64))
        probabilities, scores = torch.softmax(pos[0], 1).numpy(), names[0].numpy()
        cases.append({"text": text, "ids": ids, "labels": [network.LABELS[k] for k in probabilities.argmax(1)],
                      "probabilities": [[float(f"{v:.6g}") for v in row] for row in probabilities],
                      "scores": [[float(f"{v:.6g}") for v in row] for row in scores]})  # fmt: skip
    head = {"made_by": "tests/models/make_tagger_golden.py", "torch": torch.__version__.split("+")[0], "model": "web/models/tagger/tagger.safetensors"}
    body = ",\n".join(json.dumps(case) for case in cases)
    part = HERE / "tagger-torch.json.part"
    part.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "cases": [\n{body}\n]}}\n', encoding="ascii")
    os.replace(part, HERE / "tagger-torch.json")


if __name__ == "__main__":
    main()
