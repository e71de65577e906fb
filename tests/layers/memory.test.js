/**
 * A call that needs more than WebAssembly's memory throws a MemoryError with the sizes, and leaves the model unchanged.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createModel, init, MemoryError } from 'padless';
import { Heap } from '../../js/runtime/memory.js';
import { getModule } from '../../js/runtime/wasm.js';
import { sequential } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** @param {any[]} layers */
const create = (layers) =>
  createModel({
    architecture: sequential(layers),
    weights,
    simd,
  });
const values = ['InputLayer', { name: 'values', batch_shape: [null, null, 1] }];

/** B rows of one step. @param {number} B */
const rows = (B) => ({ data: new Float32Array(B).fill(0.5), shape: [B, 1, 1] });

test('scratch of more than 4 GiB is refused, and the weights do not change', async () => {
  const config = { name: 'lstm', units: 256 };
  for (const [layer, message] of [
    // 5.4 GB of scratch, which would wrap to 1 GB in 32 bits.
    [['LSTM', config], /^this needs at least 4294967295 bytes of memory beside the \d+ in use; the memory has \d+ and/],
    // Outputs and states alone are more than the 2 GiB that the memory may have.
    [['Bidirectional', { name: 'both', layer: { class_name: 'LSTM', config } }], /^this needs 536010752 bytes of memory beside/],
  ]) {
    const model = await create([values, layer]);
    const before = model.run(rows(1));
    assert.throws(() => model.run(rows(523_448)), says(MemoryError, /** @type {RegExp} */ (message)));
    assert.deepEqual(model.run(rows(1)), before);
  }
});

test('a size that JavaScript or C computed is reserved in full or refused', async () => {
  const { module } = await getModule({ simd });
  const heap = new Heap(module);
  heap.scoped(() => {
    for (const [bytes, named] of [
      [-1, 'at least 4294967295'], // SIZE_MAX as WebAssembly returns it
      [-(2 ** 31), '2147483648'],
      [2 ** 32 + 16, '4294967312'],
      [2 ** 40, '1099511627776'],
    ]) {
      const { top } = heap;
      assert.throws(() => heap.reserve(Number(bytes)), says(MemoryError, new RegExp(`needs ${named} bytes`)));
      assert.equal(heap.top, top);
    }
    // As an unsigned number, -16 elements are 2^32 - 16 elements, so 2^34 - 64 bytes.
    assert.throws(() => heap.reserve32(-16), says(MemoryError, /needs 17179869120 bytes/));
    assert.throws(() => heap.reserve(NaN), MemoryError);
    const pointer = heap.reserve(100);
    assert.equal(pointer % 16, 0);
    assert.equal(heap.top, pointer + 112);
  });
});

test('the memory grows by as many pages as are needed', async () => {
  const { module } = await getModule({ simd });
  const page = 65536;
  for (const pages of [1, 20, 300])
    for (const more of [-16, 0, 16, 32]) {
      const heap = new Heap(module);
      heap.reserve(heap.size - heap.top + pages * page + more);
      assert.ok(heap.size >= heap.top && heap.size - heap.top < page, `${heap.size} bytes for ${heap.top}`);
    }
});

test('a small weight that a layer repeats for each feature is refused before it fills the memory', async () => {
  const wide = ['InputLayer', { name: 'values', batch_shape: [null, 1000, 2 ** 22] }];
  for (const layer of [
    ['BatchNormalization', { name: 'norm', axis: 1 }],
    ['PReLU', { name: 'prelu', shared_axes: [2] }],
  ])
    await assert.rejects(create([wide, layer]), says(MemoryError, /needs 16777216000 bytes/));
});

test('the kernels refuse sizes that C would read as negative', async () => {
  const kernels = await init({ simd });
  for (const shape of [
    [2 ** 31, 0, 0],
    [0, 2 ** 32, 1],
  ])
    assert.throws(
      () => kernels.maskedSum({ data: [], shape }),
      says(MemoryError, /needs an array of \d+ values; memory holds at most 2\^30/),
    );
});

test('a run that fails leaves the states of a stateful layer as they were', async () => {
  const layers = [
    values,
    ['LSTM', { name: 'lstm', units: 3, stateful: true, return_sequences: true }],
    ['UpSampling1D', { name: 'longer', size: 2 ** 15 }],
    ['UpSampling1D', { name: 'longest', size: 2 ** 15 }],
    ['padless>MaskedMax', { name: 'max' }],
  ];
  const model = await create(layers);
  const lstm = /** @type {import('padless/layers').LSTM} */ (model.root.all().find(({ name }) => name === 'lstm'));
  const none = { data: new Float32Array(0), shape: [1, 0, 1] };
  model.run(none);
  const before = lstm.kept;
  assert.ok(before);
  assert.throws(() => model.run(rows(1)), MemoryError);
  assert.equal(lstm.kept, before);
  model.resetState();
  assert.throws(() => model.run(rows(1)), MemoryError);
  assert.equal(lstm.kept, null);
});

test(
  'if the engine has no memory for another instance, init() throws a MemoryError, and existing instances still work',
  { skip: process.platform !== 'linux' && 'limits the addresses of a process with ulimit -v' },
  () => {
    const script = `
      const { init } = await import(${JSON.stringify(new URL('../../js/index.js', import.meta.url).href)});
      const all = [];
      let error;
      while (!error) await init({ simd: 'baseline' }).then((pl) => all.push(pl), (reason) => (error = reason));
      console.log(error.name, error.message, all.length > 0);
      // After the first call the memory is large and cannot be replaced by a smaller one.
      for (const length of [12_000_000, 5])
        console.log(all[0].maskedSum({ data: new Float32Array(length).fill(1), shape: [1, length, 1] }).data[0]);`;
    const command = `ulimit -v 60000000; exec "${process.execPath}" --input-type=module -e "$SCRIPT"`;
    const out = execFileSync('sh', ['-c', command], { encoding: 'utf8', env: { ...process.env, SCRIPT: script } });
    assert.match(out, /^MemoryError the engine has no memory for another WebAssembly instance; .* true\n12000000\n5\n$/);
  },
);

test('a batch that needs much memory gives it back, and the next answer is that of before', async () => {
  const model = await create([values, ['Dense', { name: 'dense', units: 2 }]]);
  const [before] = model.run(rows(3));
  const { memory } = model.stats;
  const most = 33 * 2 ** 20; // some of it is kept for the next call
  assert.equal(model.run(rows(4_000_000))[0].data.length, 8_000_000);
  assert.ok(model.stats.memory < memory + most, `${model.stats.memory} bytes, ${memory} before`);
  assert.deepEqual(model.run(rows(3)), [before]);
});

test('a session that plans to refresh itself does not keep the process alive', async () => {
  const embedding = ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true }];
  const session = (await create([embedding, ['GRU', { name: 'gru', units: 3 }]])).session({ tolerance: 2 });
  const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const before = timers();
  // From the third step on the states differ by less than the tolerance, so the answer is to be made exact later.
  for (const id of [4, 5]) session.run([...new Array(60).keys()].map((t) => (t === 2 ? id : 3)));
  assert.equal(timers(), before);
  session.close();
});
