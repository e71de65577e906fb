/**
 * The tests of kernels, layers, models, importers and text in Firefox, driven over WebDriver BiDi: the same test files, imported by a page whose import
 * map has small replacements of node:test, node:assert and node:fs. Files that need more of Node are left out.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { importMap, servePages } from '../pages.js';
import { random } from '../random.js';
import { recordAll } from './bits.js';
import { launch, withFirefox } from './launch.js';

/** The page's import map, and the folder of the repository for each folder of the server. */
const names = {
  'node:test': '/tests/firefox/node-test.js',
  'node:assert/strict': '/tests/firefox/node-assert.js',
  'node:fs': '/tests/firefox/node-fs.js',
  chai: '/chai/index.js',
  fflate: '/fflate/browser.js',
  h5wasm: '/h5wasm/hdf5_hl.js',
  pbf: '/pbf/index.js',
};
const folders = {
  '/js/': 'js/',
  '/tests/': 'tests/',
  '/build/test/': 'build/test/',
  '/web/models/': 'web/models/',
  '/shared/': '../shared/',
  '/chai/': 'node_modules/chai/',
  '/fflate/': 'node_modules/fflate/esm/',
  '/h5wasm/': 'node_modules/h5wasm/dist/esm/',
  '/pbf/': 'node_modules/pbf/',
};

const root = new URL('../../', import.meta.url);
const files = ['kernels', 'layers', 'models', 'import', 'text'].flatMap((folder) =>
  readdirSync(new URL(`tests/${folder}`, root))
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => `tests/${folder}/${name}`),
);

/** True if a test file, and each file of tests/ that it imports, uses only features that a page has. @param {string | URL} file @returns {boolean} */
function runsInPages(file) {
  const url = new URL(file, root);
  const source = readFileSync(url, 'utf8');
  const imported = [...source.matchAll(/\bfrom '([^']*)'/g)].map(([, name]) => name);
  return (
    !/\bBuffer\b|\bprocess\.(?!env\b)/.test(source) &&
    imported.every((name) => {
      if (name.startsWith('.')) return !new URL(name, url).pathname.includes('/tests/') || runsInPages(new URL(name, url));
      return /^padless\b/.test(name) || name in names;
    })
  );
}

const { seed } = random();

/** A page for each build, with the environment variables that tests read. */
const pages = Object.fromEntries(
  ['baseline', 'relaxed'].flatMap((simd) => [
    [
      `/${simd}.html`,
      `<!doctype html><meta charset="utf-8"><title>${simd}</title>${importMap(names)}
      <script src="/${simd}.js"></script><script type="module" src="/tests/firefox/page.js"></script>`,
    ],
    [`/${simd}.js`, `window.process = { env: ${JSON.stringify({ PADLESS_SIMD: simd, PADLESS_SEED: String(seed) })} };`],
  ]),
);

/** The stack in Node's form, with paths of the repository. @param {{ message: string, stack: string }} error */
function revive({ message, stack }) {
  const frames = [...stack.matchAll(/^(.*)@https?:\/\/[^/]+\/(.*)$/gm)].map(([, name, place]) => `\n    at ${name} (${place})`);
  return Object.assign(new Error(message), { stack: message + frames.join('') });
}

withFirefox(() => {
  /** @type {{ url: string, close: () => void }} */
  let server;
  /** @type {import('puppeteer-core').Browser} */
  let browser;

  before(async () => {
    server = await servePages(pages, folders);
    // Otherwise the clock of a page has a resolution of a millisecond, which is too coarse to time a small model.
    browser = await launch({ 'privacy.reduceTimerPrecision': false });
  });
  after(async () => {
    await browser?.close();
    server?.close();
  });

  /** @param {string} simd */
  async function open(simd) {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${server.url}/${simd}.html`);
    await page.waitForFunction('window.run');
    return page;
  }
  /** One page for each build: a page of its own for each file takes most of the time. @type {Record<string, ReturnType<typeof open>>} */
  const opened = {};

  /**
   * Calls a function of page.js.
   * @param {string} simd @param {'run' | 'checkAll' | 'hasRelaxed'} name @param {unknown} argument
   * @returns {Promise<any>}
   */
  async function inPage(simd, name, argument) {
    const page = await (opened[simd] ??= open(simd));
    return page.evaluate((called, given) => /** @type {any} */ (window)[called](given), name, argument);
  }

  /** @param {import('node:test').TestContext} t @param {string} file @param {string} simd */
  async function runThere(t, file, simd) {
    /** @type {import('./node-test.js').Result[]} */
    const results = await inPage(simd, 'run', `/${file}`);
    assert.ok(results.length > 0, 'the file holds no test');
    for (const { name, skip, error } of results)
      await t.test(name, { skip }, () => {
        if (error) throw revive(error);
      });
  }

  for (const file of files.filter(runsInPages)) test(`${file}, fixed-order build`, (t) => runThere(t, file, 'baseline'));

  test('relaxed build', async (t) => {
    const relaxed = await inPage('relaxed', 'hasRelaxed', '/build/test/kernels.relaxed.wasm');
    console.log(
      `${await browser.version()}${relaxed ? '' : ' has no relaxed SIMD'}; left out, as they need Node: ${files.filter((file) => !runsInPages(file)).join(', ')}`,
    );
    if (!relaxed) return t.skip('this Firefox has no relaxed SIMD');
    for (const file of files.filter((each) => /kernels|properties/.test(each) && runsInPages(each)))
      await t.test(file, (each) => runThere(each, file, 'relaxed'));
  });

  test('stored models give the bits that they give in Node', async (t) => {
    const goldens = await recordAll();
    assert.ok(Object.keys(goldens).length >= 150, `${Object.keys(goldens).length} models`);
    const differences = await inPage('baseline', 'checkAll', goldens);
    assert.deepEqual(Object.keys(differences), Object.keys(goldens));
    for (const [name, found] of Object.entries(differences)) await t.test(name, () => assert.deepEqual(found, []));
  });
});
