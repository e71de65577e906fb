/**
 * Input of the importers: one file, or several that belong together.
 * @module
 */
import { ArgumentError, LoadError, ModelFileError, UnsupportedError } from '../errors.js';
import { butIs } from '../file/kinds.js';
import { builtin, encodeText, kindOf, textDecoder } from '../runtime/engine.js';
import { parseJson as parseBounded } from '../file/safetensors.js';
import { readSource } from '../file/read-source.js';
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('../file/read-source.js').ReadOptions} ReadOptions */
/**
 * One file, in any form that loadModel accepts; a folder (a path or URL that ends in /); or several files: an object from names to files, or a
 * list of File.
 * @typedef {ModelSource | Record<string, ModelSource> | ArrayLike<Blob>} FilesSource
 */

const JSON_START = Uint8Array.of(123);

/** Maximum size of a JSON text, in bytes. */
export const JSON_MOST = 64_000_000;
/** Maximum number of values in a JSON text. A Keras Tokenizer has five for each word. */
const VALUES_MOST = 2 ** 22;

/** @param {unknown} source @returns {source is ModelSource} */
export const isSource = (source) =>
  typeof source === 'string' ||
  ArrayBuffer.isView(source) ||
  ['URL', 'Blob', 'File', 'Response', 'ArrayBuffer'].includes(kindOf(source));

/** @param {unknown} source @returns {source is URL} */
const isUrl = (source) => kindOf(source) === 'URL';
/** @param {unknown} source @returns {source is Response} */
const isResponse = (source) => kindOf(source) === 'Response';
/** @param {unknown} source @returns {source is Blob} */
const isBlob = (source) => ['Blob', 'File'].includes(kindOf(source));

const FILES_MOST = 10_000;

/** @param {unknown} file */
const pathOf = (file) => String(/** @type {any} */ (file)?.webkitRelativePath || /** @type {any} */ (file)?.name || '');
/** @param {string} path */
const baseName = (path) => path.slice(path.lastIndexOf('/') + 1);

/** The file name of a source, for messages. @param {any} source */
export const fileNameOf = (source) =>
  baseName(String(typeof source === 'string' ? source : isUrl(source) ? source.pathname : (source?.name ?? 'the file')));

/**
 * Path -> file. If two files have the same path, the last one is taken.
 * @param {Record<string, ModelSource> | ArrayLike<Blob>} files
 * @returns {Map<string, ModelSource>}
 * @throws {ArgumentError} if `files` is not an object
 */
export function filesByPath(files) {
  if (files === null || typeof files !== 'object')
    throw new ArgumentError('a model is given as a URL, a path, bytes, a Response, a Blob or File, or several files by name');
  const list =
    'length' in files && Number(files.length) <= FILES_MOST
      ? Array.from(/** @type {ArrayLike<Blob>} */ (files), (file) => [pathOf(file), file])
      : Object.entries(files);
  return new Map(/** @type {[string, ModelSource][]} */ (list));
}

/** Bytes at the start of a file from which its format is recognised. They include the first entry of a zip. */
const HEAD = 200;

/** A file whose format is not known yet. It is read once, when its content is first needed. */
export class InputFile {
  /** @type {Promise<Uint8Array<ArrayBuffer>> | undefined} */
  #bytes;
  /** @type {Promise<any> | undefined} */
  #json;

  /**
   * @param {ModelSource} source
   * @param {ReadOptions} options
   * @param {string} [path]  its path, if it is one of several files
   */
  constructor(source, options, path) {
    this.source = source;
    this.options = options;
    /** The file name, without folders. */
    this.name = path === undefined ? fileNameOf(source) : baseName(path);
    this.path = path ?? this.name;
    /** The names in this folder of the local disk; null for a file. @type {string[] | null} */
    this.folder = null;
  }

  /** @param {readonly string[]} extensions  in lower case */
  hasExtension(extensions) {
    const name = this.name.toLowerCase();
    return extensions.some((extension) => name.endsWith(extension));
  }

  /** Sets `folder` if the source is a folder on the local disk. */
  async lookForFolder() {
    const files = builtin('node:fs');
    const { source } = this;
    if (files && (typeof source === 'string' || isUrl(source)))
      this.folder = await files.promises.readdir(source).catch(() => null);
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer>>} */
  bytes() {
    // A Response can be read only once. A clone is read here, because an importer may read the source again.
    return (this.#bytes ??= readSource(isResponse(this.source) ? this.source.clone() : this.source, this.options));
  }

  /** The first bytes of the file. Of a Blob or File, only these are read. @returns {Promise<Uint8Array>} */
  async head() {
    if (isBlob(this.source) && !this.#bytes) return readSource(this.source.slice(0, HEAD), this.options);
    return (await this.bytes()).subarray(0, HEAD);
  }

  /**
   * The parsed content of a JSON file. An object that was stored as a JSON string, as json.dump(model.to_json()) does, is parsed twice.
   * @returns {Promise<any>} undefined if neither the name nor the first character is that of a JSON file
   * @throws {ModelFileError} for JSON that is broken or too large
   */
  json() {
    return (this.#json ??= this.#readJson());
  }

  async #readJson() {
    if (!this.hasExtension(['.json']) && !/^\ufeff?\s*["{]/.test(textDecoder().decode(await this.head()))) return undefined;
    const json = parseJson(await this.bytes(), this.name);
    return typeof json === 'string' ? parseJson(encodeText(json), this.name) : json;
  }
}

/** The scheme of a URL. It has at least two letters, because C:\model is a path. */
const scheme = /^[a-z][a-z0-9+.-]+:/i;

/**
 * The file with this path; otherwise the file with the same name in another folder, if there is only one.
 * @param {Map<string, ModelSource>} files
 * @param {string} path
 * @returns {ModelSource | undefined}
 */
function findIn(files, path) {
  const own = files.get(path);
  if (own !== undefined) return own;
  const alike = [...files].filter(([name]) => baseName(name) === baseName(path));
  return alike.length === 1 ? alike[0][1] : undefined;
}

/** The first names of files, for messages. @param {Map<string, ModelSource>} files */
const listed = (files) => [...files.keys()].slice(0, 20).join(', ') || '(none)';

/** Files that belong together: the main file, which the caller gives, and the files beside it. */
export class Files {
  /** Files by name; null if files are looked up beside the main file. @type {Map<string, ModelSource> | null} */
  #named = null;
  /** @type {ModelSource | null} */
  #main = null;
  /** The parts of an address before and after the name of a file beside the main one. @type {[string, string] | null} */
  #beside = null;

  /**
   * @param {FilesSource} source
   * @param {ReadOptions} options
   */
  constructor(source, options) {
    this.options = options;
    if (isSource(source)) {
      this.#main = source;
      const address = typeof source === 'string' ? source : isUrl(source) ? source.href : isResponse(source) ? source.url : '';
      // A local path may contain any character. In a URL, the query after ? and the fragment after # do not belong to the name.
      const isPath = typeof source === 'string' && !scheme.test(address) && globalThis.process?.getBuiltinModule;
      const [whole, path, query = ''] = /** @type {string[]} */ (/^([^?#]*)(\?[^#]*)?/.exec(address));
      if (isPath) this.#beside = [address.slice(0, 1 + Math.max(address.lastIndexOf('/'), address.lastIndexOf('\\'))), ''];
      else if (whole) this.#beside = [path.slice(0, path.lastIndexOf('/') + 1), query];
    } else this.#named = filesByPath(source);
  }

  /**
   * Reads the main file, which describes the model.
   * @param {string} name  its name in a folder or among several files
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async main(name) {
    const [named, source] = [this.#named, this.#main];
    if (named?.size === 1) return readSource([...named.values()][0], this.options);
    if (named) {
      const found = findIn(named, name);
      if (found === undefined) throw new LoadError(`${name} is not among the files ${listed(named)}`);
      return readSource(found, this.options);
    }
    if (!ArrayBuffer.isView(source) && /\/(\?|#|$)/.test(String(source))) return this.beside(name);
    try {
      return await readSource(/** @type {ModelSource} */ (source), this.options);
    } catch (error) {
      // The path is that of a local folder.
      if (/** @type {any} */ (error)?.cause?.code !== 'EISDIR') throw error;
      this.#beside = [`${String(source)}/`, ''];
      return this.beside(name);
    }
  }

  /**
   * Reads a file beside the main one.
   * @param {string} path  as the main file states it: relative, and inside the same folder
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async beside(path) {
    if (/^([a-z][a-z0-9+.-]*:|[/\\])|(^|[/\\])\.\.([/\\]|$)/i.test(path))
      throw new ModelFileError(`the file refers to ${JSON.stringify(path.slice(0, 200))}, which is outside of its folder`);
    if (this.#named) {
      const found = findIn(this.#named, path);
      if (found === undefined) throw new LoadError(`${path} is missing; given are ${listed(this.#named)}`);
      return readSource(found, this.options);
    }
    if (!this.#beside)
      throw new LoadError(`${path} is missing: no other file can be found beside bytes, so give all files by name`);
    const [before, after] = this.#beside;
    return readSource(before + (scheme.test(before) ? encodeURI(path) : path) + after, this.options);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {string} what  for the error
 * @returns {any}
 */
export function parseJson(bytes, what) {
  if (bytes.length > JSON_MOST) throw new ModelFileError(`${what}: ${bytes.length} bytes of JSON, at most ${JSON_MOST} are read`);
  const decoder = textDecoder('utf-8', { fatal: true });
  try {
    return parseBounded(() => decoder.decode(bytes), `${what}: ${bytes.length} bytes that are`, VALUES_MOST, false);
  } catch (error) {
    const kind = butIs(bytes);
    if (error instanceof ModelFileError && kind !== butIs(JSON_START)) error.message += kind;
    throw error;
  }
}

/**
 * A package that only some files need: its exports, or a function that returns them or a promise of them.
 * @template T
 * @typedef {T | (() => T | Promise<T>)} Given
 */
/**
 * Packages that the caller provides, for environments in which padless cannot import them by name.
 * @typedef {object} Packages
 * @property {Given<{ ready: Promise<any>, File: any }>} [h5wasm]
 * @property {Given<{ unzipSync: any }>} [fflate]
 * @property {Given<{ PbfReader: any }>} [pbf]
 */

/**
 * Imports an optional package, or takes the one that the caller provides.
 * @template T
 * @param {string} name
 * @param {keyof T} needed  an export that the package must have
 * @param {string} task  what needs the package, for the error
 * @param {Given<T> | undefined} given
 * @param {(absent: (cause: unknown) => never) => Promise<T>} load
 *   called if none is given: import(name).catch(absent), a form from which bundlers see that the package is optional
 * @returns {Promise<T>}
 * @throws {UnsupportedError} if the package is not installed
 */
export async function optionalPackage(name, needed, task, given, load) {
  /** @param {unknown} cause @returns {never} */
  const absent = (cause) => {
    const other = given === undefined ? `, or give it: { packages: { ${name} } }` : '';
    // A .keras file is a zip that contains an HDF5 file, so it needs both packages.
    const both = name === 'fflate' ? 'h5wasm fflate' : name;
    throw new UnsupportedError(`${task} needs the package ${name}, which is missing: npm install -D ${both}${other}`, { cause });
  };
  const importing = async () => (typeof given === 'function' ? /** @type {() => any} */ (given)() : given);
  const module = await (given === undefined ? load(absent) : importing().catch(absent));
  if (!module?.[needed])
    throw new ArgumentError(`packages: ${name} is not the exports of that package: it has no ${String(needed)}`);
  return module;
}
