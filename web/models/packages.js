/**
 * Writes each shipped model as an npm package of its own, which depends on padless: `make model-packages`. The packages are no workspaces of
 * npm: a workspace cannot depend on the package at the root of its repository.
 *
 * node web/models/packages.js FOLDER
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const { version, author, engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

/**
 * A function of a text.
 * @typedef {object} PackageFunction
 * @property {string} call
 * @property {string} does
 * @property {string} answer  of the prediction
 * @property {string} returns  its type
 */
/**
 * What each package exports beside `load`.
 * @typedef {object} ModelPackageOwn
 * @property {string} name  the model's: language detection is `detect` of padless-langid
 * @property {PackageFunction[]} [others]  functions beside the first one
 * @property {string} license  of the weights; the code beside them is under MIT
 */
/** @typedef {PackageFunction & ModelPackageOwn} ModelPackage */
/** @type {ModelPackage[]} */
export const packages = [
  {
    name: 'langid',
    call: 'detect',
    does: 'Which language a text is in',
    answer: 'prediction',
    returns: 'Prediction & { label: string, score: number, certain: boolean, scores: Record<string, number> }',
    license: 'CC-BY-SA-4.0',
  },
  {
    name: 'tagger',
    call: 'tag',
    does: 'The part of speech of each word of an English text, with its place and the kind of name that it belongs to',
    answer:
      'prediction.outputs.pos.tags.map((tag, i) => ({ ...tag, entity: prediction.outputs.names.tags[i].label.slice(2) || null }))',
    returns: "(Tag & { entity: 'PER' | 'LOC' | 'ORG' | null })[]",
    others: [
      {
        call: 'entities',
        does: 'The names of persons, places and organisations in an English text, with their places',
        answer: 'prediction.outputs.names.spans',
        returns: 'Tag[]',
      },
    ],
    license: 'CC-BY-SA-4.0',
  },
  {
    name: 'intents',
    call: 'classify',
    does: 'What an English request to an assistant asks for',
    answer: 'prediction',
    returns: 'Prediction & { label: string, score: number, certain: boolean, scores: Record<string, number> }',
    license: 'CC-BY-3.0 AND Apache-2.0',
  },
  {
    name: 'words-zh',
    call: 'cut',
    does: 'The words of a Chinese text and their parts of speech, with their places',
    answer: 'prediction.spans',
    returns: 'Tag[]',
    license: 'CC-BY-SA-4.0',
  },
];

/** @param {ModelPackage} model */
const manifest = ({ name, does, license }) => ({
  name: `padless-${name}`,
  version,
  description: `${does}: a small model for padless`,
  keywords: ['padless', 'text', 'model', 'webassembly', ...(name === 'langid' ? ['language', 'detection', 'identification'] : [])],
  license: `(MIT AND ${license})`,
  author,
  type: 'module',
  sideEffects: false,
  engines,
  main: './index.js',
  types: './index.d.ts',
  exports: {
    '.': { types: './index.d.ts', default: './index.js' },
    './inline': { types: './inline.d.ts', default: './inline.js' },
    [`./${name}.safetensors`]: `./${name}.safetensors`,
    './package.json': './package.json',
  },
  dependencies: { padless: `^${version}` },
});

/**
 * The functions of both entries.
 * @param {ModelPackage} model
 * @param {string} source  an expression for what `loadModel` takes
 */
const functions = ({ others = [], ...first }, source) => `
let loading;

/** The model, loaded once: for sessions, padless/dom, and everything else that padless does with a model. */
export function load(options) {
  loading ??= ${source}.catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}
${[first, ...others]
  .map(
    ({ call, does, answer }) => `
/** ${does}. */
export async function ${call}(text, options) {
  const prediction = (await load()).predict(text, options);
  return ${answer};
}
`,
  )
  .join('')}`;

/** @param {ModelPackage} model */
const indexOf = (model) => `import { LoadError, loadModel, ModelFileError } from 'padless';

// Bundlers that copy the file find it by this line. Where they leave it behind, the weights come from a script, which all of them keep.
const address = new URL('./${model.name}.safetensors', import.meta.url);

async function loadBeside(options) {
  try {
    return await loadModel(address, options);
  } catch (error) {
    // Some servers answer with a page in place of a missing file.
    if (!(error instanceof LoadError || error instanceof ModelFileError)) throw error;
    const { weights } = await import('./weights.js').catch(() => ({}));
    if (!weights) throw error;
    return loadModel(weights(), options);
  }
}
${functions(model, 'loadBeside(options)')}`;

/** @param {ModelPackage} model */
const inlineOf = (model) => `import { loadModel } from 'padless';
import { weights } from './weights.js';
${functions(model, 'loadModel(weights(), options)')}`;

/** @param {string} base64 */
const weightsOf = (base64) => `const base64 =
  '${base64}';

/** The bytes of the model file. */
export const weights = () => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
`;

/** @param {ModelPackage} model */
const typesOf = ({ others = [], ...first }) => `import type { AllowedLabels, LoadOptions, Model, Prediction, Tag } from 'padless';

/** The model, loaded once: for sessions, padless/dom, and everything else that padless does with a model. Options count at the first call. */
export declare function load(options?: LoadOptions): Promise<Model>;
${[first, ...others]
  .map(
    ({ call, does, returns }) => `
/** ${does}. */
export declare function ${call}(text: string, options?: { labels?: AllowedLabels }): Promise<${returns}>;
`,
  )
  .join('')}`;

/** The card without pictures and links to other files of the repository, which are not in the package. @param {string} card */
const standalone = (card) =>
  card
    .replace(/!\[[^\]]*\]\([^)]*\)\n\n/g, '')
    .replace(/\[([^\]]+)\]\((?!https?:|#)[^)]+\)/g, '$1')
    .replace(/<!--.*?-->\n\n?/g, '');

/** @param {string} folder  where the packages are written to, each in a folder of its own */
export function writePackages(folder) {
  for (const model of packages) {
    const from = fileURLToPath(new URL(`web/models/${model.name}/`, root));
    const to = join(folder, `padless-${model.name}`);
    const file = `${model.name}.safetensors`;
    mkdirSync(to, { recursive: true });
    copyFileSync(join(from, file), join(to, file));
    copyFileSync(fileURLToPath(new URL('LICENSE', root)), join(to, 'LICENSE'));
    for (const [name, text] of Object.entries({
      'package.json': `${JSON.stringify(manifest(model), null, 2)}\n`,
      'README.md': standalone(readFileSync(join(from, 'README.md'), 'utf8')),
      'index.js': indexOf(model),
      'inline.js': inlineOf(model),
      'weights.js': weightsOf(readFileSync(join(from, file), 'base64')),
      'index.d.ts': typesOf(model),
      'inline.d.ts': "export * from './index.js';\n",
    }))
      writeFileSync(join(to, name), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new Error('usage: node web/models/packages.js FOLDER');
  writePackages(folder);
}
