/**
 * Runs each C test of tests/kernels/*.c as a Node test. They are compiled with the kernels and their twins into one module per build.
 * PADLESS_SIMD=baseline|relaxed picks the build; without it both run, relaxed where the engine has it.
 * PADLESS_SEED sets the seed of the random data, which is printed.
 */
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const seed = Number(process.env.PADLESS_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
console.log(`PADLESS_SEED=${seed}`);

const files = { baseline: 'kernels.wasm', relaxed: 'kernels.relaxed.wasm' };

/** @param {'baseline' | 'relaxed'} build */
const bytesOf = (build) => readFileSync(new URL(`../../build/test/${files[build]}`, import.meta.url));

/** @returns {('baseline' | 'relaxed')[]} */
function buildsToRun() {
  const asked = process.env.PADLESS_SIMD;
  if (asked === 'baseline' || asked === 'relaxed') return [asked];
  assert.equal(asked, undefined, `PADLESS_SIMD is ${asked}, expected baseline or relaxed`);
  return WebAssembly.validate(bytesOf('relaxed')) ? ['baseline', 'relaxed'] : ['baseline'];
}

/** @param {WebAssembly.Module} module */
function instantiate(module) {
  const exports = /** @type {Record<string, any>} */ (new WebAssembly.Instance(module, {}).exports);
  exports._initialize();
  exports.test_seed(seed);
  return exports;
}

/**
 * A zero-terminated string in the module's memory.
 * @param {Record<string, any>} exports
 * @param {number} pointer
 */
function textAt(exports, pointer) {
  const bytes = new Uint8Array(exports.memory.buffer, pointer);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

for (const build of buildsToRun()) {
  describe(`kernels, ${build} build`, () => {
    const module = new WebAssembly.Module(bytesOf(build));
    test('the module imports nothing', () => assert.deepEqual(WebAssembly.Module.imports(module), []));
    let exports = instantiate(module);
    const count = exports.test_count();
    assert.ok(count > 0, 'the module holds no test');
    for (let index = 0; index < count; index++) {
      test(textAt(exports, exports.test_name(index)), () => {
        let failed;
        try {
          failed = exports.test_run(index);
        } catch (error) {
          exports = instantiate(module); // after a trap the state of the instance is undefined
          throw error;
        }
        if (failed) assert.fail(`${textAt(exports, exports.test_message())} (PADLESS_SEED=${seed})`);
      });
    }
  });
}
