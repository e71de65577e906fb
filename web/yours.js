/**
 * The section "Your model": reads a model from files that the user drops or chooses, in a worker, and answers what is typed into the box.
 */
import { loadModel } from 'padless';
import { attach } from 'padless/dom';
import { answerNodes } from './answer.js';
import { find, findInput } from './elements.js';
import { filesOf, prepareReader, readModel } from './files.js';
import { format, onLanguage, say } from './language.js';
import { isServed } from './served.js';
import { tensorNodes } from './tensors.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {{ name: string, model: Model }} Opened  name: of the file that the model came from */

/** Milliseconds of reading after which the status adds that a damaged file may never finish. */
const SLOW_MS = 4000;

/** Optional packages, and the file types that need each of them. */
const fileTypes = { fflate: ['.keras'], h5wasm: ['.keras', '.h5'], pbf: ['.onnx'] };

/** The token ids in a text. @param {string} text @throws {Error} if one of its words is not an integer of at least 0 */
function idsOf(text) {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const wrong = words.find((word) => !/^\d+$/.test(word));
  if (wrong !== undefined) throw new Error(say('noId', { word: wrong.slice(0, 40) }));
  return words.map(Number);
}

/** @param {unknown} error  null: hides the message */
function showReadError(error) {
  find('yours-error').hidden = error === null;
  find('yours-error').textContent = error === null ? '' : error instanceof Error ? error.message : String(error);
}

/** @param {string[]} missing  packages */
function showMissing(missing) {
  find('missing').hidden = missing.length === 0;
  const kinds = new Set(missing.flatMap((name) => fileTypes[/** @type {keyof typeof fileTypes} */ (name)]));
  find('missing').textContent = say('missing', { names: missing.join(', '), kinds: [...kinds].join(', ') });
}

/** Says whether padding changes a model's answers. @param {Model} model */
function aboutPadding({ readsPadding, inputs, text }) {
  if (readsPadding.length) return say('padReads', { layers: readsPadding.join(', ') });
  const length = text ? text.paddingIsData && text.length : inputs.find(({ exact }) => exact)?.shape[0];
  if (!length) return say('padSame');
  const side = text ? (text.padding === 'pre' ? 'padFront' : 'padBehind') : 'padAsTrained';
  return say('padZeros', { length, side: say(side) });
}

/** The code with which users run the saved model in their own page. @param {Opened} opened */
function codeFor({ name, model }) {
  const input = model.inputs.length === 1 && model.inputs[0].ids ? '[[1, 2, 3]]' : '{ … }';
  return [
    `import { loadModel } from 'padless';`,
    `const model = await loadModel('${savedName(name)}');`,
    model.text ? `console.log(model.predict('a text'));` : `console.log(model.run(${input}));`,
  ].join('\n');
}

/** Shows a model's facts, and its text box if one box can hold its input. @param {Opened} opened */
function describeModel({ name, model }) {
  const [input] = model.inputs;
  const one = model.inputs.length === 1 && input.ids;
  find('yours-model').hidden = false;
  find('yours-name').textContent = name;
  find('yours-lines').textContent = codeFor({ name, model });
  find('yours-facts').textContent = say('facts', {
    parameters: format(model.parameters),
    inputs: say(model.text ? 'inputText' : one ? 'inputIds' : 'inputValues'),
    build: model.simd,
  });
  find('yours-padding').textContent = aboutPadding(model);
  find('yours-box').hidden = !one;
  find('yours-label').textContent = say(model.text ? 'typeText' : 'typeIds');
  find('yours-hint').hidden = Boolean(model.text);
  const shapes = model.inputs.map((each) => `${each.name} [${each.shape.map((length) => length ?? 'T').join(', ')}]`);
  find('yours-hint').textContent = one
    ? say('idsHint', { most: input.vocabulary - 1 })
    : say('noBox', { inputs: shapes.join(', ') });
}

/** Answers the text of the box at every keystroke. @param {HTMLTextAreaElement} box @param {Model} model */
function answerTyping(box, model) {
  /** @type {any} */
  const answering = model.text ? model : { predict: (/** @type {string} */ text) => (text.trim() ? model.run([idsOf(text)]) : []) };
  return attach(box, answering, {
    onAnswer(answer, { text, ms }) {
      showReadError(null);
      const nodes = model.text ? answerNodes(answer, { text }) : tensorNodes(/** @type {any} */ (answer), model);
      find('yours-answer').replaceChildren(...(text.trim() === '' ? [] : nodes));
      find('yours-time').textContent = text.trim() === '' ? '' : `${ms.toFixed(1)} ms`;
    },
    onError(error) {
      // The answer on display belongs to an earlier text.
      find('yours-answer').replaceChildren();
      find('yours-time').textContent = '';
      showReadError(error);
    },
  });
}

/** Reads the files that the user chooses with the two buttons. @param {(files: File[]) => Promise<void>} read */
function onChosen(read) {
  for (const id of ['files', 'folder'])
    findInput(id).addEventListener('change', ({ target }) => {
      const input = /** @type {HTMLInputElement} */ (target);
      void read([...(input.files ?? [])]);
      // Without this, choosing the same file again fires no change event.
      input.value = '';
    });
}

/** Fetches the files of a sample and reads them. @param {(files: File[]) => Promise<void>} read */
function onSample(read) {
  for (const button of find('samples').querySelectorAll('button'))
    button.addEventListener('click', async () => {
      try {
        const names = (button.dataset.sample ?? '').split(' ');
        const files = names.map(async (name) => {
          const response = await fetch(new URL(`samples/${name}`, document.baseURI));
          if (!response.ok) throw new Error(say('noSample', { name }));
          return new File([await response.blob()], name);
        });
        await read(await Promise.all(files));
      } catch (error) {
        showReadError(error);
      }
    });
}

/** Reads the files that the user drops. @param {HTMLElement} panel @param {(files: File[]) => Promise<void>} read */
function onDropped(panel, read) {
  const drop = find('drop');
  addEventListener('dragover', () => drop.classList.add('over'));
  addEventListener('dragleave', () => drop.classList.remove('over'));
  addEventListener('drop', async (event) => {
    drop.classList.remove('over');
    const files = await filesOf(event.dataTransfer);
    if (files.length === 0) return;
    // The files may have been dropped on another section.
    panel.scrollIntoView({ block: 'nearest' });
    await read(files);
  });
}

/** @param {() => void} cancel  called when the user presses the button or Escape */
function onCancelled(cancel) {
  find('cancel').addEventListener('click', cancel);
  addEventListener('keydown', ({ key, isComposing }) => {
    if (key === 'Escape' && !isComposing) cancel();
  });
}

/** @param {string} name  of the file that the model came from @returns {string} of the file that it is saved as */
const savedName = (name) => `${name.replace(/\.[^.]*$/, '')}.safetensors`;

/** Downloads a model as a .safetensors file. @param {Opened} opened */
function saveModel({ name, model }) {
  find('yours-status').textContent = say('saved');
  const url = URL.createObjectURL(new Blob([model.save()]));
  const link = document.createElement('a');
  link.href = url;
  link.download = savedName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The optional packages that the server does not have at the addresses in the page's import map. */
async function missingPackages() {
  const names = Object.keys(fileTypes);
  const found = await Promise.all(
    // Offline, the service worker may have kept a package: assume that it is there.
    names.map((name) => isServed(import.meta.resolve(name), true)),
  );
  return names.filter((_, i) => !found[i]);
}

/** The section: which model is open, and which files are being read. */
export class YourModel {
  #box = /** @type {HTMLTextAreaElement} */ (find('yours-text'));
  /** @type {Opened | null} */
  #opened = null;
  /** @type {import('padless/dom').Typing | null} */
  #typing = null;
  /** Packages that the server does not have. @type {string[]} */
  #missing = [];
  /** Ends the reading in progress; null while nothing is read. @type {AbortController | null} */
  #reading = null;
  /** The panel was shown before. */
  #prepared = false;

  constructor() {
    const panel = find('yours');
    const read = (/** @type {File[]} */ files) => this.#readFiles(files);
    onCancelled(() => this.#reading?.abort());
    onChosen(read);
    onSample(read);
    onDropped(panel, read);
    find('save').addEventListener('click', () => this.#opened && saveModel(this.#opened));
    onLanguage(() => {
      this.#describe();
      this.#typing?.refresh();
    });
  }

  /** Call when the panel is shown. The first call fetches the importer ahead of need, and checks which optional packages are served. */
  async onShown() {
    if (this.#prepared) return;
    this.#prepared = true;
    prepareReader();
    this.#missing = await missingPackages();
    showMissing(this.#missing);
  }

  #describe() {
    showMissing(this.#missing);
    if (this.#opened) describeModel(this.#opened);
  }

  /** Empties the box and connects it to the open model. */
  #connect() {
    this.#typing?.detach();
    this.#typing = null;
    this.#box.value = '';
    find('yours-answer').replaceChildren();
    find('yours-time').textContent = '';
    if (!this.#opened || find('yours-box').hidden) return;
    this.#typing = answerTyping(this.#box, this.#opened.model);
    this.#box.focus();
  }

  /** @param {File[]} files */
  async #readFiles(files) {
    if (files.length === 0) return;
    // Newer files replace those that are still being read.
    this.#reading?.abort();
    const mine = (this.#reading = new AbortController());
    const names = files.map(({ name }) => name);
    const values = { name: names.slice(0, 3).join(', ') };
    this.#startProgress(values);
    const timer = setTimeout(() => (find('yours-status').textContent = say('stillReading', values)), SLOW_MS);
    try {
      const found = await readModel(files, mine.signal);
      if (!found) throw new Error(say('noFiles', { names: names.slice(0, 10).join(', ') }));
      const { name } = found;
      const model = await loadModel(found.bytes);
      mine.signal.throwIfAborted();
      this.#endProgress();
      this.#opened = { name, model };
      this.#describe();
      this.#connect();
      find('yours-status').textContent = say('read', { name });
    } catch (error) {
      if (this.#reading !== mine) return;
      this.#endProgress();
      find('yours-status').textContent = mine.signal.aborted ? say('cancelled', values) : '';
      if (!mine.signal.aborted) showReadError(/no padless metadata/.test(String(error)) ? say('state') : error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {{ name: string }} values  of the files */
  #startProgress(values) {
    showReadError(null);
    find('yours-status').textContent = say('reading', values);
    find('yours-progress').hidden = false;
    find('cancel').hidden = false;
  }

  #endProgress() {
    this.#reading = null;
    find('yours-progress').hidden = true;
    const focused = document.activeElement === find('cancel');
    find('cancel').hidden = true;
    // Hiding the focused button would lose the focus: give it to the box, or to the button for files.
    if (focused) (find('yours-box').offsetParent ? this.#box : find('files')).focus();
  }
}
