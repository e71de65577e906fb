/**
 * Reads a file from any source.
 * @module
 */
import { ArgumentError, LoadError, PadlessError, show, typeName } from '../errors.js';
import { builtin, checkNode, kindOf } from '../runtime/engine.js';

/**
 * @typedef {object} ReadOptions
 * @property {AbortSignal} [signal]
 * @property {(progress: { loaded: number, total: number | null }) => void} [onProgress]  called with the number of bytes read
 * @property {RequestInit} [fetch]  options for fetch: integrity, credentials, headers
 */
/** @typedef {URL | string | Blob | Response | ArrayBuffer | ArrayBufferView<ArrayBuffer>} ModelSource */

/**
 * Reads the bytes of a file.
 * @param {ModelSource} source  a URL, a path (in Node), bytes, a Response, a Blob or File
 * @param {ReadOptions | null} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {LoadError} if the file cannot be read, or is a Git LFS pointer
 */
export async function readSource(source, options) {
  const bytes = await readBytes(source, options);
  // In a clone made without Git LFS, any file may be a pointer: a model, weights, a tokenizer.
  if (bytes.length < 1024 && String.fromCharCode(...bytes.subarray(0, 27)) === 'version https://git-lfs.git')
    throw new LoadError(`${addressOf(source)}: a Git LFS pointer instead of the file; run git lfs pull to fetch it`);
  return bytes;
}

/** @param {any} source */
const addressOf = (source) =>
  typeof source === 'string' || kindOf(source) === 'URL' ? String(source) : source.name || source.url || 'the file';

/**
 * @param {ModelSource} source
 * @param {ReadOptions | null} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readBytes(source, options) {
  const { signal, onProgress, fetch: init } = options ?? {};
  if ((signal ?? null) !== null && typeof signal?.throwIfAborted !== 'function')
    throw new ArgumentError(`signal is ${show(signal)}, expected an AbortSignal`);
  if ((onProgress ?? null) !== null && typeof onProgress !== 'function')
    throw new ArgumentError(`onProgress is ${show(onProgress)}, expected a function`);
  signal?.throwIfAborted();
  let name = 'the file';
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    const kind = kindOf(source);
    if (kind === 'ArrayBuffer') return new Uint8Array(/** @type {ArrayBuffer} */ (source));
    if (kind === 'Blob' || kind === 'File') return new Uint8Array(await readBlob(/** @type {Blob} */ (source)));
    if (kind === 'Response') return await readResponse(/** @type {Response} */ (source), onProgress);
    if (kind !== 'URL' && typeof source !== 'string')
      throw new ArgumentError(`the source is ${typeName(source)}, expected a URL, a path, bytes, a Response, a Blob or a File`);
    checkNode();
    name = String(source);
    // A scheme has at least two letters: C:\model is a path.
    const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(name)?.[1].toLowerCase();
    const files = builtin('node:fs');
    if (files && (scheme === 'file' || !scheme))
      return new Uint8Array(await files.promises.readFile(scheme ? new URL(name) : name, { signal }));
    return await readResponse(await fetch(name, { ...init, signal: signal ?? null }), onProgress);
  } catch (cause) {
    if (signal?.aborted || cause instanceof PadlessError) throw cause;
    const { message, cause: reason } = /** @type {any} */ (cause);
    // In Node, fetch() says only that it failed.
    throw new LoadError([name, message, reason?.message || reason?.code].filter(Boolean).join(': '), { cause });
  }
}

/** @param {Blob} blob @returns {Promise<ArrayBuffer>} */
function readBlob(blob) {
  if (typeof blob.arrayBuffer === 'function') return blob.arrayBuffer();
  // jsdom's Blob lacks arrayBuffer().
  return new Promise((resolve, reject) => {
    const reader = new /** @type {any} */ (globalThis).FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}

/**
 * @param {Response} response
 * @param {ReadOptions['onProgress']} onProgress
 */
async function readResponse(response, onProgress) {
  if (!response.ok) throw new LoadError(`${response.url || 'response'}: HTTP status ${response.status} while fetching the model`);
  if (!onProgress || !response.body) return new Uint8Array(await response.arrayBuffer());
  const total = Number(response.headers.get('content-length')) || null;
  let loaded = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.length;
      onProgress({ loaded, total });
      controller.enqueue(chunk);
    },
  });
  return new Uint8Array(await new Response(response.body.pipeThrough(counted)).arrayBuffer());
}
