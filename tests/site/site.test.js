/**
 * Tests the pages that `make site` has built, in headless Chromium: `make test-site`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serveFolder } from '../bundlers/project.js';
import { launch } from '../page/chromium.js';

const folder = fileURLToPath(new URL('../../build/site/', import.meta.url));
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (path) => /^[^_].*\.html$/.test(path) && path !== '404.html',
);

/** @type {Awaited<ReturnType<typeof serveFolder>>} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
const complaints = [];

before(async () => {
  server = await serveFolder(folder);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});
beforeEach(async () => {
  complaints.length = 0;
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'block' });
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => {
    const absent = message.location().url.includes('/packages/') || message.location().url.endsWith('/favicon.ico');
    if (['error', 'warning'].includes(message.type()) && !absent && !/Service Worker/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
});
afterEach(async () => {
  await page.close();
  assert.deepEqual(complaints, []);
});

test('each page opens, and each link on it leads to a page and a heading that exist', async () => {
  assert.ok(paths.length > 30);
  /** The ids of a page, by its path. @type {Map<string, Set<string>>} */
  const ids = new Map();
  /** @type {{ from: string, to: URL }[]} */
  const links = [];
  for (const path of paths) {
    await page.goto(server.url + path);
    const found = await page.evaluate(() => ({
      ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      links: [...document.querySelectorAll('a[href]')].map((a) => /** @type {HTMLAnchorElement} */ (a).href),
    }));
    ids.set(`/${path.replaceAll('\\', '/')}`, new Set(found.ids));
    links.push(...found.links.map((href) => ({ from: path, to: new URL(href) })));
  }
  const dead = links
    .filter(({ to }) => to.origin === new URL(server.url).origin)
    .filter(({ from, to }) => {
      const path = to.pathname.endsWith('/') ? `${to.pathname}index.html` : to.pathname;
      const known = ids.get(path);
      // The demo keeps its state in the fragment of the address.
      if (known) return to.hash && !path.startsWith('/web/') && !known.has(decodeURIComponent(to.hash.slice(1)));
      return !readdirSync(new URL('.', `file://${folder}${path.slice(1)}`)).includes(String(path.split('/').pop())) && from;
    });
  assert.deepEqual([...new Set(dead.map(({ from, to }) => `${from}: ${to.pathname}${to.hash}`))], []);
});

/** Characters that HTML writes by name or by number. @param {string} html */
const unescaped = (html) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#x(\w+)|#(\d+)|lt|gt|quot);/g, (entity, hex, decimal) =>
      hex || decimal
        ? String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal))
        : /** @type {Record<string, string>} */ ({ '&lt;': '<', '&gt;': '>', '&quot;': '"' })[entity],
    )
    .replaceAll('&amp;', '&');

test('the guides and cards show the code of the repository, character for character', () => {
  const root = new URL('../../', import.meta.url);
  /** @type {string[]} */
  const missing = [];
  let compared = 0;
  for (const [path, source] of paths.flatMap((each) => {
    const [, kind, name] = /^(docs|models)\/(.+)\.html$/.exec(each) ?? [];
    return kind ? [[each, kind === 'docs' ? `web/docs/${name}.md` : `web/models/${name}/README.md`]] : [];
  })) {
    const html = readFileSync(folder + path, 'utf8');
    const shown = new Set([...html.matchAll(/<code[^>]*>([^]*?)<\/code>/g)].map(([, inside]) => unescaped(inside).trim()));
    const text = readFileSync(new URL(source, root), 'utf8');
    const blocks = [...text.matchAll(/^```\w*\n([^]*?)^```$/gm)].map(([, block]) => block.trim());
    const spans = [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) =>
      span.replaceAll('\\|', '|').trim(),
    );
    for (const expected of [...blocks, ...spans]) if (!shown.has(expected)) missing.push(`${path}: ${expected}`);
    compared += blocks.length + spans.length;
  }
  assert.ok(compared > 1000, `${compared}`);
  assert.deepEqual(missing, []);
});

test('a card shows its plot of accuracy against download', async () => {
  const models = fileURLToPath(new URL('../../web/models/', import.meta.url));
  const pictures = readdirSync(models, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.svg'));
  assert.ok(pictures.length > 0);
  for (const path of pictures) {
    await page.goto(`${server.url}models/${path.split('/')[0]}.html`);
    const image = page.locator(`img[src$="models/${path}"]`);
    assert.ok(await image.evaluate((each) => /** @type {HTMLImageElement} */ (each).decode().then(() => true)), path);
  }
});

test('the search finds a setting and opens its page, by keyboard alone', async () => {
  await page.goto(`${server.url}index.html`);
  // The page reacts to keys only after its scripts have run.
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#app'))?.__vue_app__);
  await page.keyboard.press('Control+k');
  await page.waitForSelector('.VPLocalSearchBox input');
  await page.keyboard.type('maxlen');
  await page.waitForSelector('.VPLocalSearchBox .result');
  assert.match((await page.locator('.VPLocalSearchBox .results').textContent()) ?? '', /maxlen/);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.querySelector('.VPLocalSearchBox') && location.pathname !== '/index.html');
  await page.waitForFunction(() => /maxlen/.test(document.querySelector('main')?.textContent ?? ''));
});

test('the demo answers a text, and the API reference has the functions of the package', async () => {
  await page.goto(`${server.url}web/index.html#try`);
  await page.locator('#text').fill('Guten Morgen, wie geht es Ihnen?');
  await page.waitForFunction(() => /German/.test(document.querySelector('#answer')?.textContent ?? ''));
  await page.goto(`${server.url}api/padless.html`);
  const text = (await page.locator('main').textContent()) ?? '';
  for (const name of ['loadModel', 'createModel', 'init', 'Session']) assert.match(text, new RegExp(`\\b${name}\\b`));
});

/** Violations that axe-core finds in VitePress's own theme, and tables whose first column needs no header. */
const accepted = ['empty-table-header', 'label-content-name-mismatch', 'landmark-one-main', 'nested-interactive', 'region'];

for (const colorScheme of /** @type {const} */ (['light', 'dark']))
  test(`axe-core finds nothing in the ${colorScheme}, and nothing scrolls sideways at 360 pixels`, async () => {
    await page.emulateMedia({ colorScheme });
    for (const path of ['index.html', 'docs/start.html', 'docs/convert.html', 'models/langid.html', 'api/padless.html']) {
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(server.url + path);
      await page.addScriptTag({ path: axe });
      const violations = await page.evaluate(async (ids) => {
        const rules = Object.fromEntries(ids.map((id) => [id, { enabled: false }]));
        return (await /** @type {any} */ (window).axe.run(document, { rules })).violations;
      }, accepted);
      const found = violations.map((/** @type {any} */ { id, nodes }) => `${path}: ${id}: ${nodes[0].html.slice(0, 200)}`);
      assert.deepEqual(found, []);
      await page.setViewportSize({ width: 360, height: 640 });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wider, 0, path);
    }
  });
