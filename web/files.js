/**
 * A model out of files that somebody chose or dropped. They are read in a worker of the page; nothing is sent anywhere.
 */
import { addFetched } from './download.js';
import { say } from './language.js';

/** More than a model's folder holds. */
const MAX_FILES = 1000;

/** @param {FileSystemEntry | null} entry @param {File[]} files */
async function collectFiles(entry, files) {
  if (!entry || files.length >= MAX_FILES) return;
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)));
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  // A hundred at a time, until there are none.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const each of entries) await collectFiles(each, files);
  }
}

/**
 * Every file that was dropped, those in folders too.
 * @param {DataTransfer | null} transfer
 * @returns {Promise<File[]>}
 */
export async function filesOf(transfer) {
  if (!transfer) return [];
  const given = [...transfer.files];
  // Asked for before anything is awaited: then the list is gone.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return given;
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) await collectFiles(entry, files);
  return files;
}

/** Names of the page's import map, which the worker has not. */
const readerPackages = /** @type {const} */ (['padless', 'padless/import', 'fflate', 'h5wasm']);
/** @typedef {(typeof readerPackages)[number]} Package */
/** @typedef {{ name: string, bytes: Uint8Array<ArrayBuffer> }} Read  a padless file, and the name of what it was made of */

/** Started before it is needed. @type {Worker | null} */
let waiting = null;

/** @param {Worker} worker @param {import('./reader.js').Given[]} [given] */
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

/** Fetches what reads other people's models. */
export function prepareReader() {
  if (waiting) return;
  waiting = startReader();
  postFiles(waiting);
}

/**
 * Makes a padless file of a model's files, in a worker that ends with it.
 * @param {File[]} files  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @param {AbortSignal} signal  ends the worker, whatever it is at
 * @returns {Promise<Read | null>} null: none of them is a model
 * @throws {Error} by the name and with the message that it had in the worker
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
