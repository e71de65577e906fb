/**
 * The WebAssembly module: chooses a build, gets its bytes and compiles it. The inlined module is compiled once for all callers.
 * @module
 */
import { ArgumentError, EngineError, LoadError, show } from '../errors.js';
import { checkNode, engineGlobal, kindOf } from './engine.js';
import { importLate } from './import-late.js';

/** @typedef {'baseline' | 'relaxed'} Build  fixed-order SIMD128, or relaxed SIMD (fused multiply-add) */
/** @typedef {'auto' | Build} Simd */
/** @typedef {URL | string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Response} ModuleFile  the wasm file: its address, bytes, or response */
/** @typedef {WebAssembly.Module | ModuleFile} ModuleSource */

// The shortest functions that use i8x16.splat and f32x4.relaxed_madd: an engine without the feature finds them invalid.
const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
const splat = [65, 0, 253, 15];
const usesSimd = Uint8Array.from([...header, 10, 8, 1, 6, 0, ...splat, 11]);
const usesRelaxed = Uint8Array.from([...header, 10, 19, 1, 17, 0, ...splat, ...splat, ...splat, 253, 133, 2, 11]);

/**
 * Which builds this engine runs.
 * @returns {{ baseline: boolean, relaxed: boolean }}
 */
export function features() {
  if (typeof WebAssembly !== 'object') return { baseline: false, relaxed: false };
  return { baseline: WebAssembly.validate(usesSimd), relaxed: WebAssembly.validate(usesRelaxed) };
}

/**
 * @param {Simd} simd
 * @returns {Build}
 */
function chooseBuild(simd) {
  checkNode();
  const has = features();
  if (!has.baseline) {
    throw new EngineError(
      typeof WebAssembly === 'object'
        ? 'this engine has WebAssembly without SIMD; padless needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer'
        : 'this engine has no WebAssembly; padless needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer',
    );
  }
  if (simd === 'auto') return has.relaxed ? 'relaxed' : 'baseline';
  if (simd !== 'baseline' && simd !== 'relaxed') {
    throw new ArgumentError(`simd is ${show(simd)}, expected 'auto', 'baseline' or 'relaxed'`);
  }
  if (simd === 'relaxed' && !has.relaxed) throw new EngineError("this engine has no relaxed SIMD; use simd: 'auto' or 'baseline'");
  return simd;
}

/** The module ../dist/inline.js; null until it is fetched or provided. @type {typeof import('../dist/inline.js') | null} */
let inline = null;

/**
 * Saves the import() of ../dist/inline.js, as provideRareLayers() of ../model/graph.js does for rare layers.
 * @param {typeof import('../dist/inline.js')} module
 */
export const provideInline = (module) => void (inline = module);

/** @type {Map<Build, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/**
 * @param {Build} build
 * @returns {Promise<WebAssembly.Module>}
 */
async function compileInline(build) {
  if (!engineGlobal('DecompressionStream'))
    throw new EngineError('this engine has no DecompressionStream; pass the wasm file as { module }');
  inline ??= await importLate(() => import('../dist/inline.js'));
  const { both, sizes, pieces } = inline;
  const bytes = await inflate(fromBase64(both), sizes.baseline + sizes.relaxed);
  return compile(extractBuild(bytes, sizes, pieces, build));
}

/**
 * @param {ArrayBuffer | ArrayBufferView<ArrayBuffer>} bytes
 * @throws {EngineError} where the engine refuses to compile bytes that are valid
 */
async function compile(bytes) {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    if (!WebAssembly.validate(bytes)) throw cause;
    throw new EngineError(
      `the engine refuses to compile WebAssembly (${/** @type {Error} */ (cause).message}): a policy needs script-src 'wasm-unsafe-eval'; ` +
        'where no bytes are compiled, give a WebAssembly.Module: { module }',
      { cause },
    );
  }
}

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(base64) {
  // Uint8Array.fromBase64 is in ECMAScript 2026 and several times as fast as atob.
  const { fromBase64: native } = /** @type {any} */ (Uint8Array);
  return native ? native.call(Uint8Array, base64) : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/**
 * Feeds the stream directly: a Blob takes browsers through another process, a Response makes Node load all of fetch.
 * @param {Uint8Array<ArrayBuffer>} deflated @param {number} size  of the inflated bytes
 */
async function inflate(deflated, size) {
  const { readable, writable } = new (engineGlobal('DecompressionStream'))('deflate-raw');
  const writer = writable.getWriter();
  // Errors here reject reader.read() as well, which reports them.
  for (const written of [writer.write(deflated), writer.close()]) written.catch(() => {});
  const bytes = new Uint8Array(size);
  const reader = readable.getReader();
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes.set(part.value, at);
    at += part.value.length;
  }
  return bytes;
}

/**
 * Extracts one build from both, which alternate piece by piece, the fixed-order one first (c/inline.js).
 * @param {Uint8Array} bytes @param {Record<Build, number>} sizes @param {number} pieces @param {Build} build
 */
export function extractBuild(bytes, sizes, pieces, build) {
  const wasm = new Uint8Array(sizes[build]);
  const [ours, theirs] = [build, build === 'baseline' ? 'relaxed' : 'baseline'].map((name) =>
    Math.ceil(sizes[/** @type {Build} */ (name)] / pieces),
  );
  for (let i = 0; i < pieces; i++) {
    const end = Math.min(sizes[build], (i + 1) * ours);
    // Bytes of the other build before this piece. Its last pieces may be shorter, or empty.
    const before = build === 'baseline' ? Math.min(sizes.relaxed, i * theirs) : Math.min(sizes.baseline, (i + 1) * theirs);
    wasm.set(bytes.subarray(before + i * ours, before + end), i * ours);
  }
  return wasm;
}

/**
 * @param {ModuleFile} source
 * @returns {Promise<WebAssembly.Module>}
 */
async function compileFrom(source) {
  try {
    const kind = kindOf(source);
    if (ArrayBuffer.isView(source) || kind === 'ArrayBuffer') return await compile(/** @type {ArrayBuffer} */ (source));
    const response = typeof source === 'string' || kind === 'URL' ? await fetch(String(source)) : /** @type {Response} */ (source);
    if (!response.ok) throw new Error(`HTTP status ${response.status} of ${response.url}`);
    return await compile(await response.arrayBuffer());
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new LoadError(`module: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/**
 * The build of a compiled module.
 * @param {WebAssembly.Module} module @param {Simd} simd  what the caller expects
 * @returns {Build}
 * @throws {ArgumentError} for a module that is not padless's, or not the build that is expected
 */
function buildOf(module, simd) {
  let relaxed;
  try {
    relaxed = /** @type {any} */ (new WebAssembly.Instance(module).exports).pl_is_relaxed();
  } catch (cause) {
    throw new ArgumentError('module: this is not the wasm of this version of padless', { cause });
  }
  const build = relaxed ? 'relaxed' : 'baseline';
  if (simd !== 'auto' && simd !== build)
    throw new ArgumentError(`module: this is the ${build} build, but simd is '${simd}'; leave simd out, or give the other file`);
  return build;
}

/**
 * The compiled module: the inlined one, or the caller's own.
 *
 * @param {{ module?: ModuleSource | undefined, simd?: Simd | undefined } | null} [options]
 *   module: a compiled module, or the source of the wasm file; simd: the build; if `module` is given, it must be of this build
 * @returns {Promise<{ module: WebAssembly.Module, build: Build }>}
 * @throws {EngineError} where WebAssembly or SIMD is missing, or a policy forbids compiling
 */
export async function getModule(options) {
  const { module: given, simd = 'auto' } = options ?? {};
  const build = chooseBuild(simd);
  if (given) {
    const isCompiled = kindOf(given) === 'WebAssembly.Module';
    const module = /** @type {WebAssembly.Module} */ (isCompiled ? given : await compileFrom(/** @type {ModuleFile} */ (given)));
    return { module, build: buildOf(module, simd) };
  }
  let promise = compiled.get(build);
  if (!promise) {
    promise = compileInline(build);
    compiled.set(build, promise);
    promise.catch(() => compiled.delete(build));
  }
  return { module: await promise, build };
}
