/**
 * The measurements of each bar; the same code runs in Node and in a page. Peers run on one thread, with the inputs for which they are fastest:
 * onnxruntime-web gets its own layouts and `sequence_lens`.
 */
import { createModel, init, loadModel } from 'padless';
import { toInt8 } from '../../js/import/quantize.js';
import { compare } from './measure.js';
import { classifier, rnnAlone } from './models.js';
import { exported } from './onnx-files.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('padless').Build} Build */
/**
 * A row of the result.
 * @typedef {object} Row
 * @property {number} bar
 * @property {string} case
 * @property {Build} build
 * @property {number} ours_ms
 * @property {string} peer
 * @property {number} peer_ms
 * @property {number} ratio  peer_ms / ours_ms, unless the bar says otherwise
 * @property {string} [note]
 */
/**
 * @typedef {object} Peers
 * @property {any} [ort]  onnxruntime-web
 * @property {any} [ortNode]  onnxruntime-node
 * @property {any} [tf]  TF.js with its wasm backend
 */
/**
 * @typedef {object} Context
 * @property {boolean} quick
 * @property {Peers} peers
 * @property {string[]} sentences
 * @property {WebAssembly.Module | null} peak  the loop of tests/bench/peak.c
 * @property {(row: Row) => void} report
 */

/** @type {import('./models.js').Cell[]} */
const cells = ['LSTM', 'GRU'];
const allWidths = [32, 64, 128, 256];
const lengths = [16, 64, 256];
const builds = /** @type {const} */ (['relaxed', 'baseline']);

/** One model in each build. @param {{ architecture: any, weights: any }} parts @returns {Promise<Record<Build, Model>>} */
async function inBothBuilds({ architecture, weights }) {
  /** @param {Build} simd */
  const create = (simd) => createModel({ architecture, simd, weights: () => new Map(Object.entries(weights)) });
  return { relaxed: await create('relaxed'), baseline: await create('baseline') };
}

/** Throws if two engines give different results. @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {string} what */
function mustAgree(a, b, what) {
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (!(Math.abs(a[i] - b[i]) <= 1e-4)) throw new Error(`${what}: element ${i} is ${a[i]} and ${b[i]}`);
}

/** @param {number} n @param {number} scale */
const noise = (n, scale) => Float32Array.from({ length: n }, (_, i) => scale * Math.sin(i * i * 0.7 + i));

/** @param {number} T @param {number} V */
const someIds = (T, V) => Array.from({ length: T }, (_, i) => 2 + ((i * 2654435761) % (V - 2)));

/** The shapes of bars 1 and 2. @param {boolean} quick */
const shapes = (quick) =>
  cells.flatMap((cell) => (quick ? [32, 128] : allWidths).flatMap((H) => (quick ? [64] : lengths).map((T) => ({ cell, H, T }))));

/** Times both builds and a peer. @param {Context} context @param {number} bar @param {string} name @param {Record<Build, () => unknown>} ours @param {string} peer @param {() => unknown} theirs */
async function against(context, bar, name, ours, peer, theirs) {
  const times = await compare({ ...ours, peer: theirs }, { milliseconds: context.quick ? 1200 : 3000 });
  for (const build of builds)
    context.report({ bar, case: name, build, ours_ms: times[build], peer, peer_ms: times.peer, ratio: times.peer / times[build] });
}

/** Bar 1: the bidirectional layer alone, one row. @param {Context} context */
async function recurrent(context) {
  const { ort } = context.peers;
  for (const { cell, H, T } of shapes(context.quick)) {
    const parts = rnnAlone(cell, H, H);
    const models = await inBothBuilds(parts);
    const session = await ort.InferenceSession.create(parts.onnx());
    const x = noise(T * H, 1);
    const rows = { data: x, shape: [1, T, H] };
    const feeds = { X: new ort.Tensor('float32', x, [T, 1, H]), lengths: new ort.Tensor('int32', Int32Array.of(T), [1]) };
    mustAgree(models.relaxed.run(rows)[0].data, (await session.run(feeds)).Y.data, `${cell} ${H}`);
    const ours = { relaxed: () => models.relaxed.run(rows), baseline: () => models.baseline.run(rows) };
    await against(context, 1, `${cell} H=${H} T=${T}`, ours, 'onnxruntime-web', () => session.run(feeds));
    await session.release();
  }
}

/**
 * The inputs of onnxruntime for rows of ids, padded at the end.
 * @param {any} ort @param {number[][]} rows @param {number} [T]
 */
export function onnxFeeds(ort, rows, T = Math.max(...rows.map(({ length }) => length))) {
  const B = rows.length;
  const ids = new Int32Array(T * B);
  const mask = new Float32Array(T * B);
  rows.forEach((row, b) =>
    row.forEach((id, t) => {
      ids[t * B + b] = id;
      mask[t * B + b] = 1;
    }),
  );
  return {
    ids: new ort.Tensor('int32', ids, [T, B]),
    mask: new ort.Tensor('float32', mask, [T, 1, B, 1]),
    lengths: new ort.Tensor(
      'int32',
      Int32Array.from(rows, ({ length }) => length),
      [B],
    ),
  };
}

/** Bar 2: from ids to an answer, one row. @param {Context} context */
async function answers(context) {
  const { ort, ortNode } = context.peers;
  for (const { cell, H, T } of shapes(context.quick)) {
    const parts = classifier(cell, H, H);
    const models = await inBothBuilds(parts);
    const rows = [someIds(T, parts.V)];
    const ours = { relaxed: () => models.relaxed.run(rows), baseline: () => models.baseline.run(rows) };
    for (const [name, engine] of Object.entries({ 'onnxruntime-web': ort, 'onnxruntime-node': ortNode })) {
      if (!engine) continue;
      const options = name === 'onnxruntime-node' ? { intraOpNumThreads: 1, interOpNumThreads: 1 } : {};
      const session = await engine.InferenceSession.create(parts.onnx(), options);
      const feeds = onnxFeeds(engine, rows);
      mustAgree(models.relaxed.run(rows)[0].data, (await session.run(feeds)).P.data, `${cell} ${H}`);
      await against(context, 2, `${cell} H=${H} T=${T}`, ours, name, () => session.run(feeds));
      await session.release();
    }
  }
}

/** Bar 3: 32 real sentences of their natural lengths. @param {Context} context */
async function batch(context) {
  const { ort, tf } = context.peers;
  for (const cell of cells) {
    const parts = classifier(cell, 128, 128);
    const models = await inBothBuilds(parts);
    const rows = context.sentences.map((text) => Array.from(text, (c) => 2 + ((c.codePointAt(0) ?? 0) % (parts.V - 2))));
    const name = `${cell} H=128, ${rows.length} sentences of ${Math.min(...rows.map((r) => r.length))} to ${Math.max(...rows.map((r) => r.length))} characters`;
    const ours = { relaxed: () => models.relaxed.run(rows), baseline: () => models.baseline.run(rows) };
    const session = await ort.InferenceSession.create(parts.onnx());
    const feeds = onnxFeeds(ort, rows);
    mustAgree(models.relaxed.run(rows)[0].data, (await session.run(feeds)).P.data, name);
    await against(context, 3, name, ours, 'onnxruntime-web', () => session.run(feeds));
    await session.release();
    if (tf) {
      const theirs = await tfClassifier(tf, cell, parts, 128);
      const T = Math.max(...rows.map(({ length }) => length));
      const x = tf.tensor2d(
        rows.map((row) => [...row, ...new Array(T - row.length).fill(0)]),
        undefined,
        'int32',
      );
      await against(context, 3, name, ours, 'TF.js wasm', () => {
        const y = theirs.predict(x);
        y.dataSync();
        y.dispose();
      });
    }
  }
}

/** The same layers in TF.js. Its pooling ignores the mask, which is less work. @param {any} tf @param {string} cell @param {any} parts @param {number} H */
async function tfClassifier(tf, cell, parts, H) {
  const ids = tf.input({ shape: [null], dtype: 'int32' });
  const { V } = parts;
  const x = tf.layers.embedding({ inputDim: V, outputDim: H, maskZero: true }).apply(ids);
  const layer = tf.layers[cell.toLowerCase()]({
    units: H,
    returnSequences: true,
    ...(cell === 'GRU' ? { resetAfter: false } : {}),
  });
  const y = tf.layers.bidirectional({ layer, mergeMode: 'concat' }).apply(x);
  const pooled = tf.layers
    .concatenate()
    .apply([tf.layers.globalAveragePooling1d({}).apply(y), tf.layers.globalMaxPooling1d({}).apply(y)]);
  return tf.model({ inputs: ids, outputs: tf.layers.dense({ units: 10, activation: 'softmax' }).apply(pooled) });
}

/** Bar 4: the work does not grow with padding; and how the time depends on T and B. @param {Context} context */
async function padding(context) {
  const parts = classifier('LSTM', 128, 128);
  const models = await inBothBuilds(parts);
  const rows = context.sentences.map((text) => Array.from(text, (c) => 2 + ((c.codePointAt(0) ?? 0) % (parts.V - 2))));
  /** @param {number} T */
  const padded = (T) => rows.map((row) => Int32Array.from({ length: T }, (_, t) => row[t] ?? 0));
  const longest = Math.max(...rows.map(({ length }) => length));
  const [short, long] = [padded(longest), padded(512)];
  for (const build of builds) {
    const model = models[build];
    /** @param {ArrayLike<ArrayLike<number>>} some */
    const stepsOf = (some) => {
      const before = model.stats.steps;
      model.run(some);
      return model.stats.steps - before;
    };
    const times = await compare({ short: () => model.run(short), long: () => model.run(long) }, { milliseconds: 3000 });
    context.report({
      bar: 4,
      case: `32 sentences padded to 512, not to ${longest}: ${stepsOf(long)} and ${stepsOf(short)} steps`,
      build,
      ours_ms: times.long,
      peer: 'padless, less padding',
      peer_ms: times.short,
      ratio: times.long / times.short,
    });
  }
  for (const [what, sizes] of Object.entries({ T: [1, 32, 64, 128, 256, 512], B: [1, 2, 4, 8, 16, 32] })) {
    const ways = Object.fromEntries(
      sizes.map((size) => {
        const some = Array.from({ length: what === 'B' ? size : 1 }, () => someIds(what === 'T' ? size : 64, parts.V));
        return [String(size), () => models.relaxed.run(some)];
      }),
    );
    const times = await compare(ways, { milliseconds: 3000 });
    const line = sizes.map((size) => `${size}: ${times[size].toFixed(3)}`).join(', ');
    const [least, most] = [sizes[1], sizes[sizes.length - 1]];
    const perStep = times[most] / most / (times[least] / least);
    context.report({
      bar: 4,
      case: `ms against ${what} = ${line}`,
      build: 'relaxed',
      ours_ms: times[most],
      peer: `${what} = ${least}, times ${most / least}`,
      peer_ms: (times[least] * most) / least,
      ratio: perStep,
    });
  }
}

/** Bar 5: the share of the machine's multiply-add rate that the kernels reach. @param {Context} context */
async function kernels(context) {
  if (!context.peak) return;
  for (const build of builds) {
    const { heap } = await init({ simd: build });
    const { exports } = heap;
    const registers = /** @type {any} */ (new WebAssembly.Instance(context.peak).exports);
    const loops = [6, 8, 10, 12];
    const repeat = 60000;
    /** @param {number} n */
    const loop = (n) => `${build}_${n}`;
    const times = { M: 64, K: 128, N: 512 };
    const { M, K, N } = times;
    const packed = heap.f32(noise(exports.pl_dense_packed_size(K, N), 0.1));
    const x = heap.f32(noise(M * K, 1));
    const y = heap.reserve32(M * N);
    const H = 128;
    const T = 64;
    const rnnPacked = heap.f32(noise(exports.pl_rnn_packed_size(3, H, H), 0.05));
    const rnn = heap.i32([3, H, H, 1, 2, rnnPacked, 0, 0, 0]);
    const splits = heap.i32([0, T]);
    const input = heap.f32(noise(T * H, 1));
    const output = heap.reserve32(T * H);
    const gates = heap.f32(noise(4096, 3));
    const activated = heap.reserve32(4096);
    const arena = heap.scratch(exports.pl_ragged_rnn_scratch(rnn, splits, 1));
    const spent = await compare(
      {
        ...Object.fromEntries(loops.map((n) => [loop(n), () => registers[loop(n)](repeat, 0.5)])),
        product: () => exports.pl_dense(y, x, packed, M, K, N),
        row: () => {
          for (let i = 0; i < 16; i++) exports.pl_dense(y, x, packed, 1, K, N);
        },
        step: () => exports.pl_ragged_rnn(output, 0, 0, input, rnn, 0, splits, 0, H, 1, arena),
        tanh: () => exports.pl_activate(activated, gates, 1, 1, 4096),
        sigmoid: () => exports.pl_activate(activated, gates, 2, 1, 4096),
      },
      { milliseconds: context.quick ? 2000 : 4000 },
    );
    const peak = Math.max(...loops.map((n) => (repeat * n * 4 * 2 * 2) / spent[loop(n)])) / 1e6;
    /** @param {string} name @param {number} operations @param {number} ms */
    const fraction = (name, operations, ms) =>
      context.report({
        bar: 5,
        case: `${name}: ${(operations / ms / 1e6).toFixed(1)} GFLOP/s`,
        build,
        ours_ms: ms,
        peer: `registers, ${peak.toFixed(1)} GFLOP/s`,
        peer_ms: operations / peak / 1e6,
        ratio: operations / ms / 1e6 / peak,
      });
    fraction('product [64,128]x[128,512]', 2 * M * K * N, spent.product);
    fraction('product [1,128]x[128,512]', 2 * K * N, spent.row / 16);
    fraction('LSTM step, D=H=128', 2 * T * (H + H) * 4 * H, spent.step);
    const unit = (1e6 * (3 * spent.sigmoid + 2 * spent.tanh)) / 4096;
    context.report({
      bar: 5,
      case: `activations of an LSTM cell: ${unit.toFixed(2)} ns a unit, ${((unit * peak) / 57).toFixed(2)} at 57 GFLOP/s`,
      build,
      ours_ms: unit / 1e6,
      peer: 'the bar at this rate',
      peer_ms: ((build === 'relaxed' ? 4 : 6) * 57) / peak / 1e6,
      ratio: ((build === 'relaxed' ? 4 : 6) * 57) / peak / unit,
    });
  }
}

/** Bar 6: int8 weights compared with float32 ones in the relaxed build, for the layer alone and from ids to an answer. @param {Context} context */
async function int8(context) {
  for (const { cell, H, T } of shapes(context.quick).filter((shape) => shape.H >= 128 && shape.T === 64))
    for (const whole of [false, true]) {
      const parts = whole ? classifier(cell, H, H) : rnnAlone(cell, H, H);
      const float = (await inBothBuilds(parts)).relaxed;
      const file = toInt8(float);
      const models = { relaxed: await loadModel(file, { simd: 'relaxed' }), baseline: await loadModel(file, { simd: 'baseline' }) };
      const x = noise(T * H, 1);
      const rows = 'V' in parts ? [someIds(T, parts.V)] : [Array.from({ length: T }, (_, t) => x.subarray(t * H, (t + 1) * H))];
      const name = `${cell} H=${H} T=${T}${whole ? ', ids to answer' : ''}, ${(file.length / float.save().length).toFixed(3)} of the bytes`;
      const ours = { relaxed: () => models.relaxed.run(rows), baseline: () => models.baseline.run(rows) };
      await against(context, 6, name, ours, 'float32, relaxed', () => float.run(rows));
    }
}

/** Bar 8: the memory that is used before and after a million answers of mixed lengths. @param {Context} context */
async function memory(context) {
  const model = (await inBothBuilds(classifier('GRU', 16, 16, { V: 300 }))).relaxed;
  const rows = Array.from({ length: 200 }, (_, i) => [someIds(1 + ((i * 7919) % 400), 300)]);
  model.run([someIds(400, 300)]);
  const before = model.stats.memory;
  const count = context.quick ? 20_000 : 1_000_000;
  const begun = performance.now();
  for (let i = 0; i < count; i++)
    model.run(rows[i % rows.length].map((row) => (i % 3 ? row.slice(0, 1 + (row.length >> 4)) : row)));
  const after = model.stats.memory;
  context.report({
    bar: 8,
    case: `${count} answers, 1 to 400 tokens: ${before} bytes after the first longest, ${after} at the end`,
    build: 'relaxed',
    ours_ms: (performance.now() - begun) / count,
    peer: 'bytes now to bytes then',
    peer_ms: 0,
    ratio: after / before,
  });
}

/** @type {Record<number, (context: Context) => Promise<void>>} */
export const bars = {
  1: recurrent,
  2: answers,
  3: batch,
  4: padding,
  5: kernels,
  6: int8,
  8: memory,
  10: (context) => exported(context, mustAgree),
};
