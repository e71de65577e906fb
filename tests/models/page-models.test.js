/** The models of the page give Keras's answers, and padding changes nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { assertClose, bits } from '../close.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

for (const name of ['langid-gru', 'intents']) {
  const file = new URL(`../../web/models/${name}/${name}.safetensors`, import.meta.url);
  const golden = JSON.parse(readFileSync(new URL(`./${name}-keras.json`, import.meta.url), 'utf8'));
  const model = await loadModel(file, { simd });

  // Keras computed with the int8 weights as float32 values; padless also rounds states to 16 bits.
  const near = golden.weights === 'int8' ? 2e-3 : 1e-5;

  test(`${name}: ${golden.cases.length} texts give Keras ${golden.keras}'s ids and probabilities`, () => {
    for (const { text, ids, label, probabilities } of golden.cases) {
      assert.deepEqual([...(model.text?.encode(text).ids ?? [])], ids, text);
      assertClose(model.run([ids])[0].data, probabilities.flat(), { unit: near, what: text });
      const answer = model.predict(text);
      assert.equal(answer.label, label, text);
    }
  });

  test(`${name}: a text has the same bits alone and in a batch of any lengths`, () => {
    const texts = golden.cases.map((/** @type {any} */ { text }) => text);
    const together = model.predict(texts);
    texts.forEach((/** @type {string} */ text, /** @type {number} */ i) =>
      assert.deepEqual(together[i], model.predict(text), text),
    );
  });

  test(`${name}: padding anywhere, with any ids, changes no bit and visits no step`, () => {
    const ids = [...(model.text?.encode('Padding never changes an answer.').ids ?? [])];
    /** The bits of the answer, and the visited steps. @param {number[]} row @param {number[]} [mask] */
    const run = (row, mask) => {
      const before = model.stats.steps;
      const { data } = model.run([row], mask && { mask: [mask] })[0];
      return { bits: bits(data), steps: model.stats.steps - before };
    };
    const alone = run(ids);
    assert.equal(alone.steps, 2 * ids.length);
    const junk = Array(37).fill(-7);
    const none = junk.map(() => 0);
    const all = ids.map(() => 1);
    const mid = ids.length >> 1;
    assert.deepEqual(run([...ids, ...junk], [...all, ...none]), alone);
    assert.deepEqual(run([...junk, ...ids], [...none, ...all]), alone);
    assert.deepEqual(
      run([...ids.slice(0, mid), ...junk, ...ids.slice(mid)], [...all.slice(0, mid), ...none, ...all.slice(mid)]),
      alone,
    );
  });
}

test('intents: plain requests get their intents, and other sentences are out of scope', async () => {
  const model = await loadModel(new URL('../../web/models/intents/intents.safetensors', import.meta.url), { simd });
  const requests = {
    "What's the weather like in Paris?": 'weather',
    'Please transfer 200 dollars from savings to checking': 'transfer',
    'set an alarm for 7 am': 'alarm',
    'how do you say good morning in spanish': 'translate',
    'are you a robot?': 'are_you_a_bot',
    'ring my sister': 'make_call',
    'phone mum': 'make_call',
    thanks: 'thank_you',
    hello: 'greeting',
    'the cat sat on the mat': 'oos',
    'what is the capital of france': 'oos',
    'yesterday evening the old man walked along the river': 'oos',
  };
  const answers = Object.fromEntries(Object.keys(requests).map((text) => [text, model.predict(text).label]));
  assert.deepEqual(answers, requests);
  // The threshold in the file decides whether an answer is certain.
  assert.deepEqual(
    ['book me a flight to tokyo', 'do i need an umbrella today'].map((text) => model.predict(text).certain),
    [true, false],
  );
});
