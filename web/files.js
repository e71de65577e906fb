/**
 * Reads a model from files that the user chose or dropped. A worker of the page reads them; nothing is sent to a server.
 */
import { addFetched } from './download.js';
import { say } from './language.js';

/** Maximum number of files taken from dropped folders. A model's folder holds fewer. */
const MAX_FILES = 1000;

/** Adds a file, or all files of a folder and its subfolders. @param {FileSystemEntry | null} entry @param {File[]} files */
async function collectFiles(entry, files) {
  if (!entry || files.length >= MAX_FILES) return;
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)));
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  // readEntries gives up to 100 entries a call, and none at the end.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const each of entries) await collectFiles(each, files);
  }
}

/**
 * All files that were dropped, including those in dropped folders.
 * @param {DataTransfer | null} transfer
 * @returns {Promise<File[]>}
 */
export async function filesOf(transfer) {
  if (!transfer) return [];
  const given = [...transfer.files];
  // Take the entries before the first await: the browser empties the list after the event.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return given;
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) await collectFiles(entry, files);
  return files;
}

/** Names in the page's import map that the worker needs. Import maps do not apply in workers, so the page sends it their addresses. */
const readerPackages = /** @type {const} */ (['padless', 'padless/import', 'fflate', 'h5wasm', 'pbf']);
/** @typedef {(typeof readerPackages)[number]} Package */
/** @typedef {{ name: string, bytes: Uint8Array<ArrayBuffer> }} Read  name: of the file that was read; bytes: the model as a .safetensors file */

/** A worker that prepareReader started ahead of need. @type {Worker | null} */
let waiting = null;

/** Sends a worker the addresses of the packages, and the files to read, if any. @param {Worker} worker @param {import('./reader.js').Given[]} [given] */
function postFiles(worker, given) {
  const addresses = Object.fromEntries(readerPackages.map((name) => [name, import.meta.resolve(name)]));
  worker.postMessage({ addresses, given });
}

function startReader() {
  const worker = new Worker(new URL('./reader.js', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }) => addFetched(data.fetched));
  worker.addEventListener('error', () => {
    if (waiting === worker) waiting = null;
  });
  return worker;
}

/** Starts a worker that fetches the importers, so that the first file is read sooner. */
export function prepareReader() {
  if (waiting) return;
  waiting = startReader();
  postFiles(waiting);
}

/**
 * Converts a model's files to one .safetensors file, in a worker that is terminated afterwards.
 * @param {File[]} files  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @param {AbortSignal} signal  terminates the worker at once
 * @returns {Promise<Read | null>} null if none of the files is a model
 * @throws {Error} with the name and message of the error in the worker
 */
export async function readModel(files, signal) {
  const worker = waiting ?? startReader();
  waiting = null;
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      worker.addEventListener('error', ({ message }) => reject(new Error(message || say('noReader'))));
      worker.addEventListener('message', ({ data: { found, error } }) => {
        if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
        else if (found !== undefined) resolve(found);
      });
      postFiles(
        worker,
        files.map((file) => ({ path: file.webkitRelativePath || file.name, file })),
      );
    });
  } finally {
    worker.terminate();
  }
}
