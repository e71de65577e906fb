/** The two promises, over random models: padding changes no bit and costs no step. PADLESS_SEED repeats a run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { init, loadModel } from 'padless';
import { serialize } from '../../js/safetensors.js';

const simd = process.env.PADLESS_SIMD ?? 'auto';
const seed = Number(process.env.PADLESS_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
console.log(`PADLESS_SEED=${seed}`);
let state = seed;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const below = (n) => Math.floor(uniform() * n);
const pick = (list) => list[below(list.length)];
const values = (n, scale = 1) => Float32Array.from({ length: n }, () => (2 * uniform() - 1) * scale);

const V = 40;
const gates = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

/** A random Sequential model of ids: its file, and the recurrent steps that one step of a text costs. */
function randomModel() {
  const layers = [];
  const tensors = new Map();
  let width = 1 + below(9);
  const add = (name, shape, scale) =>
    tensors.set(name, {
      dtype: 'F32',
      shape,
      data: new Uint8Array(
        values(
          shape.reduce((a, b) => a * b, 1),
          scale,
        ).buffer,
      ),
    });
  layers.push({ class_name: 'Embedding', config: { name: 'embedding', input_dim: V, output_dim: width, mask_zero: true } });
  add('embedding.embeddings', [V, width]);
  const rnn = (path, className, units, sequences) => {
    const resetAfter = className === 'GRU' && uniform() < 0.5;
    const columns = gates[className] * units;
    add(`${path}.kernel`, [width, columns], 0.8);
    add(`${path}.recurrent_kernel`, [units, columns], 0.8);
    add(`${path}.bias`, resetAfter ? [2, columns] : [columns], 0.3);
    return {
      class_name: className,
      config: { name: path.split('.').at(-1), units, return_sequences: sequences, reset_after: resetAfter },
    };
  };
  let stepsEach = 0;
  let sequence = true;
  const depth = 1 + below(2);
  for (let i = 0; i < depth; i++) {
    const sequences = i < depth - 1 || uniform() < 0.6;
    const units = 1 + below(13);
    const className = pick(Object.keys(gates));
    const name = `layer_${i}`;
    if (uniform() < 0.7) {
      const merge = pick(['concat', 'sum', 'mul', 'ave']);
      const forward = rnn(`${name}.forward_layer`, className, units, sequences);
      const backward = rnn(`${name}.backward_layer`, pick(Object.keys(gates)), units, sequences);
      backward.config.go_backwards = true;
      layers.push({ class_name: 'Bidirectional', config: { name, merge_mode: merge, layer: forward, backward_layer: backward } });
      width = merge === 'concat' ? 2 * units : units;
      stepsEach += 2;
    } else {
      layers.push(rnn(name, className, units, sequences));
      width = units;
      stepsEach += 1;
    }
    sequence = sequences;
  }
  if (sequence && uniform() < 0.6) {
    layers.push({
      class_name: pick(['padless>MaskedMean', 'padless>MaskedMax', 'padless>MaskedMin', 'padless>LastStep']),
      config: { name: 'pool' },
    });
    sequence = false;
  }
  const units = 1 + below(10);
  layers.push({ class_name: 'Dense', config: { name: 'dense', units, activation: pick(['linear', 'softmax', 'gelu']) } });
  add('dense.kernel', [width, units]);
  add('dense.bias', [units]);
  const settings = {
    format: 1,
    keras_version: '3.15.1',
    architecture: { class_name: 'Sequential', config: { name: 'random', layers } },
  };
  return { bytes: serialize({ metadata: { padless: JSON.stringify(settings) }, tensors }), sequence, stepsEach, layers };
}

const bitsOf = (data) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
/** Rows of a [B, ...] or [B, T, K] output at the steps of `mask`. */
const keptBits = ({ shape, data }, mask, b, sequence) => {
  const K = shape.at(-1);
  if (!sequence) return bitsOf(data.slice(b * K, (b + 1) * K));
  const T = shape[1];
  return mask.flatMap((keep, t) => (keep ? bitsOf(data.slice((b * T + t) * K, (b * T + t + 1) * K)) : []));
};
/** A text among padding: where it stands is random, and so is the junk under the mask. */
function pad(ids, T, where) {
  const row = [];
  const mask = [];
  const spare = T - ids.length;
  const before = where === 'front' ? spare : where === 'end' ? 0 : below(spare + 1);
  const hole = where === 'middle' ? below(ids.length + 1) : 0;
  const junk = (n) => {
    for (let i = 0; i < n; i++) {
      row.push(below(2 * V) - V);
      mask.push(0);
    }
  };
  ids.forEach((id, t) => {
    if (t === hole) junk(where === 'end' ? 0 : before);
    row.push(id);
    mask.push(1);
  });
  junk(T - row.length);
  return { row, mask };
}

test('random models give every text the same bits alone and in any batch with any padding, and visit no more steps', async () => {
  for (let trial = 0; trial < 60; trial++) {
    const { bytes, sequence, stepsEach, layers } = randomModel();
    const model = await loadModel(bytes, { simd });
    const texts = Array.from({ length: 1 + below(6) }, () => Array.from({ length: below(20) }, () => 1 + below(V - 1)));
    const T = Math.max(1, ...texts.map((ids) => ids.length)) + below(40);
    const padded = texts.map((ids) => pad(ids, T, pick(['end', 'front', 'middle'])));
    const before = model.stats.steps;
    const [together] = model.run(
      padded.map(({ row }) => row),
      { mask: padded.map(({ mask }) => mask) },
    );
    const steps = model.stats.steps - before;
    const context = `trial ${trial}: ${JSON.stringify(layers)}`;
    assert.equal(steps, stepsEach * texts.reduce((sum, ids) => sum + ids.length, 0), context);
    texts.forEach((ids, b) => {
      const [alone] = model.run([ids]);
      const all = ids.map(() => 1);
      assert.deepEqual(keptBits(together, padded[b].mask, b, sequence), keptBits(alone, all, 0, sequence), `row ${b}, ${context}`);
      if (!sequence) return;
      const K = together.shape[2];
      padded[b].mask.forEach((keep, t) => {
        if (keep) return;
        const outputs = together.data.slice((b * T + t) * K, (b * T + t + 1) * K);
        assert.deepEqual(bitsOf(outputs), Array(K).fill(0), `padding of row ${b}, ${context}`);
      });
    });
  }
});

test('NaN and Infinity under the mask reach no result of any kernel', async () => {
  const pl = await init({ simd });
  for (let trial = 0; trial < 60; trial++) {
    const [B, T, D, H] = [1 + below(4), 1 + below(12), 1 + below(9), 1 + below(7)];
    const mask = Array.from({ length: B * T }, () => below(2));
    const clean = values(B * T * D);
    const dirty = clean.map((value, i) => (mask[Math.floor(i / D)] ? value : pick([NaN, Infinity, -Infinity, 1e38])));
    const shape = [B, T, D];
    const rnn = (cell) => ({
      cell,
      kernel: { data: values(D * gates[cell] * H), shape: [D, gates[cell] * H] },
      recurrentKernel: { data: values(H * gates[cell] * H), shape: [H, gates[cell] * H] },
    });
    const [forward, backward] = [rnn(pick(Object.keys(gates))), rnn(pick(Object.keys(gates)))];
    const kernel = { data: values(D * 3), shape: [D, 3] };
    const results = {
      sum: (x) => pl.maskedSum(x, mask),
      mean: (x) => pl.maskedMean(x, mask),
      max: (x) => pl.maskedMax(x, mask),
      min: (x) => pl.maskedMin(x, mask),
      first: (x) => pl.maskedFirst(x, mask),
      last: (x) => pl.maskedLast(x, mask),
      argmax: (x) => pl.maskedArgmax(x, mask),
      softmax: (x) => pl.maskedSoftmax(x, mask),
      logSoftmax: (x) => pl.maskedLogSoftmax(x, mask),
      featureSoftmax: (x) => pl.softmax(x, mask),
      applyMask: (x) => pl.applyMask(x, mask),
      dense: (x) => pl.dense(x, kernel, null, mask),
      rnn: (x) => pl.rnn(x, { ...forward, mask }).sequence,
      bidirectional: (x) => pl.bidirectional(x, { forward, backward, mask, mergeMode: pick(['concat']) }).sequence,
    };
    for (const [name, kernelOf] of Object.entries(results)) {
      assert.deepEqual(
        bitsOf(kernelOf({ data: dirty, shape }).data),
        bitsOf(kernelOf({ data: clean, shape }).data),
        `${name}, trial ${trial}`,
      );
    }
  }
});
