"""Writes pickles.json: values that Python pickled in each protocol, as base64. Python 2.7 writes the values of `python2`:

    python2.7 make_pickles.py > python2.json && python3 make_pickles.py python2.json > pickles.json
"""

import base64
import collections
import json
import pickle
import sys

if sys.version_info[0] == 2:
    values = {"str": "a'\"\n\\\xc3\xa9", "bytes": "\xff\x00", "unicode": u"\xe9\u4e2d", "long": 2**70, "bool": True, "list": [1, (2, 3)], "none": None}
    print(json.dumps([base64.b64encode(pickle.dumps(values, protocol)) for protocol in range(3)]))
    sys.exit()


def values():
    shared = [1]
    found = {
        "ints": [0, 1, 255, 256, 65535, 65536, -1, -(2**31), 2**31, 2**53 - 1, 2**53, -(2**53), 2**70, -(2**70)], "floats": [0.5, -0.0, 1e300, float("inf"), float("nan")],
        "text": ["", "a", u"\xe9\u4e2d\U0001f600", "x" * 300, "line\nbreak\\u0041"], "bytes": [b"", b"\x00\xff", b"y" * 300], "bytearray": bytearray(b"\x01\x02"),
        "bools": [True, False, None], "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "set": {1, 2}, "frozenset": frozenset(["a"]), "empty": [[], {}, set()],
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]), "counter": collections.Counter("aab"), "default": collections.defaultdict(int, {"k": 5}),
        "shared": [shared, shared], "keys": {1: "one", "two": 2},
    }  # fmt: skip
    found["self"] = [found["keys"]]
    found["self"].append(found["self"])
    return found


python2 = json.load(open(sys.argv[1])) if len(sys.argv) > 1 else []
python3 = [base64.b64encode(pickle.dumps(values(), protocol)).decode() for protocol in range(6)]
print(json.dumps({"python2": python2, "python3": python3}, indent=1))
