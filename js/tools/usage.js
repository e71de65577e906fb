/**
 * Commands, their options and help texts: `padless COMMAND --help`.
 * @module
 */
import { slipOf } from '../model/nearest.js';

/** An option. @typedef {{ value?: string, short?: string, says: string }} Option  value: its value in the help; absent if it takes no value */

/** @satisfies {Record<string, Option>} */
const allOptions = {
  output: { value: 'FILE', short: 'o', says: 'where to write' },
  ids: { value: 'FILE', says: 'rows of ids instead of texts (JSON, lengths may differ); for several inputs [{ name: row }]' },
  trace: { says: 'print inputs, outputs and masks of each layer, and where the mask changes the output' },
  weights: { value: 'FILE', says: 'the weights in HDF5, if INPUT is the JSON of a Keras model' },
  'keras-version': {
    value: 'VERSION',
    says: 'the version of Keras that saved INPUT, if INPUT is JSON: to_json() of Keras 3 does not write it',
  },
  tokenizer: {
    value: 'FILE',
    says: 'the output of tokenizer.to_json() of Keras, { word: id } or a list of words (JSON); or a pickled Tokenizer',
  },
  text: {
    value: 'FILE',
    says: 'text settings (JSON, a file or the JSON itself); they override those of the tokenizer or the model',
  },
  padding: { value: 'post|pre', says: 'the side on which texts are padded' },
  truncation: { value: 'post|pre', says: 'the side on which long texts are cut' },
  maxlen: { value: 'N', says: 'number of tokens to which texts are padded and cut, as by pad_sequences(maxlen=N)' },
  outputs: {
    value: 'FILE',
    says: 'settings of all outputs: [{ name, kind: class, scores or tags, labels }] (JSON, a file or the JSON itself)',
  },
  labels: { value: 'FILE', says: 'labels of a model with one output: one per line, or a JSON list' },
  torch: { value: 'FILE', says: 'the PyTorch modules in order (JSON), if INPUT is a state dict' },
  check: {
    value: 'FILE',
    says: 'samples with the outputs of the framework, [{ inputs, outputs }] (JSON); exit 1 if values differ',
  },
  int8: { says: 'quantise weights to int8, a quarter of the bytes' },
  onnx: {
    value: 'FILE.onnx',
    says: 'the same model with input [B, T]: compare with onnxruntime-web, installed in the current project',
  },
  tfjs: { value: 'model.json', says: 'the same model: compare with the wasm backend of TF.js' },
  input: { value: 'NAME', says: 'the input of the .onnx file that reads the ids, if its name differs' },
  ignore: { value: 'LABEL[,LABEL ...]', says: 'labels to ignore' },
  layers: { value: 'FILE.mjs', says: 'a module that exports custom layers: classes, and a class with the name of each Lambda' },
  simd: { value: 'auto|baseline|relaxed', says: 'the build of the kernels (default auto: the fastest that this Node supports)' },
  help: { short: 'h', says: 'this help' },
};

/** A command. @typedef {{ takes: string, says: string[], options: (keyof typeof allOptions)[] }} Command */

/** @satisfies {Record<string, Command>} */
export const commands = {
  info: { takes: 'MODEL', says: ['layers, shapes, parameters, bytes, text settings'], options: ['layers', 'simd'] },
  run: {
    takes: 'MODEL [TEXT ...]',
    says: [
      'print each answer as a JSON line; without TEXT, read one text per line from standard input',
      'with --ids, print a JSON line for each row: {"output name": nested array}',
    ],
    options: ['ids', 'trace', 'layers', 'simd'],
  },
  convert: {
    takes: 'INPUT -o MODEL.safetensors',
    says: [
      'convert a model of Keras (.keras, .h5, .hdf5, .json with --weights), TF.js (model.json), PyTorch',
      '(.pt, .pth, .bin, .safetensors, with --torch), ONNX (.onnx), fastText (.bin, .ftz) or padless',
    ],
    options: [
      'output',
      'weights',
      'keras-version',
      'tokenizer',
      'text',
      'padding',
      'truncation',
      'maxlen',
      'labels',
      'outputs',
      'torch',
      'check',
      'int8',
      'layers',
      'simd',
    ],
  },
  eval: {
    takes: 'MODEL FILE',
    says: [
      'accuracy, cross-entropy and F1 on lines text<TAB>label (scores: any number of labels), token<TAB>tag',
      '(empty lines between sentences), or JSON lines {"text", "labels": {"output name": ...}}',
    ],
    options: ['ignore', 'layers', 'simd'],
  },
  record: {
    takes: 'MODEL CASES -o GOLDEN',
    says: ['record the outputs for texts (one per line) or rows of ids (JSON)'],
    options: ['output', 'layers'],
  },
  check: {
    takes: 'MODEL GOLDEN',
    says: ['compare outputs with recorded ones; exit 1 and list them if bits differ'],
    options: ['layers'],
  },
  bench: {
    takes: 'MODEL',
    says: ['measure the speed of each build of the kernels, and of other engines'],
    options: ['onnx', 'input', 'tfjs', 'layers'],
  },
};
/** @typedef {keyof typeof commands} CommandName */

/** The message for a first argument that is not a command. @param {string} given @returns {string} the message */
export function unknownCommand(given) {
  const meant = slipOf(given, Object.keys(commands));
  return `unknown command ${JSON.stringify(given)}${meant ? `; did you mean ${meant}?` : ';'} padless --help lists them`;
}

/** @param {string} name @returns {name is CommandName} */
export const isCommand = (name) => Object.hasOwn(commands, name);

/** Options for parseArgs of node:util. */
export const options = /** @type {Record<string, { type: 'string' | 'boolean', short?: string }>} */ (
  Object.fromEntries([
    ...Object.entries(allOptions).map(([name, option]) => [
      name,
      { type: 'value' in option ? 'string' : 'boolean', ...('short' in option && { short: option.short }) },
    ]),
    ['version', { type: 'boolean', short: 'v' }],
  ])
);
/**
 * The options of a call.
 * @typedef {{ [Name in keyof typeof allOptions]?: (typeof allOptions)[Name] extends { value: string } ? string : boolean } & { simd?: any }} Values
 */

/**
 * The message for an unknown option.
 * @param {string} given  such as --labls or -x
 * @param {string | undefined} command  the first argument that is no option
 * @returns {string} the message
 */
export function unknownOption(given, command) {
  const own = command !== undefined && isCommand(command);
  const known = own ? [...commands[command].options, 'help'] : Object.keys(options);
  const meant = given.startsWith('--') ? slipOf(given.slice(2), known) : undefined;
  return `unknown option ${given}${meant ? `; did you mean --${meant}?` : ';'} padless ${own ? `${command} ` : ''}--help lists ${own ? 'its options' : 'the commands'}`;
}

/** Whether a command has an option. @param {CommandName} name @param {string} given @returns {boolean} */
export const takes = (name, given) =>
  given === 'help' || /** @type {Command} */ (commands[name]).options.some((each) => each === given);

/** A row of the help. @param {string} left @param {string[]} lines */
const entry = (left, lines) => [`  ${left.padEnd(36)}${lines[0]}`, ...lines.slice(1).map((line) => `${' '.repeat(38)}${line}`)];

/** The help for all commands, or for one. @param {CommandName} [name] */
export function usage(name) {
  if (!name)
    return [
      'usage: padless COMMAND ...',
      ...Object.entries(commands).flatMap(([each, { takes: what, says }]) => entry(`${each} ${what}`, says)),
      ...entry('-h, --help; COMMAND --help', ['this list; the options of a command']),
      ...entry('-v, --version', ['the version of padless']),
    ].join('\n');
  const { takes: what, says, options: some } = /** @type {Command} */ (commands[name]);
  const list = [...some, /** @type {const} */ ('help')].flatMap((key) => {
    /** @type {Option} */
    const { value, short, says: text } = allOptions[key];
    return entry(`${short ? `-${short}, ` : ''}--${key}${value ? ` ${value}` : ''}`, [text]);
  });
  return [`usage: padless ${name} ${what} [options]`, ...says.map((line) => `  ${line}`), 'options:', ...list].join('\n');
}
