/** Vite 7 builds and serves a page that uses padless, without configuration. `make test-bundlers` tests other bundlers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
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

test("Vite 7 builds a page with padless, padless's workers and the page's own worker, without configuration", async (t) => {
  run(process.execPath, [vite, 'build'], project);
  const { url, close } = await serveFolder(join(project, 'dist'));
  t.after(close);
  assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
});

test("Vite 7's dev server serves the same page", async (t) => {
  const port = await freePort();
  const args = [vite, '--port', String(port), '--strictPort', '--host', '127.0.0.1'];
  const { url, close } = await startServer(process.execPath, args, project, `http://127.0.0.1:${port}/`);
  t.after(close);
  assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
});
