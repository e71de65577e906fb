/** Runs the code blocks of README.md and the guides that are for pages, in Chromium. tests/code-blocks.js says which blocks these are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { blocks } from '../code-blocks.js';
import { importMap, servePages } from '../pages.js';
import { launch } from './chromium.js';

/** A script that defines the names that code blocks use without defining them, and then runs the block. */
const around = `
  import { attach } from 'padless/dom';
  import { loadModel } from 'padless/worker';
  const fetched = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const load = async (name) => (await import('padless')).loadModel(await fetched('/web/models/' + name + '/' + name + '.safetensors'));
  Object.assign(globalThis, {
    attach, loadModel,
    tagger: await load('tagger'),
    editor: document.getElementById('editor'),
    url: '/langid.safetensors',
    texts: ['Guten Morgen', 'Good morning'],
    signal: AbortSignal.timeout(30_000),
  });
  // A block that is a classic script cannot await the bytes that it uses: fetch them before.
  globalThis.bytes = await fetched('/langid.safetensors');
  await import('/block.js');
  document.title = 'done';`;

/** A page that loads the block's script from a file, because its policy forbids inline scripts. @param {import('../code-blocks.js').Block} block */
function pageOf({ language, code }) {
  const body = '<textarea></textarea><output></output><div id="editor" contenteditable>Ada sings</div>';
  const head = `<!doctype html><meta charset="utf-8"><title>block</title>${importMap()}`;
  if (language === 'js') return { html: `${head}${body}<script type="module" src="/start.js"></script>`, script: code };
  /** @type {string[]} */
  const scripts = [];
  const rest = code.replace(/<script(?![^>]* src=)[^>]*>(.+?)<\/script>/gs, (_, script) => (scripts.push(script), ''));
  assert.equal(scripts.length, 1);
  return {
    html: `${head}${/<textarea/.test(rest) ? '' : body}${rest}<script type="module" src="/start.js"></script>`,
    script: scripts[0],
  };
}

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Files that blocks define and later blocks use. @type {Record<string, string>} */
const files = {
  '/two-dense.js': `
    import { Dense, Layer } from '/js/layers/index.js';
    export class TwoDense extends Layer { call(x) { return x; } }`,
};

for (const block of blocks.filter(({ how }) => how === 'page' || how === 'file'))
  if (block.how === 'file')
    // Import maps do not apply in workers.
    files[`/${block.rest}`] = block.code.replace("'padless/serve'", "'/js/serve.js'");
  else
    test(`the code of ${block.at}`, async (t) => {
      const { html, script } = pageOf(block);
      const server = await servePages(
        { '/index.html': html, '/start.js': around, '/block.js': script, ...files },
        {
          '/js/': 'js/',
          '/web/models/': 'web/models/',
          '/langid.safetensors': 'web/models/langid/langid.safetensors',
          '/padless.min.js': 'js/dist/padless.min.js',
        },
      );
      t.after(() => server.close());
      const page = await browser.newPage();
      t.after(() => page.close());
      /** @type {string[]} */
      const complaints = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${server.url}/index.html`);
      await page
        .waitForFunction(() => document.title === 'done', null, { timeout: 60_000 })
        .catch((error) => complaints.push(String(error)));
      assert.deepEqual(complaints, []);
      // A block that attaches a model answers while the user types.
      await page.fill('textarea', 'Buenos días, ¿cómo están?');
      await page.fill('#editor, textarea', 'Grace Hopper wrote programs');
      await page.fill('textarea', 'Buenos días, ¿cómo están ustedes?');
      if (/querySelector\('output'\)|output\.textContent/.test(block.code))
        await page.waitForFunction(() => /^es/.test(document.querySelector('output')?.textContent ?? ''), null, {
          timeout: 30_000,
        });
      assert.deepEqual(complaints, []);
    });

test('README.md and each guide with code for pages have a block that is run', () => {
  const run = blocks.filter(({ how }) => how === 'page').map(({ page }) => page);
  for (const page of ['README.md', 'web/docs/start.md', 'web/docs/typing.md', 'web/docs/bundlers.md'])
    assert.ok(run.includes(page), page);
  assert.match(readFileSync(new URL('../../README.md', import.meta.url), 'utf8'), /^# padless\n[^]{0,500}npm i padless/);
});
