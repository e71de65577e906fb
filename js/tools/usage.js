/**
 * What each command takes, and what is said of it: `padless COMMAND --help`.
 * @module
 */

/** An option. @typedef {{ value?: string, short?: string, says: string }} Option  value: what stands behind it; absent: nothing does */

/** @satisfies {Record<string, Option>} */
const told = {
  output: { value: 'FILE', short: 'o', says: 'where to write' },
  ids: { value: 'FILE', says: 'rows of ids (JSON, ragged allowed), in place of texts; of several inputs by name: [{ name: row }]' },
  trace: { says: 'layer by layer: values and mask before and after, and what the mask changed' },
  weights: { value: 'FILE', says: 'the weights in HDF5, where INPUT is the JSON of a Keras model' },
  'keras-version': {
    value: 'VERSION',
    says: 'of the Keras that saved INPUT, where INPUT is JSON: to_json() of Keras 3 does not write it',
  },
  tokenizer: { value: 'FILE', says: "what Keras's tokenizer.to_json() gave, { word: id } or a list of words (JSON)" },
  text: { value: 'FILE', says: 'text settings (JSON, in a file or as it is), over those of the tokenizer or the model' },
  padding: { value: 'post|pre', says: 'the side on which texts are padded' },
  truncation: { value: 'post|pre', says: 'the side on which long texts are cut' },
  maxlen: { value: 'N', says: 'tokens to which texts are padded and cut, as pad_sequences(maxlen=N) does' },
  outputs: { value: 'FILE', says: 'of all outputs: [{ name, kind: class, scores or tags, labels }] (JSON, in a file or as it is)' },
  labels: { value: 'FILE', says: "of the model's one output: a line each, or a JSON list" },
  torch: { value: 'FILE', says: 'the PyTorch modules in order (JSON), where INPUT is a state dict in safetensors' },
  check: { value: 'FILE', says: "samples and the framework's answers: [{ inputs, outputs }] (JSON); exit 1 where a value is off" },
  int8: { says: 'weights in a quarter of the bytes' },
  onnx: { value: 'FILE.onnx', says: 'the same model, [B, T] ids in: onnxruntime-web beside it, from the project in this folder' },
  tfjs: { value: 'model.json', says: 'the same model: TF.js beside it, its wasm backend' },
  input: { value: 'NAME', says: 'which input of the .onnx takes the ids, where its name is another' },
  ignore: { value: 'LABEL[,LABEL ...]', says: 'labels that are passed over' },
  layers: { value: 'FILE.mjs', says: 'a module that exports layers of your own: classes, and for a Lambda a class by its name' },
  simd: { value: 'auto|baseline|relaxed', says: 'which build of the kernels (auto: the fastest that this Node runs)' },
  help: { short: 'h', says: 'this' },
};

/** A command. @typedef {{ takes: string, says: string[], options: (keyof typeof told)[] }} Command */

/** @satisfies {Record<string, Command>} */
export const commands = {
  info: { takes: 'MODEL', says: ['layers, shapes, parameters, bytes, text settings'], options: ['layers', 'simd'] },
  run: {
    takes: 'MODEL [TEXT ...]',
    says: [
      'one JSON line an answer; without TEXT, one text a line from standard input',
      'with --ids, one JSON line a row: {"output name": nested array}',
    ],
    options: ['ids', 'trace', 'layers', 'simd'],
  },
  convert: {
    takes: 'INPUT -o MODEL.safetensors',
    says: [
      'a model file out of Keras (.keras, .h5, .hdf5, .json with --weights), TF.js (model.json), PyTorch',
      "(.safetensors with --torch) or one of padless's own",
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
      'accuracy, cross-entropy, F1 on text<TAB>label (scores: <TAB>label ...), token<TAB>tag with empty lines',
      'between, or JSON lines {"text", "labels": {"output name": ...}}',
    ],
    options: ['ignore', 'layers', 'simd'],
  },
  record: {
    takes: 'MODEL CASES -o GOLDEN',
    says: ["the model's answers to texts (a line each) or rows of ids (JSON), to be checked later"],
    options: ['output', 'layers'],
  },
  check: { takes: 'MODEL GOLDEN', says: ['exit 1 where an answer has other bits, saying which'], options: ['layers'] },
  bench: {
    takes: 'MODEL',
    says: ['how fast it is here, in each build of the kernels, alone and in batches; beside other engines'],
    options: ['onnx', 'input', 'tfjs', 'layers'],
  },
};
/** @typedef {keyof typeof commands} CommandName */

/** @param {string} name @returns {name is CommandName} */
export const isCommand = (name) => Object.hasOwn(commands, name);

/** For parseArgs of node:util. */
export const options = /** @type {Record<string, { type: 'string' | 'boolean', short?: string }>} */ (
  Object.fromEntries([
    ...Object.entries(told).map(([name, option]) => [
      name,
      { type: 'value' in option ? 'string' : 'boolean', ...('short' in option && { short: option.short }) },
    ]),
    ['version', { type: 'boolean' }],
  ])
);
/**
 * What was given.
 * @typedef {{ [Name in keyof typeof told]?: (typeof told)[Name] extends { value: string } ? string : boolean } & { simd?: any }} Values
 */

/** @param {CommandName} name @param {string} given  an option @returns {boolean} whether the command takes it */
export const takes = (name, given) =>
  given === 'help' || /** @type {Command} */ (commands[name]).options.some((each) => each === given);

/** @param {string} left @param {string[]} lines */
const entry = (left, lines) => [`  ${left.padEnd(36)}${lines[0]}`, ...lines.slice(1).map((line) => `${' '.repeat(38)}${line}`)];

/** Of all commands, or of one. @param {CommandName} [name] */
export function usage(name) {
  if (!name)
    return [
      'usage: padless COMMAND ...',
      ...Object.entries(commands).flatMap(([each, { takes: what, says }]) => entry(`${each} ${what}`, says)),
      ...entry('COMMAND --help', ['its options']),
      ...entry('--version', ['of padless']),
    ].join('\n');
  const { takes: what, says, options: some } = /** @type {Command} */ (commands[name]);
  const list = [...some, /** @type {const} */ ('help')].flatMap((key) => {
    /** @type {Option} */
    const { value, short, says: text } = told[key];
    return entry(`${short ? `-${short}, ` : ''}--${key}${value ? ` ${value}` : ''}`, [text]);
  });
  return [
    `usage: padless ${name} ${what}${some.length ? ' [options]' : ''}`,
    ...says.map((line) => `  ${line}`),
    'options:',
    ...list,
  ].join('\n');
}
