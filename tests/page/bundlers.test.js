/** The packed package in a page: Vite 7 builds and serves it without configuration, and a script tag loads it. `make test-bundlers` tests other bundlers. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { addApp, expected, freePort, install, open, pack, root, run, serveFolder, startServer } from '../bundlers/project.js';
import { launch } from './chromium.js';

const folder = mkdtempSync(join(tmpdir(), 'padless-'));
const project = join(folder, 'project');
const vite = join(root, 'node_modules/vite/bin/vite.js');
/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
  install(project, pack(folder));
  addApp(project);
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** The names of the files in a folder that contain the wasm, as it is or as text. @param {string} dist */
async function copiesOfWasm(dist) {
  const { both } = await import('../../js/dist/inline.js');
  const forms = [Buffer.from('\0asm'), Buffer.from(both.slice(1000, 1100))];
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name));
      return forms.flatMap((form) =>
        Array(bytes.toString('latin1').split(form.toString('latin1')).length - 1).fill(basename(name)),
      );
    });
}

test("Vite 7 builds a page with padless, padless's workers and the page's own worker, without configuration", async (t) => {
  run(process.execPath, [vite, 'build'], project);
  const { url, close } = await serveFolder(join(project, 'dist'));
  t.after(close);
  assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
  // The page gives its workers the compiled wasm. Its own worker imports padless/whole, which contains the wasm.
  const copies = await copiesOfWasm(join(project, 'dist'));
  assert.equal(copies.length, 2, copies.join(', '));
  assert.equal(copies.filter((name) => name.startsWith('own-')).length, 1, copies.join(', '));
});

test("Vite 7's dev server serves the same page", async (t) => {
  const port = await freePort();
  const args = [vite, '--port', String(port), '--strictPort', '--host', '127.0.0.1'];
  const { url, close } = await startServer(process.execPath, args, project, `http://127.0.0.1:${port}/`);
  t.after(close);
  assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
});

test('the file that the package names for CDNs defines the global padless in a page with a script tag', async () => {
  const own = join(project, 'node_modules/padless');
  const { unpkg, jsdelivr } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  for (const path of new Set([unpkg, jsdelivr])) {
    const page = join(folder, 'cdn.html');
    writeFileSync(
      page,
      `<!doctype html><meta charset="utf-8"><title>loading</title><script src="${pathToFileURL(join(own, path)).href}"></script>
       <script>
         padless.init().then((kernels) => {
           const mean = kernels.maskedMean({ data: [1, 5, NaN], shape: [1, 3, 1] }, { lengths: [2] });
           globalThis.answers = [mean.data[0], typeof padless.loadModel];
           document.title = 'done';
         });
       </script>`,
    );
    assert.deepEqual(await open(browser, pathToFileURL(page).href), { answers: [3, 'function'], complaints: [] }, path);
  }
});
