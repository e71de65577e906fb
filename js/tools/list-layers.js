/**
 * Writes the lists of layers from the classes of js/layers. A class that declares a className is a layer that a file may contain:
 *
 *   FOLDER/layers.js        exports all of them, for padless/layers
 *   FOLDER/layers-early.js  classes of js/layers, and the names of those of js/layers/late
 *   FOLDER/layers-late.js   classes of js/layers/late, which a page fetches only for models that have one
 *
 * node js/tools/list-layers.js FOLDER    js/dist, or a folder beside it
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];

/** Models, which js/model/graph.js builds. */
const models = ['functional.js', 'sequential.js'];

/** @param {string} path  a folder, relative to js/layers @returns {Promise<{ file: string, names: string[], classNames: string[] }[]>} */
async function layersOf(path) {
  const found = [];
  const at = join(folder, '../layers', path);
  for (const name of readdirSync(at).sort()) {
    if (!name.endsWith('.js') || name === 'index.js' || name === 'layer.js' || models.includes(name)) continue;
    const classes = Object.entries(await import(pathToFileURL(join(at, name)).href)).filter(
      ([, value]) => typeof value === 'function' && Object.hasOwn(value, 'className'),
    );
    if (classes.length)
      found.push({
        file: `../layers/${path}${name}`,
        names: classes.map(([each]) => each),
        classNames: classes.map(([, { className }]) => className),
      });
  }
  return found;
}

const [early, late] = [await layersOf(''), await layersOf('late/')];

/** @param {'import' | 'export'} word @param {typeof early} files */
const statements = (word, files) => files.map(({ file, names }) => `${word} { ${names.join(', ')} } from '${file}';\n`).join('');

/** @param {string} constant @param {typeof early} files */
const list = (constant, files) => `\nexport const ${constant} = [${files.flatMap(({ names }) => names).join(', ')}];\n`;

/** @param {string} file @param {string} code */
const write = (file, code) =>
  writeFileSync(join(folder, file), `// Built by js/tools/list-layers.js from the classes of js/layers.\n${code}`);

write('layers.js', statements('export', [...early, ...late]));
write(
  'layers-early.js',
  `${statements('import', early)}${list('early', early)}
/** Names of the layers of js/layers/late in model files. */
export const lateNames = ${JSON.stringify(late.flatMap(({ classNames }) => classNames))};\n`,
);
write('layers-late.js', `${statements('import', late)}${list('late', late)}`);
