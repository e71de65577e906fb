/**
 * attach() of padless/dom with stand-ins for the elements and frames of a page. tests/page/typing.test.js tests it with real keys and input methods.
 */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ArgumentError, createModel } from 'padless';
import { attach } from 'padless/dom';
import { random } from '../random.js';
import { says } from '../says.js';

/** Frames and timers, which pass only when a test says so. */
class View {
  navigator = { userAgent: 'Node' };
  /** @type {Map<number, () => void>} */
  frames = new Map();
  /** @type {Map<number, { run: () => void, ms: number }>} */
  timers = new Map();
  count = 0;

  requestAnimationFrame = (/** @type {() => void} */ run) => (this.frames.set(++this.count, run), this.count);
  cancelAnimationFrame = (/** @type {number} */ id) => this.frames.delete(id);
  setTimeout = (/** @type {() => void} */ run, /** @type {number} */ ms) => (
    this.timers.set(++this.count, { run, ms }),
    this.count
  );
  clearTimeout = (/** @type {number} */ id) => this.timers.delete(id);

  frame() {
    const frames = [...this.frames.values()];
    this.frames.clear();
    for (const run of frames) run();
  }

  /** Runs the timers of so many milliseconds. @param {number} ms */
  wait(ms) {
    for (const [id, timer] of this.timers)
      if (timer.ms === ms) {
        this.timers.delete(id);
        timer.run();
      }
  }
}

/** An element or a text. @param {string} name  #text: the only child is its text @param {...any} children */
function node(name, ...children) {
  /** @type {any} */
  const made = new EventTarget();
  const isText = name === '#text';
  Object.assign(made, {
    nodeName: name,
    nodeType: isText ? 3 : 1,
    localName: name.toLowerCase(),
    parentNode: null,
    firstChild: null,
    nextSibling: null,
  });
  if (isText) return Object.assign(made, { data: children[0], length: children[0].length });
  const nodes = children.map((child) => (typeof child === 'string' ? node('#text', child) : child));
  nodes.forEach((child, i) => Object.assign(child, { parentNode: made, nextSibling: nodes[i + 1] ?? null }));
  made.firstChild = nodes[0] ?? null;
  return made;
}

/** @type {View} */
let view;
/** @type {any} */
let area;
/** The texts that were answered. @type {string[]} */
let answered;
/** @type {string[]} */
let asked;
const echo = {
  predict(/** @type {string} */ text, /** @type {any[]} */ ...options) {
    asked.push(text);
    return /** @type {any} */ ({ label: text, options });
  },
};
const onAnswer = (/** @type {any} */ { label }, /** @type {any} */ { text }) => {
  assert.equal(label, text);
  answered.push(text);
};

beforeEach(() => {
  view = new View();
  const ownerDocument = {
    defaultView: view,
    createRange: () => ({
      setStart(/** @type {any} */ start, /** @type {number} */ at) {
        Object.assign(this, { start, from: at });
      },
      setEnd(/** @type {any} */ end, /** @type {number} */ at) {
        Object.assign(this, { end, to: at });
      },
    }),
  };
  area = Object.assign(node('TEXTAREA'), { value: '', form: null, ownerDocument, getRootNode: () => new EventTarget() });
  [answered, asked] = [[], []];
});

/** @param {string} value @param {any} [element] */
function change(value, element = area) {
  element.value = value;
  element.dispatchEvent(new Event('input'));
}
/** @param {any} [options] @param {any} [model] @param {any} [element] */
const start = (options, model = echo, element = area) => attach(element, model, { onAnswer, ...options });
const since = () => answered.splice(0);

test('the text gets an answer in the first frame, then once in each frame with a change', () => {
  area.value = 'there';
  start();
  assert.deepEqual(since(), []);
  view.frame();
  assert.deepEqual(since(), ['there']);
  change('a');
  change('ab');
  view.frame();
  view.frame();
  assert.deepEqual([since(), asked], [['ab'], ['there', 'ab']]);
  change('ab');
  view.frame();
  assert.deepEqual(since(), [], 'the same text');
  assert.equal(view.timers.size, 0);
});

test('without frames, as in a hidden tab, the text gets an answer after 200 ms', () => {
  start();
  view.wait(200);
  assert.deepEqual([since(), view.frames.size], [[''], 0]);
});

test('with debounce, a changed text waits for a pause, and the first text does not', () => {
  start({ debounce: 50 });
  view.frame();
  assert.deepEqual(since(), ['']);
  change('a');
  change('ab');
  view.frame();
  assert.deepEqual([since(), view.timers.size], [[], 1]);
  view.wait(50);
  view.frame();
  assert.deepEqual(since(), ['ab']);
});

/** @param {string} type @param {string} [data] */
const composition = (type, data) => area.dispatchEvent(Object.assign(new Event(`composition${type}`), { data }));

for (const [mode, agent, text, live] of /** @type {[any, string, string, boolean][]} */ ([
  ['auto', 'Node', 'か', false],
  ['auto', 'Node', '한', true],
  ['auto', 'Android', 'か', true],
  ['wait', 'Android', '한', false],
  ['live', 'Node', 'か', true],
]))
  test(`composition ${mode}, ${agent}: ${text} ${live ? 'is answered while it is composed' : 'waits until it is committed'}`, () => {
    view.navigator.userAgent = agent;
    start({ composition: mode });
    view.frame();
    since();
    composition('start');
    composition('update', text);
    change(text);
    view.frame();
    assert.deepEqual(since(), live ? [text] : []);
    composition('end');
    view.frame();
    assert.deepEqual(since(), live ? [] : [text]);
  });

test('a composition that an element loses with its focus is read; refresh() reads it before', () => {
  const typing = start();
  view.frame();
  since();
  composition('start');
  composition('update');
  change('か');
  typing.refresh();
  view.frame();
  assert.deepEqual(since(), ['か']);
  change('かな');
  area.dispatchEvent(new Event('blur'));
  view.frame();
  assert.deepEqual(since(), ['かな']);
});

test('one text is asked about at a time, and an answer to a text that has changed since is dropped', async () => {
  /** @type {((answer: any) => void)[]} */
  const pending = [];
  const model = { predict: (/** @type {string} */ text) => (asked.push(text), new Promise((resolve) => pending.push(resolve))) };
  start({}, model);
  view.frame();
  change('a');
  view.frame();
  assert.deepEqual(asked, ['']);
  pending[0]({ label: '' });
  await Promise.resolve();
  view.frame();
  assert.deepEqual([since(), asked], [[], ['', 'a']]);
  pending[1]({ label: 'a' });
  await Promise.resolve();
  assert.deepEqual(since(), ['a']);
});

test('an error of the model is reported, and the next change asks again', async () => {
  /** @type {unknown[]} */
  const errors = [];
  const failing = {
    predict: (/** @type {string} */ text) => (text === 'later' ? Promise.reject(text) : assert.fail(text || 'now')),
  };
  start({ onError: (/** @type {any} */ error) => errors.push(error.message ?? error) }, failing);
  view.frame();
  change('later');
  view.frame();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(errors, ['now', 'later']);
  const uncaught = /** @type {any} */ (view);
  uncaught.reportError = (/** @type {any} */ error) => errors.push(`uncaught ${error.message}`);
  area.value = '';
  start({}, failing);
  view.frame();
  assert.equal(errors.at(-1), 'uncaught now');
});

test('detach() ends answers, timers, listeners and the session', () => {
  let closed = 0;
  const session = (/** @type {any} */ options) => ({
    update: (/** @type {string} */ text) => ({ label: text, options }),
    close: () => closed++,
  });
  const typing = start({ labels: ['x'] }, { ...echo, session });
  view.frame();
  assert.deepEqual([since(), asked], [[''], []]);
  change('a');
  typing.detach();
  typing.detach();
  change('ab');
  view.frame();
  typing.refresh();
  view.frame();
  assert.deepEqual([since(), closed, view.frames.size, view.timers.size], [[], 1, 0, 0]);
});

test('a model without sessions gets the labels with each text, or no options', () => {
  /** @type {any[]} */
  const options = [];
  const model = { predict: (/** @type {string} */ text, /** @type {any[]} */ ...given) => (options.push(given), { label: text }) };
  start({ labels: ['x'] }, model);
  start({}, model);
  view.frame();
  assert.deepEqual(options, [[{ labels: ['x'] }], []]);
});

test('a reset of the form asks again', () => {
  const root = new EventTarget();
  const form = new EventTarget();
  Object.assign(area, { form, getRootNode: () => root });
  start();
  view.frame();
  area.value = 'as it was';
  /** @param {any} target */
  const reset = (target) => root.dispatchEvent(Object.defineProperty(new Event('reset'), 'target', { value: target }));
  reset(new EventTarget());
  assert.equal(view.frames.size, 0);
  reset(form);
  view.frame();
  assert.deepEqual(since(), ['', 'as it was']);
});

const { weights } = random();
test('with the option worker, a copy of the model answers in a worker, which detach() ends', { timeout: 20_000 }, async (t) => {
  const layers = [
    ['Embedding', { name: 'e', input_dim: 4, output_dim: 2, mask_zero: true }],
    ['GlobalAveragePooling1D', { name: 'mean' }],
  ].map(([class_name, config]) => ({ class_name, config }));
  const model = await createModel({
    architecture: { class_name: 'Sequential', config: { name: 'model', layers } },
    weights,
    text: { vocabulary: ['', '<unk>', 'a', 'b'] },
    outputs: [{ name: 'mean', kind: 'scores', labels: ['x', 'y'] }],
  });
  area.value = 'ab';
  /** @type {any} */
  let typing;
  const answer = new Promise((resolve, reject) => {
    typing = start({ worker: true, onAnswer: resolve, onError: reject }, model);
  });
  const frames = setInterval(() => view.frame(), 5);
  t.after(() => clearInterval(frames));
  assert.deepEqual(await answer, model.predict('ab'));
  typing.detach();
  // The copy that is ready after detach() is closed, too: the process ends.
  start({ worker: true, onError: assert.fail }, model).detach();
});

/** @param {...any} children */
const editable = (...children) =>
  Object.assign(node('DIV', ...children), {
    ownerDocument: area.ownerDocument,
    getAttribute: () => 'true',
    getRootNode: area.getRootNode,
  });

for (const [children, text] of /** @type {[() => any[], string][]} */ ([
  [() => [], ''],
  [() => ['one', node('BR'), 'two', node('BR')], 'one\ntwo'],
  [() => ['one', node('DIV', 'two'), node('DIV', node('BR')), node('DIV', 'three')], 'one\ntwo\n\nthree'],
  [() => ['a\u00a0', node('B', 'b', node('I', 'c')), 'd'], 'a bcd'],
  [() => [node('P', 'a'), node('P', ''), node('P', 'b')], 'a\nb'],
  [() => ['a', node('SCRIPT', 'code()'), node('SPAN'), 'b'], 'ab'],
  [() => [node('UL', node('LI', 'a'), node('LI', node('SPAN', 'b'))), 'c'], 'a\nb\nc'],
]))
  test(`the text of an editable element is ${JSON.stringify(text)}`, () => {
    const typing = start({}, echo, editable(...children()));
    view.frame();
    assert.deepEqual(since(), [text]);
    assert.equal(typing.range(0, text.length + 1), null);
  });

test('range() finds the text nodes of a part of an editable element', () => {
  const typing = start({}, echo, editable('one', node('B', ' two'), node('P', 'three')));
  const found = (/** @type {number} */ from, /** @type {number} */ to) => {
    const { start: a, from: at, end: b, to: until } = /** @type {any} */ (typing.range(from, to));
    return [a.data, at, b.data, until];
  };
  assert.deepEqual(found(0, 3), ['one', 0, 'one', 3]);
  assert.deepEqual(found(3, 7), [' two', 0, ' two', 4]);
  assert.deepEqual(found(1, 10), ['one', 1, 'three', 2]);
  assert.deepEqual(found(3, 3), [' two', 0, ' two', 0]);
  assert.deepEqual(found(8, 13), ['three', 0, 'three', 5]);
  for (const [from, to] of [
    [-1, 2],
    [3, 2],
    [0, 14],
  ])
    assert.equal(typing.range(from, to), null);
  assert.equal(start().range(0, 0), null);
});

test('invalid arguments are refused, and the message names them', () => {
  for (const [element, model, options, said] of /** @type {[any, any, any, RegExp][]} */ ([
    [null, echo, {}, /^attach: element is null, expected an input, /],
    ['#box', echo, {}, /^attach: element is "#box", expected/],
    [node('#text', 'x'), echo, {}, /^attach: element is object, expected/],
    [
      Object.assign(node('INPUT'), { type: 'checkbox' }),
      echo,
      {},
      /^attach: element is an input of type "checkbox", expected one of text, /,
    ],
    [Object.assign(node('DIV'), { getAttribute: () => null }), echo, {}, /^attach: element is a <div> without contenteditable/],
    [Object.assign(node('DIV'), { getAttribute: () => 'FALSE' }), echo, {}, /^attach: element is a <div> without contenteditable/],
    [area, null, {}, /^attach: model is null, expected an object with predict\(\)$/],
    [area, {}, {}, /^attach: model is object, expected/],
    [area, echo, null, /^attach: onAnswer is undefined, expected a function$/],
    [area, echo, { onAnswer: 5 }, /^attach: onAnswer is number, expected a function$/],
    [area, echo, { onAnser() {} }, /^attach: option "onAnser" is unknown, expected some of onAnswer, onError, /],
    [area, echo, { onError: 5 }, /^attach: onError is number, expected a function$/],
    [area, echo, { debounce: -1 }, /^attach: debounce is -1, expected milliseconds$/],
    [area, echo, { debounce: Infinity }, /^attach: debounce is Infinity/],
    [area, echo, { debounce: '5' }, /^attach: debounce is "5"/],
    [area, echo, { composition: 'no' }, /^attach: composition is "no", expected 'auto', 'wait' or 'live'$/],
    [area, echo, { worker: 1 }, /^attach: worker is number, expected true, false or a Worker$/],
    [area, echo, { worker: true }, /^attach: option worker is set, but the model has no save\(\)/],
  ]))
    assert.throws(() => attach(element, model, options && { onAnswer, ...options }), says(ArgumentError, said));
  for (const options of [{ debounce: 0 }, { worker: false }, { worker: undefined, onError: undefined }]) start(options).detach();
  start({}, echo, Object.assign(area, { localName: 'input', type: 'search' })).detach();
});
