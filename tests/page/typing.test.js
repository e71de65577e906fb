/**
 * attach() in headless Chromium: real keys, events of input methods, and the listeners after detach().
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { importMap, servePages } from '../pages.js';
import { launch } from './chromium.js';

const html = `<!doctype html><meta charset="utf-8"><title>typing</title>${importMap()}
  <form><textarea id="area"></textarea><input id="line" value="stands here"><input id="box" type="checkbox"></form>
  <div id="rich" contenteditable="true"></div><div id="plain"></div>
  <script type="module" src="/typing.js"></script>`;

/** The script of the test page. `echo` is a model that answers with its text, and `log` collects the answers. */
const script = `
  import { attach } from 'padless/dom';
  import { loadModel } from 'padless';
  const log = [];
  const find = (id) => document.getElementById(id);
  const echo = { asked: [], predict(text) { this.asked.push(text); return { label: text }; } };
  const frames = (count = 2) => new Promise((resolve) => {
    const next = () => (count-- > 0 ? requestAnimationFrame(next) : resolve());
    next();
  });
  const typings = [];
  const start = (id, options = {}, model = echo) => {
    typings.push(window.typing = attach(find(id), model, {
      onAnswer: ({ label }, { text, ms }) => log.push([label, text, ms]), onError: (error) => log.push(String(error)), ...options,
    }));
  };
  const reset = () => {
    for (const typing of typings.splice(0)) typing.detach();
    document.activeElement.blur();
    document.forms[0].reset();
    find('rich').replaceChildren();
    echo.asked.length = log.length = 0;
  };
  const change = (id, value) => { find(id).value = value; find(id).dispatchEvent(new Event('input', { bubbles: true })); };
  const langid = () => loadModel(new URL('/web/models/langid-gru/langid-gru.safetensors', location.href));
  Object.assign(window, { attach, log, find, echo, frames, start, change, langid, reset, ready: true });`;

/** @type {{ url: string, close: () => void }} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {import('playwright-core').CDPSession} */
let cdp;
/** @type {string[]} */
let complaints;

before(async () => {
  server = await servePages({ '/typing.html': html, '/typing.js': script });
  browser = await launch();
  await open();
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** Waits until an expression is true. waitForFunction would compile it in the page, which the policy forbids. @param {string} expression */
async function until(expression) {
  for (let i = 0; i < 500; i++) {
    if (await page.evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`waited in vain for ${expression}`);
}

/** @param {import('playwright-core').BrowserContextOptions} [options] */
async function open(options) {
  page = await browser.newPage(options);
  page.setDefaultTimeout(30_000);
  complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${server.url}/typing.html`);
  await until('window.ready');
  cdp = await page.context().newCDPSession(page);
}
beforeEach(() => page.evaluate('reset()'));

afterEach(() => assert.deepEqual(complaints.splice(0), []));

/** The texts that got an answer since the last call, after all pending frames. */
const answered = () => page.evaluate('frames(3).then(() => log.splice(0).map((each) => Array.isArray(each) ? each[1] : each))');
/** @param {string} id @param {string} [options] @param {string} [model] */
const start = (id, options = '{}', model = 'echo') => page.evaluate(`start(${JSON.stringify(id)}, ${options}, ${model})`);
/** Sets the text that an input method is composing. @param {string} text */
const compose = (text) => cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
/** Ends the composition with this text. @param {string} text */
const commit = (text) => cdp.send('Input.insertText', { text });

for (const id of ['area', 'line', 'rich'])
  test(`#${id}: the existing text gets an answer at once, then each key gets one`, async () => {
    await start(id);
    assert.deepEqual(await answered(), [id === 'line' ? 'stands here' : '']);
    await page.locator(`#${id}`).focus();
    await page.keyboard.press('End');
    const base = id === 'line' ? 'stands here' : '';
    for (const text of ['a', 'ab', 'ab ', 'ab c']) {
      await page.keyboard.press(text.at(-1) ?? '');
      assert.deepEqual(await answered(), [base + text]);
    }
    await page.keyboard.press('Backspace');
    assert.deepEqual(await answered(), [`${base}ab `]);
  });

test('onAnswer also gets the text of the answer and the milliseconds that it took', async () => {
  await start(
    'area',
    '{}',
    `{ predict(text) {
      const begun = performance.now();
      while (performance.now() < begun + 20);
      window.took = performance.now() - begun;
      return { label: "slow" };
    } }`,
  );
  await answered();
  const [[label, text, ms], took, all] = /** @type {any} */ (
    await page.evaluate(`(async () => {
      const begun = performance.now();
      change('area', 'x');
      await frames();
      return [log.at(-1), took, performance.now() - begun];
    })()`)
  );
  assert.deepEqual([label, text], ['slow', 'x']);
  assert.ok(took <= ms && ms <= all, `${took} ms in predict, ${ms} ms, ${all} ms in all`);
});

test('changes within one frame cause one prediction, of the last text', async () => {
  await start('area');
  await answered();
  await page.evaluate(`for (let i = 0; i < 50; i++) change('area', 'text ' + i)`);
  assert.deepEqual(await answered(), ['text 49']);
  // The text is back at the one that has an answer: no prediction.
  await page.evaluate(`change('area', 'x'); change('area', 'text 49')`);
  assert.deepEqual(await answered(), []);
  const [asked, drawn] = /** @type {[number, number]} */ (
    await page.evaluate(async () => {
      const { echo, change } = /** @type {any} */ (window);
      const before_ = echo.asked.length;
      let [count, drawing] = [0, true];
      const draw = () => {
        count++;
        if (drawing) requestAnimationFrame(draw);
      };
      requestAnimationFrame(draw);
      for (let i = 0; count < 20; i++) {
        change('area', `key ${i}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      drawing = false;
      return [echo.asked.length - before_, count];
    })
  );
  assert.ok(asked > 3 && asked <= drawn + 1, `${asked} questions in ${drawn} frames`);
});

test('a hidden tab, which gets no animation frames, gets answers', async () => {
  await page.evaluate('window.drawn = requestAnimationFrame, window.requestAnimationFrame = () => 1');
  await start('line');
  await until('log.length === 1');
  await page.evaluate(`change('line', 'hidden')`);
  await until('log.length === 2');
  assert.deepEqual(await page.evaluate('window.requestAnimationFrame = drawn, log.map(([, text]) => text)'), [
    'stands here',
    'hidden',
  ]);
});

test('with debounce, a changed text is predicted after a pause, and the first text at once', async () => {
  await start('line', '{ debounce: 150 }');
  assert.deepEqual(await answered(), ['stands here']);
  await page.evaluate(`change('line', 'a'), setTimeout(() => change('line', 'ab'), 60)`);
  await until('log.length > 0');
  assert.deepEqual(await answered(), ['ab']);
});

for (const id of ['area', 'rich'])
  test(`#${id}: pinyin that is being composed causes no prediction, the committed text causes one`, async () => {
    await start(id);
    await page.locator(`#${id}`).focus();
    await page.keyboard.type('a');
    await answered();
    for (const reading of ['n', 'ni', 'ni h', 'ni hao']) {
      await compose(reading);
      assert.deepEqual(await answered(), []);
    }
    await commit('你好');
    assert.deepEqual(await answered(), ['a你好']);
    // The composition is cancelled: the text before it already has its answer.
    await compose('xu');
    await compose('');
    assert.deepEqual(await answered(), []);
    await page.keyboard.type('b');
    assert.deepEqual(await answered(), ['a你好b']);
  });

test('committed text gets an answer even if the next composition has already started', async () => {
  await start('area');
  await page.locator('#area').focus();
  await answered();
  await compose('にほん');
  // Both events come in one task, as from Japanese input methods that convert while the user types.
  await page.evaluate(() => {
    const area = /** @type {any} */ (document.getElementById('area'));
    area.addEventListener(
      'compositionend',
      () => {
        area.dispatchEvent(new CompositionEvent('compositionstart'));
        area.value = '日本g';
        area.dispatchEvent(new Event('input'));
      },
      { once: true },
    );
  });
  await commit('日本');
  assert.deepEqual(await answered(), ['日本']);
  await page.evaluate(`find('area').value = '日本語'; find('area').dispatchEvent(new CompositionEvent('compositionend'))`);
  assert.deepEqual(await answered(), ['日本語']);
});

test('an input event after compositionend, as in Firefox and Safari, causes no second prediction', async () => {
  await start('area');
  await answered();
  await page.evaluate(() => {
    const area = /** @type {any} */ (document.getElementById('area'));
    area.dispatchEvent(new CompositionEvent('compositionstart'));
    area.value = 'x';
    area.dispatchEvent(new CompositionEvent('compositionend'));
    area.dispatchEvent(new Event('input'));
  });
  assert.deepEqual(await answered(), ['x']);
  assert.deepEqual(await page.evaluate('echo.asked'), ['', 'x']);
});

test('Hangul gets an answer in each state of its composition', async () => {
  await start('area');
  await page.locator('#area').focus();
  await answered();
  for (const syllable of ['ㅎ', '하', '한']) {
    await compose(syllable);
    assert.deepEqual(await answered(), [syllable]);
  }
  await commit('한');
  assert.deepEqual(await answered(), []);
  await compose('ㄱ');
  assert.deepEqual(await answered(), ['한ㄱ']);
});

test('a dead key causes no prediction before its letter is typed', async () => {
  await start('area');
  await page.locator('#area').focus();
  await answered();
  await compose('´');
  assert.deepEqual(await answered(), []);
  await commit('é');
  assert.deepEqual(await answered(), ['é']);
});

test("composition: 'live' predicts text that is being composed, 'wait' does not even predict Hangul", async () => {
  await start('area', "{ composition: 'live' }");
  await page.locator('#area').focus();
  await answered();
  await compose('ni');
  assert.deepEqual(await answered(), ['ni']);
  await commit('你');
  await answered();
  await page.evaluate('typing.detach()');
  await start('area', "{ composition: 'wait' }");
  await answered();
  await compose('하');
  assert.deepEqual(await answered(), []);
  await page.evaluate('document.activeElement.blur()');
  assert.deepEqual(await answered(), ['你하']);
});

/** A model whose answers the test resolves one by one. */
const slow = `{
  waiting: [],
  predict(text) { return new Promise((resolve, reject) => this.waiting.push({ text, resolve: () => resolve({ label: text }), reject })); },
}`;

test('an answer to a text that has changed since is dropped, and at most one prediction is pending', async () => {
  await page.evaluate(`window.slow = ${slow}`);
  await start('line', '{}', 'slow');
  await answered();
  for (const text of ['a', 'ab', 'abc']) {
    await page.evaluate(`change('line', ${JSON.stringify(text)})`);
    assert.deepEqual(await answered(), []);
  }
  assert.deepEqual(await page.evaluate('slow.waiting.map(({ text }) => text)'), ['stands here']);
  await page.evaluate('slow.waiting.shift().resolve()');
  assert.deepEqual(await answered(), []);
  assert.deepEqual(await page.evaluate('slow.waiting.map(({ text }) => text)'), ['abc']);
  // A key comes in the same task as the answer.
  await page.evaluate(`slow.waiting.shift().resolve(), change('line', 'abcd')`);
  assert.deepEqual(await answered(), []);
  await page.evaluate('slow.waiting.shift().resolve()');
  assert.deepEqual(await answered(), ['abcd']);
  // An error for a text that has changed since is dropped, too.
  await page.evaluate(`change('line', 'x')`);
  await answered();
  await page.evaluate(`change('line', 'xy'), slow.waiting.shift().reject(new Error('late'))`);
  assert.deepEqual(await answered(), []);
  await page.evaluate('slow.waiting.shift().resolve()');
  assert.deepEqual(await answered(), ['xy']);
});

/** The event listeners of the window, the document, the form and its fields. */
async function listeners() {
  const counts = [];
  for (const expression of ['window', 'document', 'document.forms[0]', ...['area', 'line', 'rich'].map((id) => `find('${id}')`)]) {
    const { result } = await cdp.send('Runtime.evaluate', { expression });
    const found = await cdp.send('DOMDebugger.getEventListeners', { objectId: result.objectId ?? '' });
    counts.push(...found.listeners.map(({ type }) => `${expression} ${type}`));
  }
  return counts;
}

test('detach() removes all listeners, pending frames and pending answers, and may be called twice', async () => {
  const none = await listeners();
  await page.evaluate(`window.slow = ${slow}`);
  for (const [id, model] of [
    ['area', 'echo'],
    ['line', 'slow'],
    ['rich', 'echo'],
  ]) {
    await start(id, '{ debounce: 20 }', model);
    await answered();
    assert.ok((await listeners()).length > none.length + 4);
    await page.evaluate(`change('${id}', 'soon'), typing.detach(), typing.detach(), typing.refresh()`);
    assert.deepEqual(await listeners(), none);
  }
  await page.evaluate('slow.waiting.shift().resolve()');
  await page.waitForTimeout(60);
  assert.deepEqual(await answered(), []);
  // Detach before the requested frame comes.
  await page.evaluate(`echo.asked.length = 0, start('area'), typing.detach()`);
  assert.deepEqual(await answered(), []);
  assert.deepEqual(await page.evaluate('echo.asked'), []);
});

test('a model with sessions predicts through a session, which detach() closes', async () => {
  await page.evaluate(`window.sessions = [];
    window.model = { predict() { throw new Error('not asked'); }, session() {
      const session = { texts: [], update(text) { this.texts.push(text); return { label: text }; }, close() { this.closed = true; } };
      sessions.push(session);
      return session;
    } }`);
  await start('line', '{}', 'model');
  await answered();
  await page.evaluate(`change('line', 'next')`);
  assert.deepEqual(await answered(), ['next']);
  await page.evaluate('typing.detach()');
  assert.deepEqual(await page.evaluate('JSON.parse(JSON.stringify(sessions))'), [{ texts: ['stands here', 'next'], closed: true }]);
});

test('a form reset causes a prediction; a change by a script does so after refresh()', async () => {
  await start('line');
  await answered();
  await page.evaluate(`change('line', 'typed')`);
  assert.deepEqual(await answered(), ['typed']);
  await page.evaluate('document.forms[0].reset()');
  assert.deepEqual(await answered(), ['stands here']);
  await page.evaluate(`find('line').value = 'by script'`);
  assert.deepEqual(await answered(), []);
  await page.evaluate('typing.refresh()');
  assert.deepEqual(await answered(), ['by script']);
  // refresh() predicts even if the text has not changed.
  await page.evaluate('typing.refresh()');
  assert.deepEqual(await answered(), ['by script']);
});

test('contenteditable: the text has the typed line breaks and spaces', async () => {
  await start('rich');
  await page.locator('#rich').focus();
  await page.keyboard.type('Guten ');
  assert.deepEqual((await answered()).at(-1), 'Guten ');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Morgen 😀');
  assert.deepEqual((await answered()).at(-1), 'Guten \n\nMorgen 😀');
});

test('contenteditable: markup has the right text, and range() finds every word of it', async () => {
  /** @type {[string, string][]} */
  const cases = [
    ['one<b>two</b> three', 'onetwo three'],
    ['one<br>two<br><br>three<br>', 'one\ntwo\n\nthree'],
    ['<p>one</p><p><i>two</i><br></p><ul><li>three</li><li><div>four</div></li></ul>five', 'one\ntwo\nthree\nfour\nfive'],
    ['<div>one</div><div><br></div><div>two&nbsp;</div>', 'one\n\ntwo '],
    ['<br>one<script>x</script><!-- y --><div></div>', '\none'],
    ['', ''],
  ];
  await start('rich');
  for (const [markup, text] of cases) {
    await page.evaluate(`find('rich').innerHTML = ${JSON.stringify(markup)}, typing.refresh()`);
    assert.deepEqual((await answered()).at(-1), text);
    for (const { 0: word, index } of text.matchAll(/\p{L}+/gu)) {
      const range = await page.evaluate(`String(typing.range(${index}, ${index + word.length}))`);
      assert.equal(range, word);
    }
    assert.equal(await page.evaluate(`typing.range(0, ${text.length + 1})`), null);
  }
  // Between two text nodes, a range starts and ends in the node of its text.
  await page.evaluate(`find('rich').innerHTML = 'one<b>two</b>'`);
  const ends = '(({ startContainer, endContainer }) => [startContainer.data, endContainer.data])';
  assert.deepEqual(await page.evaluate(`[...${ends}(typing.range(0, 3)), ...${ends}(typing.range(3, 6))]`), [
    'one',
    'one',
    'two',
    'two',
  ]);
  await start('area');
  assert.equal(await page.evaluate('typing.range(0, 0)'), null);
});

test('onError gets an error, and the next key causes a prediction again; without onError the error is uncaught', async () => {
  const model = '{ predict(text) { if (text.includes("!")) throw new RangeError("no " + text); return { label: text }; } }';
  await start('line', '{}', model);
  await answered();
  await page.evaluate(`change('line', '!')`);
  assert.deepEqual(await answered(), ['RangeError: no !']);
  await page.evaluate(`change('line', 'well')`);
  assert.deepEqual(await answered(), ['well']);
  await page.evaluate('typing.detach()');
  await start('line', '{ onError: undefined }', model);
  await page.evaluate(`change('line', '!')`);
  await answered();
  assert.deepEqual(complaints.splice(0), ['RangeError: no !']);
});

test('invalid arguments are refused with an error that names them', async () => {
  const onAnswer = 'onAnswer() {}';
  for (const [call, message] of [
    [`attach(null, echo, { ${onAnswer} })`, /element is null/],
    [`attach(find('box'), echo, { ${onAnswer} })`, /type "checkbox"/],
    [`attach(find('plain'), echo, { ${onAnswer} })`, /<div> without contenteditable/],
    [`attach(find('area'), {}, { ${onAnswer} })`, /model is object/],
    [`attach(find('area'), echo)`, /onAnswer is undefined/],
    [`attach(find('area'), echo, { ${onAnswer}, onanswer: 1 })`, /option "onanswer" is unknown/],
    [`attach(find('area'), echo, { ${onAnswer}, onError: 1 })`, /onError is number/],
    [`attach(find('area'), echo, { ${onAnswer}, debounce: -1 })`, /debounce is -1/],
    [`attach(find('area'), echo, { ${onAnswer}, composition: 'never' })`, /composition is "never"/],
    [`attach(find('area'), echo, { ${onAnswer}, worker: 2 })`, /worker is number/],
    [`attach(find('area'), echo, { ${onAnswer}, worker: true })`, /no save\(\)/],
  ]) {
    const said = await page.evaluate(`try { ${call}; 'nothing' } catch (error) { error.name + ': ' + error.message }`);
    assert.match(String(said), /^ArgumentError: attach: /);
    assert.match(String(said), /** @type {RegExp} */ (message));
  }
});

test('the language model answers as predict() does, also from a worker, which detach() terminates', async () => {
  const same = `async (worker) => {
    const model = await langid();
    const seen = [];
    start('line', { worker, onAnswer: (answer, { text }) => seen.push(JSON.stringify(answer) === JSON.stringify(model.predict(text)) && text) }, model);
    for (const text of ['', 'Guten', 'Guten Morgen', 'a\\ud800', 'Guten Abend']) {
      change('line', text);
      while (seen.at(-1) !== text) { if (seen.includes(false) || log.length) return JSON.stringify([seen, log]); await frames(1); }
    }
    return 'the same';
  }`;
  assert.equal(await page.evaluate(`(${same})(false)`), 'the same');
  await page.evaluate('typing.detach()');
  assert.equal(await page.evaluate(`(${same})(true)`), 'the same');
  assert.equal(page.workers().length, 1);
  await page.evaluate('typing.detach()');
  while (page.workers().length) await page.waitForTimeout(10);
});

test('while a worker answers a long text, the page still draws frames', async () => {
  const frames = /** @type {number} */ (
    await page.evaluate(async () => {
      const { attach, find, langid } = /** @type {any} */ (window);
      const { createModel } = await import(/** @type {any} */ ('padless'));
      const { settings, root } = await langid();
      // The same model without a maximum length.
      const own = new Map(root.listWeights().map((/** @type {any} */ { path, layer, spec }) => [path, layer.weight(spec.name)]));
      const text = { ...settings.text, maxlen: null };
      const { architecture, outputs } = settings;
      const model = await createModel({ architecture, outputs, text, weights: () => own });
      /** @type {any} */
      let resolve;
      const typing = attach(find('line'), model, {
        worker: true,
        onAnswer: (/** @type {any} */ _, /** @type {any} */ about) => resolve(about),
      });
      await new Promise((answered_) => (resolve = answered_));
      const answer = new Promise((answered_) => (resolve = answered_));
      find('line').value = 'long '.repeat(6000);
      find('line').dispatchEvent(new Event('input'));
      let [count, waiting] = [0, true];
      const draw = (/** @type {number} */ _) => {
        count++;
        if (waiting) requestAnimationFrame(draw);
      };
      requestAnimationFrame(draw);
      await answer;
      waiting = false;
      typing.detach();
      return count;
    })
  );
  assert.ok(frames > 5, `${frames} frames before the answer`);
});

test('a pasted megabyte is truncated by the model and gets an answer', async () => {
  await page.evaluate(`langid().then((model) => { window.model = model; start('area', {}, model); })`);
  const truncated = await page.evaluate(async () => {
    const { find, frames, log } = /** @type {any} */ (window);
    await frames();
    find('area').focus();
    // This command causes the same events as a paste.
    document.execCommand('insertText', false, 'pasted text '.repeat(87_400));
    await frames();
    return [log.at(-1)[1].length, log.at(-1)[0]];
  });
  assert.deepEqual(truncated, [1_048_800, 'en']);
});

test('with the option labels, the answer is one of these labels', async () => {
  await page.locator('#area').fill('Guten Morgen');
  await page.evaluate(`langid().then((model) => start('area', { labels: ['en', 'nl'] }, model))`);
  await until('log.length > 0');
  assert.equal(await page.evaluate('log[0][0]'), 'nl');
});

test('on Android, where keyboards compose every word, each letter gets an answer', async () => {
  await page.close();
  await open({ userAgent: 'Mozilla/5.0 (Linux; Android 14) Chrome/156.0' });
  await start('area');
  await page.locator('#area').focus();
  await answered();
  await compose('Gu');
  assert.deepEqual(await answered(), ['Gu']);
});
