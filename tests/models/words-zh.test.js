/** words-zh: it cuts Chinese sentences into words, alone and in a batch, and has the accuracy of its card. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { loadModel } from 'padless';
import { needs, sharedUrl } from '../shared.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../../web/models/words-zh/', import.meta.url);
const model = await loadModel(new URL('words-zh.safetensors', folder), { simd });
const results = JSON.parse(readFileSync(new URL('results.json', folder), 'utf8'));

/** @param {string} text */
const cut = (text) =>
  (model.predict(text).spans ?? []).map(({ start, end, label }) => `${text.slice(start, end)}/${label}`).join(' ');

test('plain sentences are cut into words with their parts of speech', () => {
  for (const answer of ['研究/NN 生命/NN 的/DEC 起源/NN', '他/PRP 是/VC 一/CD 位/NNB 医生/NN 。/.', '2019/CD 年/NNB 5/CD 月/NNB'])
    assert.equal(cut(answer.replaceAll(/\/\S+ ?/g, '')), answer);
});

test('a space between Latin words belongs to no word', () => {
  const text = '他喜欢 Pink Floyd 的音乐。';
  const spans = model.predict(text).spans ?? [];
  assert.ok(spans.every(({ start, end }) => !/\s/.test(text.slice(start, end))));
  assert.equal(spans.map(({ start, end }) => text.slice(start, end)).join(''), text.replaceAll(' ', ''));
});

test('a text has the same words alone and in a batch', () => {
  const texts = ['', '好', '我们明天去北京。', '这个国家的人们说汉语，他们从小学习书写。'.repeat(5)];
  const together = model.predict(texts);
  texts.forEach((text, i) => assert.deepEqual(together[i], model.predict(text)));
});

const treebank = 'data/pos-zh-gsdsimp/test.conll.gz';
test('words and tags have the F1 of the card on the treebank’s test sentences', needs(treebank), () => {
  const found = { words: [0, 0, 0], tagged: [0, 0, 0] };
  for (const block of gunzipSync(readFileSync(sharedUrl(treebank)))
    .toString()
    .trim()
    .split('\n\n')) {
    let text = '';
    const gold = block.split('\n').map((line) => {
      const [word, tag] = line.split('\t');
      if (/[A-Za-z]$/.test(text) && /^[A-Za-z]/.test(word)) text += ' ';
      text += word;
      return { start: text.length - word.length, end: text.length, label: tag };
    });
    const answer = model.predict(text).spans ?? [];
    for (const [kind, key] of /** @type {const} */ ([
      ['words', ({ start, end }) => `${start} ${end}`],
      ['tagged', ({ start, end, label }) => `${start} ${end} ${label}`],
    ])) {
      const there = new Set(gold.map(key));
      found[kind][0] += answer.map(key).filter((each) => there.has(each)).length;
      found[kind][1] += gold.length;
      found[kind][2] += answer.length;
    }
  }
  for (const kind of /** @type {const} */ (['words', 'tagged'])) {
    const [right, gold, answered] = found[kind];
    const f1 = (200 * right) / (gold + answered);
    assert.ok(Math.abs(f1 - results.test[kind]) < 0.05, `${kind}: ${f1} through padless, ${results.test[kind]} on the card`);
  }
});

test('the card has the numbers of results.json, and the file is small', () => {
  const card = readFileSync(new URL('README.md', folder), 'utf8');
  const { size } = statSync(new URL('words-zh.safetensors', folder));
  assert.equal(results.bytes, size);
  assert.ok(size <= 1.5e6, `${size} bytes`);
  for (const text of [size.toLocaleString('en'), results.test.words.toFixed(1), results.test.tagged.toFixed(1)])
    assert.ok(card.includes(text), `${text} is not on the card`);
});
