#!/usr/bin/env node
/**
 * The command line.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { print, readText } from './cli/files.js';
import { commands, isCommand, options, takes, usage } from './cli/usage.js';
import { ArgumentError, loadModel, PadlessError, UnsupportedError } from './index.js';
/** @typedef {import('./cli/usage.js').CommandName} CommandName */
/** @typedef {import('./cli/usage.js').Values} Values */

/** What else a command cannot do without. @type {Partial<Record<CommandName, string>>} */
const second = { eval: 'labelled file', record: 'cases', check: 'golden file' };

/** @param {CommandName} command @param {string[]} files @param {Values} values */
function lookAt(command, [file, other], values) {
  const wrong = (/** @type {string} */ what) => new ArgumentError(`${command}: ${what}\n${usage(command)}`);
  const foreign = Object.keys(values).find((name) => !takes(command, name));
  if (foreign) {
    const owners = Object.keys(commands).filter((name) => isCommand(name) && takes(name, foreign));
    throw new ArgumentError(`${command}: --${foreign} is for ${owners.join(', ')}`);
  }
  if (!file) throw wrong(`no ${command === 'convert' ? 'input' : 'model'} file given`);
  const needed = second[command];
  if (needed && !other) throw wrong(`no ${needed} given`);
  if (takes(command, 'output') && !values.output) throw new ArgumentError(`${command}: where to? -o FILE`);
}

/** @param {import('./model.js').Model} model @param {string[]} texts @param {Values} values */
async function run(model, texts, { ids, trace: traced }) {
  const { runIds, trace } = await import('./cli/run.js');
  if (ids !== undefined) return runIds(model, ids);
  if (traced && !texts.length) throw new ArgumentError('run --trace: no text given');
  for (const text of texts)
    if (traced) trace(model, text);
    else print(model.predict(text));
  if (!texts.length) for await (const line of createInterface({ input: process.stdin })) print(model.predict(line));
}

async function main() {
  const { values: given, positionals } = parseArgs({ allowPositionals: true, options });
  const { version, ...values } = /** @type {Values & { version?: boolean }} */ ({ ...given });
  if (version) return print(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')).version);
  const [command, ...files] = positionals;
  if (!command) return print(usage());
  if (!isCommand(command)) throw new ArgumentError(`unknown command ${JSON.stringify(command)}\n${usage()}`);
  if (values.help) return print(usage(command));
  lookAt(command, files, values);
  const [file, other, ...more] = files;
  if (command !== 'run' && (more.length || (other && !second[command])))
    throw new ArgumentError(`${command}: ${JSON.stringify(second[command] ? more[0] : other)} is one argument too many`);
  const custom = values.layers === undefined ? {} : await (await import('./cli/layers.js')).customLayers(values.layers);
  if (command === 'convert') return (await import('./cli/convert.js')).convert(file, String(values.output), values, custom);
  if (command === 'bench') return (await import('./cli/bench.js')).bench(file, values, custom);
  const exact = command === 'record' || command === 'check';
  const model = await loadModel(file, { simd: exact ? 'baseline' : values.simd, customLayers: custom });
  switch (command) {
    case 'info':
      return (await import('./cli/info.js')).info(model);
    case 'record':
      return (await import('./cli/regression.js')).recordCases(model, other, String(values.output));
    case 'check':
      return (await import('./cli/regression.js')).checkGolden(model, other);
    case 'eval': {
      const { evaluate, parseExamples } = await import('./evaluate.js');
      const examples = parseExamples(await readText(other), model.outputs[0].kind);
      return print(evaluate(model, examples, { ignore: values.ignore?.split(',') ?? [] }));
    }
    default:
      return run(model, files.slice(1), values);
  }
}

// Whoever reads the answers may stop at any of them, as `head` does.
process.stdout.on('error', (error) => {
  if (/** @type {any} */ (error).code !== 'EPIPE') process.stderr.write(`padless: ${error.message}\n`);
  process.exit(/** @type {any} */ (error).code === 'EPIPE' ? 0 : 2);
});
try {
  await main();
} catch (error) {
  const known =
    error instanceof PadlessError ||
    /^E[A-Z]+$/.test(String(/** @type {any} */ (error)?.code)) ||
    String(/** @type {any} */ (error)?.code).startsWith('ERR_PARSE_ARGS');
  const lacksClass = error instanceof UnsupportedError && /: class \S+ is not one of |customLayers: \{/.test(error.message);
  const hint = lacksClass ? '\na layer of your own: --layers FILE.mjs, a module that exports its class' : '';
  process.stderr.write(`padless: ${known ? /** @type {Error} */ (error).message : /** @type {Error} */ (error).stack}${hint}\n`);
  process.exitCode = 2;
}
