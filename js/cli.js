#!/usr/bin/env node
/**
 * The command `padless`.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { about, print, readText } from './tools/files.js';
import { commands, isCommand, options, takes, unknownCommand, unknownOption, usage } from './tools/usage.js';
/** @typedef {import('./tools/usage.js').CommandName} CommandName */
/** @typedef {import('./tools/usage.js').Values} Values */

// A dynamic import, because in a checkout that is not built it fails: js/dist is missing.
const { ArgumentError, loadModel, PadlessError, UnsupportedError } = await import('./index.js').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !/[/\\]dist[/\\]/.test(error.message)) throw error;
  process.stderr.write('padless: js/dist is missing; in a checkout, run make\n');
  process.exit(2);
});

/** Name of the second argument, for commands that need one. @type {Partial<Record<CommandName, string>>} */
const second = { eval: 'labelled file', record: 'cases', check: 'golden file' };

/** @param {CommandName} command @param {string[]} files @param {Values} values */
function checkArguments(command, [file, other], values) {
  const wrong = (/** @type {string} */ what) => new ArgumentError(`${command}: ${what}\n${usage(command)}`);
  const foreign = Object.keys(values).find((name) => !takes(command, name));
  if (foreign) {
    const owners = Object.keys(commands).filter((name) => isCommand(name) && takes(name, foreign));
    throw new ArgumentError(`${command}: --${foreign} is for ${owners.join(', ')}`);
  }
  if (!['auto', 'baseline', 'relaxed'].includes(values.simd ?? 'auto'))
    throw new ArgumentError(`--simd ${values.simd}: expected auto, baseline or relaxed`);
  if (!file) throw wrong(`no ${command === 'convert' ? 'input' : 'model'} file given`);
  const needed = second[command];
  if (needed && !other) throw wrong(`no ${needed} given`);
  if (takes(command, 'output') && !values.output) throw new ArgumentError(`${command}: no output file given, expected -o FILE`);
}

/** @param {import('./model/model.js').Model} model @param {string[]} files  the model, then texts @param {Values} values */
async function run(model, [file, ...texts], { ids, trace: traced }) {
  const { runIds, trace } = await import('./tools/run.js');
  if (ids !== undefined && texts.length) throw new ArgumentError('run: expected either texts or --ids FILE, got both');
  if (ids !== undefined) return about(ids, () => runIds(model, ids, Boolean(traced)));
  if (!model.text)
    throw new ArgumentError(
      `${file}: the model has no text settings; pass ${model.inputs[0].ids ? 'token ids' : 'values'} by --ids FILE`,
    );
  if (traced && !texts.length) throw new ArgumentError('run --trace: expected a text or --ids FILE');
  for (const text of texts)
    if (traced) trace(model, text);
    else print(model.predict(text));
  if (!texts.length) for await (const line of createInterface({ input: process.stdin })) print(model.predict(line));
}

/** Parses the arguments. The error for an unknown option suggests the nearest known one. */
function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (cause) {
    if (/** @type {any} */ (cause)?.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw cause;
    const { tokens, positionals } = parseArgs({ allowPositionals: true, options, strict: false, tokens: true });
    const unknown = tokens.find((token) => token.kind === 'option' && !Object.hasOwn(options, token.name));
    throw new ArgumentError(unknownOption(/** @type {any} */ (unknown)?.rawName ?? '', positionals[0]), { cause });
  }
}

async function main() {
  const { values: given, positionals } = readArguments();
  const { version, ...values } = /** @type {Values & { version?: boolean }} */ ({ ...given });
  if (version) return print(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')).version);
  const [command, ...files] = positionals;
  if (command === 'help') {
    if (files.length && !isCommand(files[0])) throw new ArgumentError(unknownCommand(files[0]));
    return print(usage(files.find(isCommand)));
  }
  if (!command) return print(usage());
  if (!isCommand(command)) throw new ArgumentError(unknownCommand(command));
  if (values.help) return print(usage(command));
  checkArguments(command, files, values);
  const [file, other, ...more] = files;
  if (command !== 'run' && (more.length || (other && !second[command])))
    throw new ArgumentError(`${command}: ${JSON.stringify(second[command] ? more[0] : other)} is an unexpected argument`);
  const custom = values.layers === undefined ? {} : await (await import('./tools/layers.js')).customLayers(values.layers);
  if (command === 'convert') return (await import('./tools/convert.js')).convert(file, String(values.output), values, custom);
  if (command === 'bench') return (await import('./tools/bench.js')).bench(file, values, custom);
  const exact = command === 'record' || command === 'check';
  const simd = exact ? 'baseline' : values.simd;
  const model = await about(file, () => loadModel(file, { simd, customLayers: custom }));
  switch (command) {
    case 'info':
      return (await import('./tools/info.js')).info(model);
    case 'record':
      return (await import('./tools/regression.js')).recordCases(model, other, String(values.output));
    case 'check':
      return (await import('./tools/regression.js')).checkGolden(model, other);
    case 'eval': {
      const { evaluate, parseExamples } = await import('./tools/evaluate.js');
      const text = await readText(other);
      const ignore = values.ignore?.split(',') ?? [];
      return about(other, () => {
        const examples = parseExamples(text, model.outputs[0].kind);
        if (!examples.length) throw new ArgumentError('the file has no examples to evaluate');
        return print(evaluate(model, examples, { ignore }));
      });
    }
    default:
      return run(model, files, values);
  }
}

// A reader such as `head` may close the pipe before all answers are written.
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
  const hint = lacksClass ? '\nfor a custom layer: --layers FILE.mjs, a module that exports its class' : '';
  process.stderr.write(`padless: ${known ? /** @type {Error} */ (error).message : /** @type {Error} */ (error).stack}${hint}\n`);
  process.exitCode = 2;
}
