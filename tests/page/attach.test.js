/**
 * What attach() does with elements, frames, models and options. tests/page/typing.test.js tests it with real keys and input methods.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, browser, cdp, commit, complaints, compose, page, start } from './typing-page.js';

/** The result of statements in the page. @param {string} statements @returns {Promise<any>} */
const inPage = (statements) => page.evaluate(`(async () => { ${statements} })()`);

test('the text gets an answer in the first frame, then once in each frame with a change', async () => {
  const found = await inPage(`
    const seen = [];
    find('area').value = 'there';
    start('area');
    seen.push(since());
    await frames(1);
    seen.push(since());
    change('area', 'a');
    change('area', 'ab');
    seen.push(since());
    await frames(1);
    seen.push(since());
    change('area', 'ab');
    await frames(2);
    return [...seen, since(), echo.asked];`);
  assert.deepEqual(found, [[], ['there'], [], ['ab'], [], ['there', 'ab']]);
});

test('without frames, as in a hidden frame, the text gets an answer; a frame that comes later reads nothing', async () => {
  const other = await browser.newPage();
  // A document of another origin that is not displayed gets no frames.
  await other.setContent(`<iframe src="${page.url()}" style="display: none"></iframe>`);
  const [, hidden] = other.frames();
  await hidden.waitForLoadState();
  const found = await hidden.evaluate(`(async () => {
    const later = () => new Promise((resolve) => setTimeout(resolve, 5));
    window.drawn = false;
    requestAnimationFrame(() => (drawn = true));
    const seen = [];
    start('line');
    for (const text of ['stands here', 'hidden']) {
      change('line', text);
      while (!log.length) await later();
      seen.push(drawn, ...since());
    }
    find('line').value = 'changed by a script';
    return seen;
  })()`);
  assert.deepEqual(found, [false, 'stands here', false, 'hidden']);
  await other.evaluate(`document.querySelector('iframe').style.display = ''`);
  assert.deepEqual(await hidden.evaluate('frames(3).then(() => [drawn, since()])'), [true, []]);
  await other.close();
});

test('an element of a document without a window gets answers in the frames of this one', async () => {
  const found = await inPage(`
    start(document.implementation.createHTMLDocument().createElement('textarea'));
    await frames(1);
    return since();`);
  assert.deepEqual(found, ['']);
});

for (const [mode, agent, text, live] of /** @type {[string, string, string, boolean][]} */ ([
  ['auto', 'Linux', 'か', false],
  ['auto', 'Linux', '한', true],
  ['auto', 'Linux', '한か', false],
  ['auto', 'Android', 'か', true],
  ['wait', 'Android', '한', false],
  ['live', 'Linux', 'か', true],
]))
  test(`composition ${mode}, ${agent}: ${text} ${live ? 'gets an answer while it is composed' : 'waits until it is committed'}`, async () => {
    await cdp.send('Emulation.setUserAgentOverride', { userAgent: `Mozilla/5.0 (${agent})` });
    await start('area', `{ composition: '${mode}' }`);
    await page.locator('#area').focus();
    await answered();
    await compose(text);
    assert.deepEqual(await answered(), live ? [text] : []);
    await commit(text);
    assert.deepEqual(await answered(), live ? [] : [text]);
    await cdp.send('Emulation.setUserAgentOverride', { userAgent: '' });
  });

test('refresh() reads a composition; the end of the focus does, too, also without compositionend', async () => {
  await start('area');
  await page.locator('#area').focus();
  await answered();
  await compose('か');
  await page.evaluate('typing.refresh()');
  assert.deepEqual(await answered(), ['か']);
  await compose('かな');
  assert.deepEqual(await answered(), []);
  await page.evaluate(`find('area').dispatchEvent(new FocusEvent('blur'))`);
  assert.deepEqual(await answered(), ['かな']);
  await compose('かなが');
  await page.evaluate('document.activeElement.blur()');
  assert.deepEqual(await answered(), ['かなが']);
});

test('an error of the model is reported, and the next change asks again; without onError it is uncaught', async () => {
  await page.evaluate(`window.failing = { predict(text) {
    if (text === 'later') return Promise.reject(new RangeError(text));
    if (text === 'now') throw new RangeError(text);
    return { label: text };
  } }`);
  await start('area', '{}', 'failing');
  assert.deepEqual(await answered(), ['']);
  for (const [text, said] of [
    ['now', 'RangeError: now'],
    ['later', 'RangeError: later'],
    ['well', 'well'],
  ]) {
    await page.evaluate(`change('area', '${text}')`);
    assert.deepEqual(await answered(), [said]);
  }
  for (const remove of ['', 'window.reportError = undefined']) {
    await page.evaluate(`${remove}; typing.detach(); change('area', 'now'); start('area', { onError: undefined }, failing)`);
    await answered();
    assert.deepEqual(complaints.splice(0), ['RangeError: now']);
  }
});

test('a session gets the labels and all texts, and detach() closes it once', async () => {
  const found = await inPage(`
    const [opened, texts, closed] = [[], [], []];
    const session = (options) => {
      opened.push(options);
      return { update: (text) => (texts.push(text), { label: text }), close: () => closed.push(texts.length) };
    };
    start('area', { labels: ['x'] }, { predict() { throw new Error('not asked'); }, session });
    await frames();
    change('area', 'a');
    await frames();
    change('area', 'ab');
    typing.detach();
    typing.detach();
    typing.refresh();
    await frames();
    return { opened, texts, closed, answers: since() };`);
  assert.deepEqual(found, { opened: [{ labels: ['x'] }], texts: ['', 'a'], closed: [2], answers: ['', 'a'] });
});

test('a model without sessions gets the labels with each text, or no options', async () => {
  const found = await inPage(`
    const given = [];
    const model = { predict(...args) { given.push(args); return { label: '' }; } };
    start('area', { labels: ['x'] }, model);
    await frames();
    start('area', {}, model);
    await frames();
    return given;`);
  assert.deepEqual(found, [['', { labels: ['x'] }], ['']]);
});

test('a reset of its form asks again, also in a shadow tree; a reset of another form does not', async () => {
  const found = await inPage(`
    const host = document.body.appendChild(document.createElement('div'));
    const tree = host.attachShadow({ mode: 'open' });
    tree.innerHTML = '<form id="own"><textarea>as it was</textarea></form><form id="other"></form>';
    const [own, other, area] = ['#own', '#other', 'textarea'].map((each) => tree.querySelector(each));
    const seen = [];
    start(area);
    await frames();
    area.value = 'by script';
    other.reset();
    await frames();
    seen.push(since());
    own.reset();
    await frames();
    typing.detach();
    change(area, 'after detach()');
    own.reset();
    await frames();
    host.remove();
    return [...seen, since(), echo.asked];`);
  assert.deepEqual(found, [['as it was'], [], ['as it was']]);
});

test('a copy of the model that is ready only after detach() is closed, too', async () => {
  const ended = page.waitForEvent('worker').then((worker) => worker.waitForEvent('close'));
  await page.evaluate(`langid().then((model) => start('area', { worker: true }, model).detach())`);
  await ended;
  assert.deepEqual(await answered(), []);
});

/** Fills the editable element. @param {string} markup */
const fill = (markup) => page.evaluate(`find('rich').innerHTML = ${JSON.stringify(markup)}`);

for (const [markup, text] of [
  ['', ''],
  ['one<b>two</b> three', 'onetwo three'],
  ['one<br>two<br>', 'one\ntwo'],
  ['one<br>two<br><br>three<br>', 'one\ntwo\n\nthree'],
  ['one<div>two</div><div><br></div><div>three</div>', 'one\ntwo\n\nthree'],
  ['<div>one</div><div><br></div><div>two&nbsp;</div>', 'one\n\ntwo '],
  ['a&nbsp;<b>b<i>c</i></b>d', 'a bcd'],
  ['<p>a</p><p></p><p>b</p>', 'a\nb'],
  ['<br>one<script>x</script><!-- y --><div></div>', '\none'],
  ['a<script>code()</script><template>c</template><span></span> b', 'a b'],
  ['<ul><li>a</li><li><span>b</span></li></ul>c', 'a\nb\nc'],
  ['<p>one</p><p><i>two</i><br></p><ul><li>three</li><li><div>four</div></li></ul>five', 'one\ntwo\nthree\nfour\nfive'],
])
  test(`the text of ${markup || 'an empty element'} is ${JSON.stringify(text)}, and range() finds every word of it`, async () => {
    await fill(markup);
    const words = [...text.matchAll(/\p{L}+/gu)].map(({ 0: word, index }) => ({ word, start: index, end: index + word.length }));
    const [texts, ranges] = await inPage(`
      start('rich');
      await frames(1);
      return [since(), ${JSON.stringify(words)}.map(({ start, end }) => String(typing.range(start, end)))];`);
    assert.deepEqual([texts, ranges], [[text], words.map(({ word }) => word)]);
  });

test('an empty text node adds neither a line nor a place to the text of an editable element', async () => {
  await fill('<p>a</p><p></p><p>b</p>');
  const found = await inPage(`
    find('rich').children[1].append('');
    start('rich');
    await frames(1);
    const { startContainer, startOffset } = typing.range(1, 1);
    return [since(), startContainer.data, startOffset];`);
  assert.deepEqual(found, [['a\nb'], 'a', 1]);
});

test('range() starts and ends in the text nodes of a part of an editable element', async () => {
  await fill('one<b> two</b><p>three</p>');
  await start('rich');
  for (const [from, to, found] of /** @type {[number, number, any][]} */ ([
    [0, 3, ['one', 0, 'one', 3]],
    [3, 7, [' two', 0, ' two', 4]],
    [1, 10, ['one', 1, 'three', 2]],
    [3, 3, [' two', 0, ' two', 0]],
    [0, 0, ['one', 0, 'one', 0]],
    [8, 13, ['three', 0, 'three', 5]],
    [13, 13, ['three', 5, 'three', 5]],
    [-1, 2, null],
    [3, 2, null],
    [0, 14, null],
  ])) {
    const range = await inPage(`
      const range = typing.range(${from}, ${to});
      return range && [range.startContainer.data, range.startOffset, range.endContainer.data, range.endOffset];`);
    assert.deepEqual(range, found, `${from}, ${to}`);
  }
  await fill('');
  assert.equal(await page.evaluate('typing.range(0, 0)'), null);
  await start('area');
  assert.equal(await page.evaluate('typing.range(0, 0)'), null);
});

test('invalid arguments are refused, and the message names them', async () => {
  const div = (/** @type {string} */ value) => `Object.assign(document.createElement('div'), { contentEditable: '${value}' })`;
  for (const [args, said] of /** @type {[string, RegExp][]} */ ([
    ['null', /^element is null, expected an input, a textarea or /],
    [`'#box'`, /^element is "#box", expected/],
    [`new Text('x')`, /^element is object, expected/],
    [`find('box')`, /^element is an input of type "checkbox", expected one of text, /],
    [`find('plain')`, /^element is a <div> without contenteditable/],
    [div('false'), /^element is a <div> without contenteditable/],
    [
      `(find('plain').innerHTML = '<p contenteditable=FALSE>', find('plain').firstChild)`,
      /^element is a <p> without contenteditable/,
    ],
    [`find('area'), null`, /^model is null, expected an object with predict\(\)$/],
    [`find('area'), {}`, /^model is object, expected/],
    [`find('area'), echo, null`, /^onAnswer is undefined, expected a function$/],
    [`find('area'), echo, undefined`, /^onAnswer is undefined, expected a function$/],
    [`find('area'), echo, { onAnswer: 5 }`, /^onAnswer is number, expected a function$/],
    [`find('area'), echo, { onAnswer, onAnser() {} }`, /^option "onAnser" is unknown, expected some of onAnswer, onError, /],
    [`find('area'), echo, { onAnswer, onError: 5 }`, /^onError is number, expected a function$/],
    [`find('area'), echo, { onAnswer, debounce: -1 }`, /^debounce is -1, expected milliseconds$/],
    [`find('area'), echo, { onAnswer, debounce: Infinity }`, /^debounce is Infinity/],
    [`find('area'), echo, { onAnswer, debounce: '5' }`, /^debounce is "5"/],
    [`find('area'), echo, { onAnswer, composition: 'no' }`, /^composition is "no", expected 'auto', 'wait' or 'live'$/],
    [`find('area'), echo, { onAnswer, worker: 1 }`, /^worker is number, expected true, false or a Worker$/],
    [`find('area'), echo, { onAnswer, worker: true }`, /^option worker is set, but the model has no save\(\)/],
  ])) {
    const [name, message] = await inPage(`
      const onAnswer = () => {};
      const withDefaults = (element, model = echo, ...options) => attach(element, model, ...(options.length ? options : [{ onAnswer }]));
      try { withDefaults(${args}); } catch (error) { return [error.name, error.message]; }
      return ['nothing', ''];`);
    assert.equal(name, 'ArgumentError', args);
    assert.match(message.replace(/^attach: /, ''), said);
  }
});

test('options with their defaults, and each type of input that contains text, are taken', async () => {
  for (const options of ['{ debounce: 0 }', '{ worker: false }', '{ worker: undefined, onError: undefined }'])
    await start('area', options);
  const refused = await inPage(`
    const types = ['text', 'search', 'url', 'tel', 'email', 'password', 'number', 'date', 'range', 'file', 'hidden', 'submit'];
    const input = document.createElement('input');
    return types.filter((type) => {
      input.type = type;
      try { start(input); } catch { return true; }
    });`);
  assert.deepEqual(refused, ['date', 'range', 'file', 'hidden', 'submit']);
});

// The clock of the page stands still from here on, until a test lets milliseconds pass.
test('with debounce, a changed text waits for a pause, and the first text does not', async () => {
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await start('area', '{ debounce: 1000 }');
  /** The answers after so many milliseconds. @param {number} ms */
  const pass = async (ms) => {
    await page.clock.runFor(ms);
    return page.evaluate('since()');
  };
  assert.deepEqual(await pass(100), ['']);
  await page.evaluate(`change('area', 'a')`);
  assert.deepEqual(await pass(900), []);
  await page.evaluate(`change('area', 'ab')`);
  assert.deepEqual(await pass(900), []);
  assert.deepEqual(await pass(200), ['ab']);
});

test('after the frame that reads the text, nothing reads it until the next change', async () => {
  await start('area');
  await page.clock.runFor(100);
  await page.evaluate(`find('area').value = 'changed by a script'`);
  await page.clock.runFor(10_000);
  assert.deepEqual(await page.evaluate('since()'), ['']);
});

test('while changes are debounced, a late answer to an older text does not end the pause', async () => {
  await page.evaluate(`window.answers = [],
    window.slow = { predict: (text) => new Promise((resolve) => answers.push({ text, give: () => resolve({ label: text }) })) }`);
  await start('area', '{ debounce: 1000 }', 'slow');
  await page.clock.runFor(100);
  await page.evaluate(`change('area', 'a'), answers[0].give()`);
  await page.clock.runFor(900);
  assert.deepEqual(await page.evaluate('answers.map(({ text }) => text)'), ['']);
  await page.clock.runFor(200);
  assert.deepEqual(await page.evaluate('answers.map(({ text }) => text)'), ['', 'a']);
});
