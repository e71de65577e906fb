/**
 * Builds, serves or runs the packed package in an empty project for each bundler and runtime: `make test-bundlers`. Projects are kept in
 * build/bundlers, so that packages are fetched once; so are results, which make the table in web/docs/bundlers.md.
 *
 * node tests/bundlers/run.js [NAME ...]
 */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from '../page/chromium.js';
import {
  addApp,
  addFiles,
  expected,
  freePort,
  install,
  open,
  pack,
  root,
  run,
  serveFolder,
  sizeOf,
  startServer,
  versionOf,
} from './project.js';

const node26 = join(root, 'node_modules/node/bin/node');
const folder = join(root, 'build/bundlers');
const tarball = pack(folder);
const browser = await launch();
const model = 'langid.safetensors';

/** @param {string} project @param {string} dist @returns {Promise<string>} */
async function checkBuilt(project, dist) {
  const { url, close } = await serveFolder(join(project, dist));
  try {
    assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
  } finally {
    close();
  }
  return `${Math.round(sizeOf(join(project, dist)) / 1000)} kB`;
}

/**
 * @param {string} project @param {string} command @param {(port: string) => string[]} args
 * @param {Record<string, string>} [env] @param {string} [host]  the name that the server has for itself
 */
async function checkServed(project, command, args, env, host = '127.0.0.1') {
  const port = String(await freePort());
  const { url, close } = await startServer(command, args(port), project, `http://${host}:${port}/`, env);
  try {
    assert.deepEqual(await open(browser, url), { answers: expected, complaints: [] });
  } finally {
    close();
  }
}

/** @param {string} project @param {string[]} args @param {Record<string, string>} [env] @param {string} [node] */
const npx = (project, [name, ...args], env, node = process.execPath) =>
  run(node, [join(project, 'node_modules/.bin', name), ...args], project, env);

/** @param {string} version */
const vite = (version) => ({
  packages: [`vite@${version}`],
  async test(/** @type {string} */ project) {
    addApp(project);
    npx(project, ['vite', 'build']);
    const size = await checkBuilt(project, 'dist');
    await checkServed(project, process.execPath, (port) => [
      'node_modules/vite/bin/vite.js',
      ...['--port', port, '--strictPort', '--host', '127.0.0.1'],
    ]);
    return `build and dev server, ${size}`;
  },
});

/** Copies the files that esbuild and Rollup do not copy, see web/docs/bundlers.md. @param {string} project @param {string} dist */
function copyLeftBehind(project, dist) {
  mkdirSync(join(project, dist, 'padless'), { recursive: true });
  cpSync(join(project, 'node_modules/padless/js/page/padless/worker-entry.js'), join(project, dist, 'padless/worker-entry.js'));
  for (const name of ['index.html', model]) cpSync(join(project, name), join(project, dist, name));
}

const nodeScript = `
  (async () => {
    const { loadModel } = LOAD('padless');
    const { loadModel: inWorker } = LOAD('padless/worker');
    console.log((await loadModel('${model}')).predict('Guten Morgen').label, (await (await inWorker('${model}')).predict('Guten Morgen')).label);
  })();`;

const unitTest = `
  import { readFileSync } from 'node:fs';
  import { loadModel } from 'padless';
  IMPORT
  test('padless in jsdom', async () => {
    if (typeof document !== 'object') throw new Error('no jsdom');
    for (const source of ['${model}', readFileSync('${model}'), new Blob([readFileSync('${model}')])])
      expect((await loadModel(source)).predict('Guten Morgen').label).toBe('de');
  });`;

const nextClient = `
  'use client';
  import { useEffect } from 'react';
  import { main } from './main.js';
  export default function Client() {
    useEffect(() => void main(new URL('/${model}', location.href)), []);
    return <textarea defaultValue="Guten Morgen" />;
  }`;

/** @type {Record<string, { packages?: string[], type?: 'module' | 'commonjs', test: (project: string) => Promise<string> | string }>} */
const projects = {
  'Vite 5': vite('5'),
  'Vite 6': vite('6'),
  'Vite 7': vite('7'),
  'Vite 8': vite('8'),
  'webpack 5': {
    packages: ['webpack@5', 'webpack-cli'],
    async test(project) {
      addApp(project);
      npx(project, ['webpack', '--mode', 'production', '--entry', './start.js', '--output-filename', 'start.js']);
      cpSync(join(project, 'index.html'), join(project, 'dist/index.html'));
      return checkBuilt(project, 'dist');
    },
  },
  Parcel: {
    packages: ['parcel@2'],
    async test(project) {
      addApp(project);
      npx(project, ['parcel', 'build', 'index.html', '--no-cache']);
      return checkBuilt(project, 'dist');
    },
  },
  esbuild: {
    packages: ['esbuild'],
    async test(project) {
      addApp(project);
      run(
        join(project, 'node_modules/.bin/esbuild'),
        ['start.js', 'own.js', '--bundle', '--minify', '--splitting', '--format=esm', '--outdir=dist'],
        project,
      );
      copyLeftBehind(project, 'dist');
      return checkBuilt(project, 'dist');
    },
  },
  Rollup: {
    packages: ['rollup@4', '@rollup/plugin-node-resolve'],
    async test(project) {
      addApp(project);
      npx(project, ['rollup', '-i', 'start.js', '-i', 'own.js', '-d', 'dist', '-p', 'node-resolve']);
      copyLeftBehind(project, 'dist');
      return checkBuilt(project, 'dist');
    },
  },
  'Next.js (app router)': {
    packages: ['next', 'react', 'react-dom'],
    async test(project) {
      addApp(join(project, 'app'), {
        'layout.js':
          'export default ({ children }) => <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>;',
        'page.js': "import Client from './client.js'; export default () => <Client />;",
        'client.js': nextClient,
      });
      rmSync(join(project, 'app/start.js'));
      rmSync(join(project, 'app/index.html'));
      mkdirSync(join(project, 'public'));
      cpSync(join(project, 'app', model), join(project, 'public', model));
      const env = { NEXT_TELEMETRY_DISABLED: '1' };
      const next = join(project, 'node_modules/next/dist/bin/next');
      run(process.execPath, [next, 'build'], project, env);
      // Its dev server answers only requests to localhost.
      for (const command of ['start', 'dev'])
        await checkServed(project, process.execPath, (port) => [next, command, '-p', port], env, 'localhost');
      return 'build and dev server';
    },
  },
  Astro: {
    packages: ['astro'],
    async test(project) {
      addApp(join(project, 'src'), {
        'pages/index.astro':
          '<html lang="en"><head><title>padless</title><link rel="icon" href="data:," /></head><body><textarea>Guten Morgen</textarea><script>import "../start.js";</script></body></html>',
      });
      // It needs Node 22.
      run(node26, [join(project, 'node_modules/astro/bin/astro.mjs'), 'build'], project, { ASTRO_TELEMETRY_DISABLED: '1' });
      return checkBuilt(project, 'dist');
    },
  },
  'Node, import': {
    test(project) {
      addApp(project, { 'use.js': nodeScript.replaceAll('LOAD', 'await import') });
      assert.equal(run(process.execPath, ['use.js'], project), 'de de\n');
      return 'models here and in a worker';
    },
  },
  'Node, require': {
    type: 'commonjs',
    test(project) {
      addApp(project, { 'use.cjs': nodeScript.replaceAll('LOAD', 'require') });
      assert.equal(run(process.execPath, ['use.cjs'], project), 'de de\n');
      return 'models here and in a worker';
    },
  },
  'TypeScript, strict': {
    packages: ['typescript@5', '@types/node@20'],
    test(project) {
      copyFileSync(join(root, 'tests/package/use.ts'), join(project, 'use.ts'));
      const resolutions = ['bundler', 'node16', 'nodenext'];
      for (const moduleResolution of resolutions) {
        const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
        const compilerOptions = { strict: true, noEmit: true, target: 'es2022', lib: ['es2022', 'dom'], module, moduleResolution };
        addFiles(project, { 'tsconfig.json': JSON.stringify({ compilerOptions, files: ['use.ts'] }) });
        npx(project, ['tsc', '-p', '.']);
      }
      return `moduleResolution ${resolutions.join(', ')}`;
    },
  },
  'npm install from git': {
    type: 'module',
    test(project) {
      addApp(project, { 'use.js': nodeScript.replaceAll('LOAD', 'await import') });
      rmSync(join(project, 'node_modules/padless'), { recursive: true });
      run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--no-save', `git+file://${root}`], project);
      assert.equal(run(process.execPath, ['use.js'], project), 'de de\n');
      return 'builds with prepare';
    },
  },
  'Jest with jsdom': {
    packages: ['jest', 'jest-environment-jsdom'],
    test(project) {
      addApp(project, {
        'use.test.js': unitTest.replace('IMPORT', ''),
        'jest.config.js': "export default { testEnvironment: 'jsdom', transform: {} };",
      });
      run(process.execPath, ['--experimental-vm-modules', join(project, 'node_modules/jest/bin/jest.js')], project);
      return 'passes';
    },
  },
  'Vitest with jsdom': {
    packages: ['vitest@3', 'jsdom@26'],
    test(project) {
      addApp(project, {
        'use.test.js': unitTest.replace('IMPORT', "import { expect, test } from 'vitest';"),
      });
      npx(project, ['vitest', 'run', '--environment', 'jsdom']);
      return 'passes';
    },
  },
  workerd: {
    packages: ['miniflare', 'esbuild'],
    test(project) {
      addApp(project, {
        'worker.js': `
          import { loadModel } from 'padless/whole';
          import wasm from './padless.wasm';
          import bytes from './${model}';
          export default {
            async fetch() {
              const model = await loadModel(bytes, { module: wasm });
              const refused = await loadModel(bytes).catch((error) => error.name);
              return new Response(model.predict('Guten Morgen').label + ' ' + refused);
            },
          };`,
        'use.js': `
          import { Miniflare } from 'miniflare';
          const rule = (type, ...include) => ({ type, include });
          const flare = new Miniflare({ modules: true, scriptPath: 'bundle.js', compatibilityDate: '2025-01-01',
            modulesRules: [rule('ESModule', '**/*.js'), rule('CompiledWasm', '**/*.wasm'), rule('Data', '**/*.safetensors')] });
          console.log(await (await flare.dispatchFetch('http://localhost/')).text());
          await flare.dispose();`,
      });
      cpSync(join(project, 'node_modules/padless/js/dist/padless.wasm'), join(project, 'padless.wasm'));
      const external = ['--external:*.wasm', '--external:*.safetensors', '--external:node:*'];
      run(
        join(project, 'node_modules/.bin/esbuild'),
        ['worker.js', '--bundle', '--format=esm', '--outfile=bundle.js', ...external],
        project,
      );
      assert.equal(run(node26, ['use.js'], project), 'de EngineError\n');
      return 'with { module }';
    },
  },
  Deno: {
    packages: ['deno'],
    test(project) {
      addApp(project, { 'use.js': nodeScript.replaceAll('LOAD', 'await import') });
      assert.equal(run(join(project, 'node_modules/.bin/deno'), ['run', '-A', 'use.js'], project), 'de de\n');
      return 'models here and in a worker; ends with a worker open';
    },
  },
  Bun: {
    packages: ['bun'],
    test(project) {
      addApp(project, { 'use.js': nodeScript.replaceAll('LOAD', 'await import') });
      assert.equal(run(join(project, 'node_modules/.bin/bun'), ['use.js'], project), 'de de\n');
      return 'models here and in a worker; ends with a worker open';
    },
  },
};

const wanted = process.argv.slice(2);
const names = Object.keys(projects).filter(
  (name) => !wanted.length || wanted.some((each) => name.toLowerCase().includes(each.toLowerCase())),
);
if (!names.length) throw new Error(`no project is called ${wanted.join(' or ')}; there are ${Object.keys(projects).join(', ')}`);
/** Results of this run and of those before. @type {Record<string, { version: string, result: string }>} */
const results = existsSync(join(folder, 'results.json')) ? JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) : {};
for (const name of names) {
  const { packages, type, test } = projects[name];
  const project = join(folder, name.toLowerCase().replace(/[^a-z0-9]+/g, '-'));
  try {
    install(project, tarball, { ...(packages && { packages }), ...(type && { type }) });
    addFiles(project, {});
    const result = await test(project);
    const version = packages ? versionOf(project, packages[0].replace(/(?<=.)@.*/, '')) : process.version.slice(1);
    results[name] = { version, result };
    console.log(`${name}, ${version}: ${result}`);
  } catch (error) {
    process.exitCode = 1;
    delete results[name];
    console.log(`${name} FAILS: ${/** @type {Error} */ (error).message}`);
  }
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results));
}
await browser.close();
const missing = Object.keys(projects).filter((name) => !results[name]);
const table = Object.keys(projects)
  .filter((name) => results[name])
  .map((name) => `| ${name} | ${results[name].version} | ${results[name].result} |`);
if (missing.length) console.log(`no result yet: ${missing.join(', ')}`);
const path = join(root, 'web/docs/bundlers.md');
const [before, after] = readFileSync(path, 'utf8').split(/(?<=<!-- table -->\n)[^]*(?=<!-- end of the table -->)/);
writeFileSync(path, `${before}\n${['| with | version | tried |', '|---|---|---|', ...table].join('\n')}\n\n${after}`);
console.log('web/docs/bundlers.md has the table');
