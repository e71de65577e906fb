"""Reads the training text and writes what bag.c reads: texts in pieces, lists of words."""

import gzip
import json
import random
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import und

HERE = Path(__file__).resolve().parent

# Ours -> Tatoeba's. Not claimed, though they are in the benchmark, because this text cannot tell them apart well enough: bs and
# Latin-script Serbian (from hr), ms (from id), nn (from nb); la has no text but 1000 short sentences.
LANGUAGES = dict(
    af="afr", ar="ara", az="aze", be="bel", bg="bul", bn="ben", ca="cat", cs="ces", cy="cym", da="dan", de="deu", el="ell",
    en="eng", eo="epo", es="spa", et="est", eu="eus", fa="pes", fi="fin", fr="fra", ga="gle", he="heb", hi="hin", hr="hrv",
    hu="hun", hy="hye", id="ind", is_="isl", it="ita", ja="jpn", ka="kat", kk="kaz", ko="kor", lg=None, lt="lit",
    lv="lvs", mk="mkd", mn="mon", mr="mar", nb="nob", nl="nld", pa=None, pl="pol", pt="por", ro="ron", ru="rus", sk="slk",
    sl="slv", sq="sqi", sr="srp", sv="swe", ta="tam", te="tel", th="tha", tl="tgl", tr="tur", uk="ukr", ur="urd", vi="vie",
    zh_Hans="cmn", zh_Hant="cmn")  # fmt: skip
LANGUAGES = {name.strip("_").replace("_", "-"): code for name, code in LANGUAGES.items()}
UND = "und"
LABELS = sorted([*LANGUAGES, UND])
WORDFREQ = {label: label for label in LANGUAGES} | {"zh-Hans": None, "zh-Hant": None, "tl": "fil", "sr": None, "hr": None}
PER_CORPUS = 30000  # sentences of one language from one corpus, at most
WORDS_MOST = 60000  # words of a language's list
# A word is left out of a list if its share in another language's list is that many times as large: names, English in subtitles.
RARER, RARER_IN_LISTS = 30, 8
UND_TEXTS = 60000
# Share in a list of words of the language's own name (names.json) and of a greeting (phrases.json) that is one word; times that a greeting
# stands in the text.
NAME_SHARE, GREETING_SHARE, GREETINGS = 0.1, 0.05, 60
SEED = 1
# Other ways in which people write: shares of samples without diacritics.
BARE = defaultdict(lambda: 0.05, ro=0.15, hr=0.12, vi=0.08, cs=0.08, sk=0.08, tr=0.08, de=0.03, sv=0.03, nb=0.03, da=0.03, fi=0.03)

# ---------------------------------------------------------------- pieces, as the unit `ngrams` of padless cuts them

UNSPACED = [(0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)]
SYMBOL = "\ufffc"


@lru_cache(None)
def kind(c):
    """w letter, u letter of a script without spaces, d digit, x white space, s anything else."""
    category = unicodedata.category(c)
    if category[0] in "LM":
        return "u" if any(low <= ord(c) <= high for low, high in UNSPACED) else "w"
    space = c == "\ufeff" or (c.isspace() and c not in "\x1c\x1d\x1e\x1f\x85")
    return "d" if category[0] == "N" else "x" if space else "s"


@lru_cache(None)
def sign(c):
    """Punctuation, ASCII and the joiners stand for themselves; all other signs, emoji among them, are one."""
    return c if ord(c) < 128 or c in "\u200c\u200d" or unicodedata.category(c)[0] == "P" else SYMBOL


class Kinds(dict):
    def __missing__(self, code):
        self[code] = kind(chr(code))
        return self[code]


KINDS = Kinds()
RUNS = re.compile(r"w+|u+|d+|s")
DECORATION = re.compile("[\u0300-\u036f]{4,}")


def normalize(text):
    return "".join(c.lower() for c in unicodedata.normalize("NFC", DECORATION.sub("", text)))


def pieces(text):
    """Pieces of a normalised text: w and the letters, u and the letters, s and a sign; a number is s0, and a sign that repeats is one."""
    found = []
    end = 0
    for run in RUNS.finditer(text.translate(KINDS)):
        k, (a, b) = run[0][0], run.span()
        if k in "wu":
            found.append(k + text[a:b])
        else:
            one = "s0" if k == "d" else "s" + sign(text[a])
            if not (k == "s" and found and a == end and found[-1] == one):
                found.append(one)
        end = b
    return found


def cut(found, rng):
    """Long runs without spaces in pieces of 2 to 6 characters, so that samples begin and end anywhere; very long words are left out."""
    for piece in found:
        if piece[0] != "u":
            if len(piece) <= 40:
                yield piece
            continue
        at = 1
        while at < len(piece):
            n = rng.randint(2, 6)
            yield "u" + piece[at : at + n]
            at += n


# ---------------------------------------------------------------- sources

@lru_cache(None)
def script(c):
    """Rough script of a letter (first word of its Unicode name; kana count as Han), None for anything else."""
    name = unicodedata.name(c, "").split(" ")[0] if c.isalpha() else None
    return "CJK" if name in ("HIRAGANA", "KATAKANA") else name


def read_tsv(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            text, _, label = line.rstrip("\n").rpartition("\t")
            yield text, label


CYRILLIC = {"a": "а", "b": "б", "c": "ц", "č": "ч", "ć": "ћ", "d": "д", "đ": "ђ", "dž": "џ", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и",
            "j": "ј", "k": "к", "l": "л", "lj": "љ", "m": "м", "n": "н", "nj": "њ", "o": "о", "p": "п", "r": "р", "s": "с", "š": "ш", "t": "т",
            "u": "у", "v": "в", "z": "з", "ž": "ж"}  # fmt: skip


def to_cyrillic(word):
    """A Serbian word in Latin letters, None if it has others."""
    found = re.findall("dž|lj|nj|.", word)
    return "".join(map(CYRILLIC.get, found)) if all(f in CYRILLIC for f in found) else None


def read_sentences(data):
    """{label: sentences}, normalised; a sentence may stand there twice."""
    texts = defaultdict(list)
    for text, label in read_tsv(data / "langid-commonvoice-cc0/cv.tsv.gz"):
        if label in LANGUAGES:
            texts[label].append(normalize(text))
    # Tatoeba's cmn mixes scripts: a sentence goes where its telling characters (seen in one script only) all point.
    hans, hant = (set("".join(texts[label])) for label in ("zh-Hans", "zh-Hant"))
    ours = {code: label for label, code in LANGUAGES.items() if code}
    tatoeba = defaultdict(list)
    for text, code in read_tsv(data / "langid-tatoeba-laser/tatoeba.tsv.gz"):
        text, label = normalize(text), ours.get(code)
        if code == "cmn":
            simple, traditional = set(text) & (hans - hant), set(text) & (hant - hans)
            label = None if bool(simple) == bool(traditional) else "zh-Hans" if simple else "zh-Hant"
        if label:
            tatoeba[label].append(text)
    rng = random.Random(SEED)
    for label, more in tatoeba.items():
        texts[label] += rng.sample(more, min(len(more), PER_CORPUS))
    for name in ("langid-ud/ud.tsv.gz", "langid-firefox-l10n/l10n.tsv.gz"):
        for text, label in read_tsv(data / name):
            label = "pt" if label == "pt-BR" else label
            if label in LANGUAGES:
                texts[label].append(normalize(text))
    return texts


def split_sentences(texts):
    """({label: training sentences}, {label: held-out sentences}) in the language's own script, without those of two languages."""
    shared = Counter(text for label in LANGUAGES for text in set(texts[label]))
    rng = random.Random(SEED)
    train, held = {}, {}
    for label in LANGUAGES:
        letters = Counter(s for text in texts[label] for s in map(script, text) if s)
        own = letters.most_common(1)[0][0]
        kept = [
            text for text in dict.fromkeys(texts[label])
            if shared[text] == 1 and 2 * sum(script(c) == own for c in text) > sum(c.isalpha() for c in text)
        ]  # fmt: skip
        rng.shuffle(kept)
        n = min(300, len(kept) // 20)
        held[label], train[label] = kept[:n], kept[n:]
        print(label, own, len(kept), flush=True)
    return train, held


def read_words(data):
    """{label: {word: share}} from FrequencyWords and wordfreq; the mean of those that have the language."""
    from wordfreq import available_languages, get_frequency_dict

    lists = defaultdict(list)
    frequency = defaultdict(dict)
    with gzip.open(data / "langid-frequencywords/words.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            word, count, label = line.rstrip("\n").split("\t")
            label = "pt" if label == "pt-BR" else label
            word = to_cyrillic(word) if label == "sr" else word
            if label in LANGUAGES and word:
                frequency[label][word] = frequency[label].get(word, 0) + int(count)
    for label, words in frequency.items():
        lists[label].append(words)
    for label, code in WORDFREQ.items():
        if code in available_languages("small"):
            lists[label].append(get_frequency_dict(code, "large" if code in available_languages("large") else "small"))
    lists["sr"].append({c: f for w, f in get_frequency_dict("sh", "small").items() if (c := to_cyrillic(w))})
    lists["hr"].append(get_frequency_dict("sh", "small"))
    merged = {}
    for label, some in lists.items():
        shares = Counter()
        for words in some:
            total = sum(words.values())
            for word, count in words.items():
                word = normalize(word)
                found = pieces(word)
                if len(found) == 1 and found[0][0] in "wu" and len(word) <= 38:
                    shares[word] += count / total / len(some)
        merged[label] = shares
    return merged


def largest_shares(lists):
    most = Counter()
    for shares in lists:
        for word, share in shares:
            most[word] = max(most[word], share)
    return most


def clean_words(merged, train):
    """The most frequent words of each language in its own script, without what another language has far more often."""
    most = largest_shares(shares.items() for shares in merged.values())
    lists = {}
    for label, shares in merged.items():
        letters = Counter(s for text in train[label][:3000] for s in map(script, text) if s)
        own = letters.most_common(1)[0][0]
        kept = [(w, s) for w, s in shares.most_common() if RARER * s >= most[w] and script(w[0]) == own]
        lists[label] = kept[:WORDS_MOST]
    most = largest_shares(lists.values())
    for label, shares in lists.items():
        yield label, [(w, s) for w, s in shares if RARER_IN_LISTS * s >= most[w] or kind(w[0]) == "u"]


def bare_letters():
    """(letter with a mark, letter alone) of the Latin script."""
    for code in range(0xC0, 0x1F00):
        c = chr(code)
        base = {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "ß": "s", "æ": "e"}.get(c, unicodedata.normalize("NFD", c)[0])
        if script(c) == "LATIN" and base.isascii() and base != c:
            yield code, ord(base)


# ---------------------------------------------------------------- what bag.c reads

def prepare(data, folder):
    """Writes labels.txt, text.txt, words.txt, bare.txt and dev.txt, once."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    train, held = split_sentences(read_sentences(data))
    train[UND], held[UND] = und.texts(rng, UND_TEXTS), und.texts(rng, 300)
    train[UND], held[UND] = ([normalize(text) for text in some] for some in (train[UND], held[UND]))
    number = {label: k for k, label in enumerate(LABELS)}
    phrases = {label: [normalize(text) for text in some] for label, some in json.loads((HERE / "phrases.json").read_text("utf-8")).items()}
    with open(folder / "labels.txt", "w", encoding="utf-8") as file:
        file.writelines(f"{label} {0 if label == UND else BARE[label]} {int(label == UND)}\n" for label in LABELS)
    with open(folder / "bare.txt", "w", encoding="utf-8") as file:
        file.writelines(f"{a} {b}\n" for a, b in bare_letters())
    with open(folder / "text.txt", "w", encoding="utf-8") as file:
        for label in LABELS:
            rng.shuffle(train[label])
            for text in train[label] + GREETINGS * phrases.get(label, []):
                found = list(cut(pieces(text), rng))
                if found:
                    file.write(f"{number[label]}\t{' '.join(found)}\n")
    names = json.loads((HERE / "names.json").read_text("utf-8"))
    with open(folder / "words.txt", "w", encoding="utf-8") as file:
        for label, shares in clean_words(read_words(data), train):
            shares = shares + [(normalize(names[label]), NAME_SHARE)]
            shares += [(text, GREETING_SHARE) for text in phrases[label] if len(pieces(text)) == 1]
            print(label, "words", len(shares), " ".join(w for w, _ in shares[:6]), flush=True)
            for word, share in shares:
                for piece in cut([kind(word[0]) + word], rng):
                    file.write(f"{number[label]}\t{(share * 1e9) ** 0.5:.3f}\t{piece}\n")
    write_dev(held, number, folder / "dev.txt", rng)
    (folder / "done").touch()


def write_dev(held, number, path, rng):
    """Held-out sentences, pairs of words of one language, and words: kind<TAB>label<TAB>pieces."""
    with open(path, "w", encoding="utf-8") as file:
        for label in LABELS:
            for text in held[label]:
                file.write(f"0\t{number[label]}\t{' '.join(pieces(text))}\n")
            if label == UND:
                continue
            words = [p for text in held[label] for p in cut(pieces(text), rng) if p[0] != "s" and (p[0] == "u" or len(p) > 3)]
            words = sorted(set(words))
            for _ in range(300 if words else 0):
                file.write(f"1\t{number[label]}\t{rng.choice(words)} {rng.choice(words)}\n")
                file.write(f"2\t{number[label]}\t{rng.choice(words)}\n")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
