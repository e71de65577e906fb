/**
 * `npm run bench`: compares padless with its peers, in Node 26 and in headless Chromium.
 *   -- --quick       in two minutes
 *   -- --bar 1,2     only these bars (a bar is one comparison; suite.js and this file describe each)
 *   -- --engine node   or chromium
 *   -- --json FILE   the rows as JSON
 * Bar 9 compares no engines: it measures how long a page's tasks last while a person types.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { bundle } from '../bundle.js';
import { findChromium } from '../page/chromium.js';
import { median } from './measure.js';
import { languageOnnx } from './models.js';
import { onnxFiles, onnxPath } from './onnx-files.js';
import { typing } from './typing.js';

/** @typedef {import('./suite.js').Row & { engine: string }} Row */

const root = new URL('../../', import.meta.url);
const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, bar: { type: 'string' }, engine: { type: 'string' }, json: { type: 'string' } },
});

// Check the browser before the minutes in Node. As root on Debian or Ubuntu, it is installed; otherwise a message says what to install.
if (values.engine !== 'node' && !existsSync(findChromium())) {
  if (!process.env.CHROMIUM) spawnSync('tests/setup.sh', { cwd: root, stdio: 'inherit' });
  if (!existsSync(findChromium())) {
    console.error(
      `padless: no browser at ${findChromium()}: name a Chromium in CHROMIUM, or leave it out: npm run bench -- --engine node`,
    );
    process.exit(1);
  }
}

/** 32 sentences of natural length: from Common Voice if ../shared has it, otherwise from the README. */
function sentences() {
  const corpus = new URL('../shared/data/langid-commonvoice-cc0/cv.tsv.gz', root);
  const lines = existsSync(corpus)
    ? gunzipSync(readFileSync(corpus))
        .toString()
        .split('\n')
        .filter((line) => line.endsWith('\ten'))
        .map((line) => line.slice(0, -3))
    : readFileSync(new URL('README.md', root), 'utf8').split(/(?<=[.:])\s+/);
  return lines
    .filter((line) => line.length > 10)
    .filter((_, i) => i % 7 === 0)
    .slice(0, 32);
}

const options = {
  quick: Boolean(values.quick),
  bars: (values.bar ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number),
  sentences: sentences(),
};

/** @type {Row[]} */
const rows = [];
/** @param {string} engine @returns {(row: import('./suite.js').Row) => void} */
const report = (engine) => (row) => {
  rows.push({ ...row, engine });
  const { bar, build, case: what, ours_ms: ours, peer, peer_ms: theirs, ratio } = row;
  console.log(
    `${bar}  ${engine.padEnd(8)}  ${build.padEnd(8)}  ${ours.toPrecision(3).padStart(8)} ms  ${theirs.toPrecision(3).padStart(8)} ms  ${ratio.toFixed(2).padStart(6)}  ${peer}  |  ${what}`,
  );
};

/** @param {(row: import('./suite.js').Row) => void} tell */
async function inNode(tell) {
  const child = spawn(
    fileURLToPath(new URL('node_modules/node/bin/node', root)),
    ['tests/bench/node.js', JSON.stringify(options)],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) tell(JSON.parse(line));
  if ((await ended) !== 0) throw new Error('the bench in Node failed');
}

/**
 * Bar 7: from the first request of a new page to the first answer of the language model.
 * @param {import('playwright-core').Browser} browser @param {string} origin @param {(row: import('./suite.js').Row) => void} tell
 */
async function firstAnswers(browser, origin, tell) {
  const { loadModel } = await import('padless');
  const model = await loadModel(new URL('web/models/langid-gru/langid-gru.safetensors', root));
  const onnx = languageOnnx(model);
  const { outputFiles } = await bundle();
  made.set('/made/langid.onnx', onnx);
  for (const { path, contents } of outputFiles) made.set(`/made/${basename(path)}`, contents);
  // onnxruntime's file has no vocabulary.
  const known = { ids: Array.from(model.text?.encodeBatch(['Guten Morgen']).ids ?? []), labels: model.outputs[0].labels };
  /** @type {Record<string, number[]>} */
  const times = { padless: [], ort: [] };
  /** @type {Record<string, string>} */
  const labels = {};
  for (let round = 0; round < (options.quick ? 5 : 15); round++)
    for (const who of Object.keys(times)) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${origin}tests/bench/first.html`);
      await page.evaluate((given) => Object.assign(window, { known: given }), known);
      const { ms, label } = await page.evaluate((name) => /** @type {any} */ (window).first(name), who);
      times[who].push(ms);
      labels[who] = label;
      await context.close();
    }
  if (labels.padless !== labels.ort) throw new Error(`first answers differ: ${labels.padless} and ${labels.ort}`);
  const [ours, theirs] = [median(times.padless), median(times.ort)];
  tell({
    bar: 7,
    case: `from fetch to the first answer of langid (${labels.padless})`,
    build: 'relaxed',
    ours_ms: ours,
    peer: 'onnxruntime-web',
    peer_ms: theirs,
    ratio: theirs / ours,
  });
}

/** Bar 10: the gzipped bytes that a page downloads for each model: library and file. */
async function downloads() {
  const { fromOnnx } = await import('padless/import');
  const gzip = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length / 1000;
  const { outputFiles, metafile } = await bundle();
  // The entry and what it imports; a chunk with wasm comes with them.
  const needed = new Set(Object.keys(metafile.outputs).filter((path) => metafile.outputs[path].entryPoint));
  for (const path of needed)
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') needed.add(next);
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) if ('js/dist/inline.js' in inputs) needed.add(path);
  const library = outputFiles.reduce(
    (sum, { path, contents }) => sum + ([...needed].some((each) => path.endsWith(each)) ? gzip(contents) : 0),
    0,
  );
  const dist = new URL('node_modules/onnxruntime-web/dist/', root);
  const runtime = ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'].reduce(
    (sum, name) => sum + gzip(readFileSync(new URL(name, dist))),
    0,
  );
  for (const name of Object.keys(onnxFiles)) {
    const file = readFileSync(new URL(onnxPath(name), root));
    const [ours, theirs] = [library + gzip((await fromOnnx(new Uint8Array(file))).save()), runtime + gzip(file)];
    console.log(
      `10  download  ${ours.toFixed(0)} kB  ${theirs.toFixed(0)} kB  ${(theirs / ours).toFixed(1)}  onnxruntime-web  |  ${name}`,
    );
  }
}

/** Files that the server adds to those of the repository. @type {Map<string, Uint8Array>} */
const made = new Map();

/** @type {Record<string, string>} */
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** @param {(row: import('./suite.js').Row) => void} tell */
async function inChromium(tell) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const body = made.get(pathname) ?? (await readFile(new URL(`.${pathname}`, root)).catch(() => null));
    // A cross-origin isolated page has a finer clock.
    response.writeHead(body ? 200 : 404, {
      'content-type': types[extname(pathname)] ?? 'application/octet-stream',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(body ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error));
    await page.exposeFunction('report', tell);
    await page.goto(`http://localhost:${address.port}/tests/bench/page.html`);
    await page.waitForFunction('window.bench !== undefined', undefined, { timeout: 60_000 });
    await page.evaluate((given) => /** @type {any} */ (window).bench(given), options);
    if (options.bars.includes(7)) await firstAnswers(browser, `http://localhost:${address.port}/`, tell);
    if (options.bars.includes(9)) await typing(browser, options.quick, tell);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

if (options.bars.includes(10)) await downloads();
console.log('bar  engine  build  padless  peer  ratio  peer  |  case');
if (values.engine !== 'chromium') await inNode(report('node'));
if (values.engine !== 'node') await inChromium(report('chromium'));

/** Geometric mean and worst case of the ratios to each peer. */
for (const key of new Set(
  rows.filter(({ bar }) => bar <= 3).map(({ bar, engine, build, peer }) => [bar, engine, build, peer].join('  ')),
)) {
  const ratios = rows
    .filter(({ bar, engine, build, peer }) => [bar, engine, build, peer].join('  ') === key)
    .map(({ ratio }) => ratio);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`${key}: geometric mean ${mean.toFixed(2)}, least ${Math.min(...ratios).toFixed(2)}, of ${ratios.length}`);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`);
