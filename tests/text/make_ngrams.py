"""Writes ngrams.json: texts, and their ids in the trainer of web/models/langid.

    python tests/text/make_ngrams.py     # needs the data that train.py needs, and gcc
"""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TRAINER = HERE.parents[1] / "web/models/langid"
sys.path.insert(0, str(TRAINER))
import text  # noqa: E402
import und  # noqa: E402

ROWS = 32768
PER_LANGUAGE = 4


def main():
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[2] / "shared/data"
    rng = random.Random(1)
    found = {}
    for sentence, label in text.read_tsv(data / "langid-commonvoice-cc0/cv.tsv.gz"):
        found.setdefault(label, []).append(sentence)
    texts = [each for label in sorted(found) for each in rng.sample(found[label], PER_LANGUAGE)]
    texts += und.texts(rng, 60) + [und.decorated(rng, 20) for _ in range(10)]
    program = HERE / "bag"
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-o", program, TRAINER / "bag.c", "-lm"], check=True)
    pieces = "".join(" ".join(text.pieces(text.normalize(each))) + "\n" for each in texts)
    made = subprocess.run([program, "ids", str(ROWS)], input=pieces, capture_output=True, encoding="utf-8", check=True).stdout
    program.unlink()
    cases = []
    for each, line in zip(texts, made.splitlines(), strict=True):
        ids = line.split()
        cases.append({"text": each, "count": len(ids), "sha256": hashlib.sha256(" ".join(ids).encode()).hexdigest()[:32], "first": list(map(int, ids[:8]))})
    golden = {"made": "tests/text/make_ngrams.py", "licence": "sentences: Common Voice, CC0 1.0", "rows": ROWS, "unspaced": text.UNSPACED, "cases": cases}
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in golden.pop("cases"))
    head = json.dumps(golden, ensure_ascii=False)[:-1]
    (HERE / "ngrams.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")


main()
