/**
 * The page in Firefox: typing with real keys, choosing a file, the same bits with any padding, and times in this browser.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../../web/serve.js';
import { launch, withFirefox } from './launch.js';

withFirefox(() => {
  /** @type {{ url: string, close: () => void }} */
  let server;
  /** @type {import('puppeteer-core').Browser} */
  let browser;
  /** @type {import('puppeteer-core').Page} */
  let page;
  /** @type {string[]} */
  const complaints = [];

  before(async () => {
    server = await serve();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    server?.close();
  });
  beforeEach(async () => {
    complaints.length = 0;
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    // Anything that the Content-Security-Policy blocks is an error there, too.
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${server.url}web/#try?text=`);
    await page.waitForSelector('#about:not(:empty)');
  });
  afterEach(async () => {
    await page.close();
    assert.deepEqual(complaints, []);
  });

  /** @param {string} selector */
  const textsOf = (selector) => page.$$eval(selector, (all) => all.map((each) => each.textContent ?? ''));

  test('the answer to German text is German, and the page shows the contribution of its characters', async () => {
    await page.type('#text', 'Guten Morgen, wie geht es Ihnen?');
    await page.waitForSelector('#answer li:first-child[data-label=de]');
    await page.waitForSelector('#heat:not([hidden])');
    // Wait until the heat map shows the whole text.
    await page.waitForFunction("document.getElementById('heat-text').textContent === 'Guten Morgen, wie geht es Ihnen?'");
    assert.equal((await textsOf('#answer li')).length, 5);
    assert.match((await textsOf('#time'))[0], /^\d+\.\d ms$/);
  });

  test('padding changes no bit of the answer', async () => {
    await page.click('nav a[href="#inside"]');
    await page.type('#sentence', 'Guten Tag');
    await page.waitForSelector('#same');
    assert.deepEqual(await textsOf('#same'), ['the same']);
    assert.deepEqual(await textsOf('#bits'), await textsOf('#bits-without'));
    assert.deepEqual(await textsOf('#differs'), ['different']);
  });

  test('a .keras file that the user chooses is read and answers', async () => {
    await page.click('nav a[href="#yours"]');
    const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (await page.$('#files'));
    await input.uploadFile(fileURLToPath(new URL('../models/keras-files/bilstm-tagger.keras', import.meta.url)));
    await page.waitForSelector('#yours-box:not([hidden])');
    await page.type('#yours-text', '3 1 4');
    await page.waitForFunction(() => document.querySelectorAll('#yours-answer pre').length > 0);
    assert.match((await textsOf('#yours-answer pre'))[0], /^ {2}0 {2}-?\d\.\d{4}/);
  });

  test('the page times both builds', async () => {
    await page.click('nav a[href="#speed"]');
    await page.click('#measure');
    await page.waitForFunction(() => document.querySelector('#speed-status')?.textContent === 'Measured.');
    const times = await textsOf('#speeds [data-engine=baseline] td:nth-child(3)');
    assert.equal(times.length, 5);
    for (const time of times) assert.ok(parseFloat(time) > 0, time);
  });
});
