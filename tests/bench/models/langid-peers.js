/** The language identifiers of npm that langid is compared with. */
import { join } from 'node:path';
import { fromFastText } from '../../../js/import/index.js';
import { loadModel } from '../../../js/index.js';
import { modelFile, packageFolder, padlessScript, versioned } from './compare.js';

const [langid, gru] = [modelFile('langid'), modelFile('langid-gru')];
const lid176 = join(packageFolder('fasttext.wasm.js'), 'dist/models/language-identification/assets/lid.176.ftz');

/**
 * @typedef {object} Peer
 * @property {string} name  with its version
 * @property {string} script  the imports of a page
 * @property {string[]} [files]  the files that it also fetches
 * @property {() => Promise<(text: string) => string | Promise<string>>} load  gives the function from a text to its label
 */

/** @param {string} file @returns {Peer['load']} */
const padless = (file) => async () => {
  const model = await loadModel(file);
  return (text) => model.predict(text).label ?? '';
};

/** @type {Peer[]} */
export const peers = [
  { name: 'langid', script: padlessScript, files: [langid], load: padless(langid) },
  { name: 'langid-gru', script: padlessScript, files: [gru], load: padless(gru) },
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
      const model = await getLIDModel();
      await model.load();
      return async (text) => {
        const { alpha2, alpha3 } = await model.identify(text);
        return alpha2 || alpha3;
      };
    },
  },
  {
    name: 'lid.176.ftz in padless',
    script: padlessScript,
    files: [lid176],
    load: async () => {
      const model = await fromFastText(lid176);
      return (text) => model.predict(text).label ?? '';
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
