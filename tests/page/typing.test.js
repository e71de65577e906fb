/**
 * attach() in headless Chromium: real keys, events of input methods, and the listeners after detach().
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, cdp, commit, compose, page, start, until } from './typing-page.js';

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
