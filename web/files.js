/**
 * A model out of files that somebody chose or dropped. They are read here; nothing is sent anywhere.
 */
import { loadModel } from 'padless';
import { say } from './language.js';

/** @typedef {import('padless').Model} Model */

/** More than a model's folder holds. */
const MOST = 1000;

/** @param {FileSystemEntry | null} entry @param {File[]} files */
async function walk(entry, files) {
  if (!entry || files.length >= MOST) return;
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
    for (const each of entries) await walk(each, files);
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
  for (const entry of entries) await walk(entry, files);
  return files;
}

/** @param {File} file @returns {Promise<'tfjs' | 'tokenizer' | 'keras' | null>} what a JSON file is */
async function kindOf(file) {
  if (!/\.json$/i.test(file.name)) return null;
  const text = await file.text();
  if (text.includes('"modelTopology"')) return 'tfjs';
  if (/"class_name":\s*"Tokenizer"/.test(text)) return 'tokenizer';
  return text.includes('class_name') ? 'keras' : null;
}

/**
 * @param {File[]} files  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @returns {Promise<{ name: string, model: Model }>}
 */
export async function openModel(files) {
  const kinds = await Promise.all(files.map(kindOf));
  /** @param {RegExp} pattern */
  const named = (pattern) => files.find(({ name }) => pattern.test(name));
  /** @param {'tfjs' | 'tokenizer' | 'keras'} kind */
  const json = (kind) => files[kinds.indexOf(kind)];
  const safetensors = named(/\.safetensors$/i);
  if (safetensors) {
    try {
      return { name: safetensors.name, model: await loadModel(safetensors) };
    } catch (error) {
      if (/no padless metadata/.test(String(error))) throw new Error(say('state'), { cause: error });
      throw error;
    }
  }
  const [tokenizer, labels] = await Promise.all([json('tokenizer')?.text(), named(/^labels.*\.txt$/i)?.text()]);
  const options = {
    ...(tokenizer !== undefined && { tokenizer }),
    ...(labels !== undefined && { labels: labels.split(/\r?\n/).filter((label) => label !== '') }),
  };
  const { fromKeras, fromTfjs } = await import('padless/import');
  const tfjs = json('tfjs');
  if (tfjs) {
    const byName = Object.fromEntries(files.map((file) => [file.webkitRelativePath || file.name, file]));
    for (const [name, file] of Object.entries(byName)) if (file === tfjs) delete byName[name];
    return { name: tfjs.name, model: await fromTfjs({ ...byName, 'model.json': tfjs }, options) };
  }
  const hdf5 = named(/\.(h5|hdf5)$/i);
  const keras = named(/\.keras$/i) ?? json('keras') ?? hdf5;
  if (!keras)
    throw new Error(
      say('noFiles', {
        names: files
          .map(({ name }) => name)
          .slice(0, 10)
          .join(', '),
      }),
    );
  const weights = keras === json('keras') ? hdf5 : undefined;
  return { name: keras.name, model: await fromKeras(keras, { ...options, ...(weights && { weights }) }) };
}
