/** The models as npm packages, installed with padless in an empty project: in Node, TypeScript, Vite, esbuild and a page without a bundler. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { loadModel } from 'padless';
import { packages, writePackages } from '../../web/models/packages.js';
import { addFiles, freePort, install, open, pack, root, run, serveFolder, startServer } from '../bundlers/project.js';
import { launch } from './chromium.js';

const folder = mkdtempSync(join(tmpdir(), 'padless-'));
const project = join(folder, 'project');
const vite = join(root, 'node_modules/vite/bin/vite.js');
const expected = {
  detect: 'de',
  tag: 'PRON VERB',
  entities: ['LOC', 'PRON VERB ADP LOC LOC PUNCT'],
  classify: 'balance',
  cut: '我们 明天 去 北京 。',
};

/** A script that stores its answers in globalThis.answers, where `open` finds them. @param {string} entry  '' or '/inline' */
const script = (entry) => `
  import { detect, load } from 'padless-langid${entry}';
  import { entities, tag } from 'padless-tagger${entry}';
  import { classify } from 'padless-intents${entry}';
  import { cut } from 'padless-words-zh${entry}';
  globalThis.answers = {
    detect: (await detect('Guten Morgen')).label,
    tag: (await tag('She sings')).map(({ label }) => label).join(' '),
    entities: [await entities('We flew to New York.'), await tag('We flew to New York.')].map((all) => all.map(({ label, entity }) => entity ?? label).join(' ')),
    classify: (await classify('what is my balance')).label,
    cut: (await cut('我们明天去北京。')).map(({ start, end }) => '我们明天去北京。'.slice(start, end)).join(' '),
  };
  if (await load() !== await load()) throw new Error('loaded twice');
  globalThis.document && (document.title = 'done');`;
const page = (/** @type {string} */ src, head = '') =>
  `<!doctype html><meta charset="utf-8"><title>models</title>${head}<script type="module" src="${src}"></script>`;

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
  writePackages(join(folder, 'packages'));
  install(project, pack(folder));
  const tarballs = readdirSync(join(folder, 'packages')).map((name) => pack(folder, join(folder, 'packages', name)));
  run(
    'npm',
    ['install', '--offline', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', pack(folder), ...tarballs],
    project,
  );
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** The answers of a folder's page. Asserts that exactly the missing files are reported. @param {string} dist @param {string[]} [missing] */
async function answersOf(dist, missing = []) {
  const { url, close } = await serveFolder(dist);
  const { answers, complaints } = await open(browser, url);
  close();
  assert.deepEqual(
    complaints.map((text) => text.replace(url, '')),
    missing.map((name) => `404 ${name}`),
  );
  return answers;
}

test("in Node, both entries give the answers of the repository's models", async () => {
  for (const entry of ['', '/inline']) {
    addFiles(project, { 'node.js': `${script(entry)} console.log(JSON.stringify(answers));` });
    assert.deepEqual(JSON.parse(run(process.execPath, ['node.js'], project)), expected);
  }
  for (const { name } of packages) {
    const { weights } = await import(join(project, `node_modules/padless-${name}/weights.js`));
    assert.deepEqual(weights(), new Uint8Array(readFileSync(join(root, `web/models/${name}/${name}.safetensors`))));
  }
  const model = await loadModel(join(root, 'web/models/langid/langid.safetensors'));
  addFiles(project, {
    'node.js': `import { detect } from 'padless-langid';
      console.log(JSON.stringify([await detect('guten morgen'), (await detect('ciao', { labels: ['de', 'fr'] })).label]));`,
  });
  const [answer, allowed] = JSON.parse(run(process.execPath, ['node.js'], project));
  assert.deepEqual(answer, JSON.parse(JSON.stringify(model.predict('guten morgen'))));
  assert.equal(allowed, model.predict('ciao', { labels: ['de', 'fr'] }).label);
});

test('the packages declare what their functions return', () => {
  addFiles(project, {
    'use.ts': `import { detect } from 'padless-langid';
      import { tag } from 'padless-tagger/inline';
      import { classify, load } from 'padless-intents';
      const certain: boolean = (await detect('x', { labels: ['de'] })).certain;
      const start: number = (await tag('x'))[0].start;
      const scores: Record<string, number> = (await classify('x')).scores;
      const inputs: number = (await load({ simd: 'baseline' })).inputs.length;
      // @ts-expect-error
      const wrong: number = (await classify('x')).label;
      console.log(certain, start, scores, inputs, wrong);`,
  });
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext'];
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'use.ts'], project);
});

test('Vite 7 builds and serves a page with the packages, and copies the model files', async () => {
  addFiles(project, { 'start.js': script(''), 'index.html': page('/start.js') });
  run(process.execPath, [vite, 'build'], project);
  assert.deepEqual(await answersOf(join(project, 'dist')), expected);
  const copied = readdirSync(join(project, 'dist/assets')).filter((name) => name.endsWith('.safetensors'));
  assert.equal(copied.length, packages.length);
  const port = await freePort();
  const args = [vite, '--port', String(port), '--strictPort', '--host', '127.0.0.1'];
  const { url, close } = await startServer(process.execPath, args, project, `http://127.0.0.1:${port}/`);
  const { answers } = await open(browser, url);
  close();
  assert.deepEqual(answers, expected);
});

test('esbuild does not copy the model files: the weights then come from a script, and with /inline from the bundle', async () => {
  const options = /** @type {const} */ ({ bundle: true, format: 'esm', absWorkingDir: project, external: ['node:*'] });
  addFiles(project, { 'start.js': script(''), 'inline.js': script('/inline') });
  addFiles(join(project, 'out'), { 'index.html': page('start.js') });
  await build({ ...options, entryPoints: ['start.js'], splitting: true, outdir: 'out' });
  const missing = packages.map(({ name }) => `${name}.safetensors`);
  assert.deepEqual(await answersOf(join(project, 'out'), missing), expected);
  addFiles(join(project, 'one'), { 'index.html': page('inline.js') });
  await build({ ...options, entryPoints: ['inline.js'], outdir: 'one' });
  assert.deepEqual(readdirSync(join(project, 'one')).toSorted(), ['index.html', 'inline.js']);
  assert.deepEqual(await answersOf(join(project, 'one')), expected);
});

test('a page without a bundler imports the packages by an import map', async () => {
  const imports = Object.fromEntries(packages.map(({ name }) => [`padless-${name}`, `/node_modules/padless-${name}/index.js`]));
  const map = { imports: { ...imports, padless: '/node_modules/padless/js/index.js' } };
  addFiles(project, {
    'plain.js': script(''),
    'index.html': page('plain.js', `<script type="importmap">${JSON.stringify(map)}</script>`),
  });
  assert.deepEqual(await answersOf(project), expected);
});

test('no link of a model card leads to a file outside the package', () => {
  for (const { name } of packages) {
    const home = join(project, `node_modules/padless-${name}`);
    const card = readFileSync(join(home, 'README.md'), 'utf8');
    assert.match(card, new RegExp(`from 'padless-${name}'`));
    for (const [, link] of card.matchAll(/\]\((?!https?:|#)([^)]+)\)/g))
      assert.ok(existsSync(join(home, link)), `${name}: ${link}`);
    const { license, description } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    assert.match(license, /^\(MIT AND CC-BY-/);
    assert.ok(description.length > 20);
  }
});
