/** padless as one script, in a page that is opened from disk and so cannot fetch anything. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch } from './chromium.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('a script tag defines the global padless with models, layers, text and attach, without a server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'padless-'));
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });
  copyFileSync(join(root, 'js/dist/padless.min.js'), join(folder, 'padless.min.js'));
  const model = readFileSync(join(root, 'web/models/langid/langid.safetensors')).toString('base64');
  writeFileSync(join(folder, 'model.js'), `const model = Uint8Array.from(atob('${model}'), (char) => char.charCodeAt(0));`);
  writeFileSync(
    join(folder, 'index.html'),
    `<!doctype html><meta charset="utf-8"><title>one file</title><textarea>Guten Morgen</textarea>
     <script src="padless.min.js"></script><script src="model.js"></script>
     <script>
       const element = document.querySelector('textarea');
       padless.loadModel(model).then((loaded) => padless.attach(element, loaded, { onAnswer: ({ label }) => {
         const worker = padless.attach.length === 3 && typeof padless.layers.LSTM + typeof padless.layers.Conv1D + typeof padless.TextVectorizer;
         window.answer = [label, worker, Object.keys(window).filter((name) => name === 'padless').length];
       } }));
     </script>`,
  );
  const page = await browser.newPage();
  await page.goto(pathToFileURL(join(folder, 'index.html')).href);
  await page.waitForFunction('window.answer');
  assert.deepEqual(await page.evaluate('window.answer'), ['de', 'functionfunctionfunction', 1]);
});
