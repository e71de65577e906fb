/** The language identifiers of npm that langid is compared with. */
import { join } from 'node:path';
import { fromFastText } from '../../../js/import/index.js';
import { loadModel } from '../../../js/index.js';
import { modelFile, packageFolder, padlessPage, versioned } from './compare.js';

const lid176 = join(packageFolder('fasttext.wasm.js'), 'dist/models/language-identification/assets/lid.176.ftz');

/** What gives the label of a text. @typedef {(text: string) => string | Promise<string>} Detect */
/** `name`: with its version. @typedef {import('./compare.js').Page & { name: string, load: () => Promise<Detect> }} Peer */

/** @param {string} name @returns {Peer} */
const padless = (name) => ({
  name,
  ...padlessPage(modelFile(name)),
  load: async () => {
    const model = await loadModel(modelFile(name));
    return (text) => model.predict(text).label ?? '';
  },
});

/** A language of lid.176.ftz, whose labels are codes of Wikipedia: there, `als` is Alemannic, in ISO 639-3 Tosk Albanian. @param {string} label */
const fromWikipedia = (label) => (label === 'als' ? 'gsw' : label);

/** @type {Peer[]} */
export const peers = [
  padless('langid'),
  padless('langid-gru'),
  ...['large', 'extrasmall'].map((size) => ({
    name: `eld/${size}${versioned('eld').slice(3)}`,
    script: `export * from 'eld/${size}'`,
    load: async () => {
      const { eld } = await import(`eld/${size}`);
      return (/** @type {string} */ text) => eld.detect(text).language;
    },
  })),
  {
    name: versioned('tinyld').replace(' ', ' heavy '),
    script: "export * from 'tinyld/heavy'",
    load: async () => (await import('tinyld/heavy')).detect,
  },
  {
    name: versioned('cld3-asm'),
    script: "export * from 'cld3-asm'",
    load: async () => {
      const { loadModule } = await import('cld3-asm');
      const identifier = (await loadModule({ timeout: 60_000 })).create(0, 1000);
      return (text) => identifier.findLanguage(text).language;
    },
  },
  {
    name: `${versioned('fasttext.wasm.js')}, lid.176.ftz`,
    script: "export * from 'fasttext.wasm.js/common'",
    files: [lid176, join(packageFolder('fasttext.wasm.js'), 'dist/core/fastText.common.wasm')],
    load: async () => {
      const { getLIDModel } = await import('fasttext.wasm.js');
      const model = await (await getLIDModel()).load();
      // identify() answers `no` for nn and no, so texts in nb that the model takes for nn would count as right.
      return (text) => {
        const found = model.predict(text, 1, 0);
        const [, label] = found.get(0);
        found.delete();
        return fromWikipedia(label.slice('__label__'.length));
      };
    },
  },
  {
    name: 'lid.176.ftz in padless',
    ...padlessPage(lid176, { module: 'import/index.js', load: 'fromFastText' }),
    load: async () => {
      const model = await fromFastText(lid176);
      return (text) => fromWikipedia(model.predict(text).label ?? '');
    },
  },
  {
    name: versioned('lande'),
    script: "export { default } from 'lande'",
    load: async () => {
      const { default: lande } = await import('lande');
      return (text) => lande(text)[0]?.[0] ?? '';
    },
  },
  {
    name: versioned('franc-all'),
    script: "export * from 'franc-all'",
    load: async () => {
      const { franc } = await import('franc-all');
      return (text) => franc(text, { minLength: 1 });
    },
  },
];
