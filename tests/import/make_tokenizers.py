"""Writes tokenizers.json: a Keras Tokenizer, pickled, and its to_json(): pip install keras_preprocessing==1.1.2 && python make_tokenizers.py > tokenizers.json"""

import base64
import json
import pickle

from keras_preprocessing.text import Tokenizer

tokenizer = Tokenizer(num_words=6, oov_token="<OOV>")
tokenizer.fit_on_texts(["the cat sat", "the dog sat down", "Élan!"])
pickles = {f"tokenizer-{p}": pickle.dumps(tokenizer, p) for p in (2, 4)}
# Keras 3 has the class elsewhere: protocol 2 holds its name as a line.
keras3 = pickle.dumps(tokenizer, 2).replace(b"keras_preprocessing.text", b"keras.src.legacy.preprocessing.text")
pickles |= {"tokenizer-keras3": keras3, "word-index": pickle.dumps(tokenizer.word_index)}
files = {name: base64.b64encode(data).decode() for name, data in pickles.items()}
print(json.dumps({"json": json.loads(tokenizer.to_json()), "files": files}, indent=1))
