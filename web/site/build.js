/**
 * Writes the documentation as pages: build/site, with the guides, the API reference, the model cards, the examples and the demo. `make site` calls
 * it. SITE is the address at which the pages will stand (https://example.org/padless/); without it they stand at the top of a server.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundler } from '../bundle.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = `${root}web/site/`;
const pages = `${root}build/site-pages/`;
const out = `${root}build/site/`;
const address = new URL(process.env.SITE ?? 'http://localhost/');
if (!address.pathname.endsWith('/')) throw new Error(`SITE is ${address}, expected an address that ends in "/"`);

const models = readdirSync(`${root}web/models`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(`${root}web/models/${entry.name}/README.md`))
  .map(({ name }) => name);
const examples = readdirSync(`${root}web/examples`).filter((name) => name !== 'README.md');

/** GitHub's and VitePress's name of the heading of an example. @param {string} file */
const anchor = (file) => file.toLowerCase().replace('.', '-');

/** Code blocks and code spans. */
const code = /(^```[^]*?^```$|`[^`\n]*`)/m;
/** Follows the text of a link that is dropped. */
const DROPPED = '\0';

/**
 * A file of the repository as a page of the site: without comments, and with links to the site's pages. Code stays as it is.
 * @param {string} markdown @param {string} from  its path
 */
const pageOf = (markdown, from) =>
  markdown
    .split(code)
    .map((part, i) => (i % 2 ? part : relink(part.replace(/<!--.*?-->\n*/gs, ''), from)))
    .join('')
    .replace(/\[((?:`[^`]*`|[^[\]`])*)\]\0/g, '$1');

/** @param {string} text @param {string} from */
const relink = (text, from) =>
  text.replace(/\]\(([^)\s]+)\)/g, (all, link) => {
    if (/^(https?:|#|\/)/.test(link)) return all;
    const url = new URL(link, `file:///${from}`);
    const path = url.pathname.slice(1);
    const [, guide] = /^web\/docs\/(.+)\.md$/.exec(path) ?? [];
    const [, model] = /^web\/models\/([^/]+)\/README\.md$/.exec(path) ?? [];
    const [, picture] = /^web\/(models\/.+\.svg)$/.exec(path) ?? [];
    const [, example] = /^web\/examples\/(.+)$/.exec(path) ?? [];
    if (guide) return `](/docs/${guide}${url.hash})`;
    if (model) return `](/models/${model}${url.hash})`;
    if (picture) return `](/${picture})`;
    if (example) return `](/examples${example === 'README.md' ? '' : `#${anchor(example)}`})`;
    if (path === 'SECURITY.md') return '](/trust)';
    if (path === 'CHANGELOG.md') return '](/changelog)';
    // Other files are in the repository alone: the name stays, without a link.
    return `]${DROPPED}`;
  });

/** @param {string} path  of the page, without .md @param {string} from  a file of the repository */
function addPage(path, from) {
  mkdirSync(new URL('.', `file://${pages}${path}.md`), { recursive: true });
  writeFileSync(`${pages}${path}.md`, pageOf(readFileSync(root + from, 'utf8'), from));
}

/** The guides, cards and examples. */
function gather() {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(`${pages}.vitepress`, { recursive: true });
  cpSync(`${home}config.js`, `${pages}.vitepress/config.mjs`);
  cpSync(`${home}index.md`, `${pages}index.md`);
  cpSync(`${root}web/page.png`, `${pages}public/page.png`);
  for (const name of readdirSync(`${root}web/docs`)) addPage(`docs/${name.replace('.md', '')}`, `web/docs/${name}`);
  for (const name of models) {
    addPage(`models/${name}`, `web/models/${name}/README.md`);
    for (const file of readdirSync(`${root}web/models/${name}`))
      if (file.endsWith('.svg')) cpSync(`${root}web/models/${name}/${file}`, `${pages}public/models/${name}/${file}`);
  }
  addPage('trust', 'SECURITY.md');
  addPage('changelog', 'CHANGELOG.md');
  addPage('examples', 'web/examples/README.md');
  const listing = examples.map((name) => {
    const language = name.split('.').pop();
    return `\n## ${name} {#${anchor(name)}}\n\n\`\`\`${language}\n${readFileSync(`${root}web/examples/${name}`, 'utf8')}\`\`\`\n`;
  });
  writeFileSync(`${pages}examples.md`, readFileSync(`${pages}examples.md`, 'utf8') + listing.join(''));
}

/** The API reference, from the JSDoc of the entries of the package. */
async function writeReference() {
  const entries = ['index', 'layers/index', 'import/index', 'dom', 'worker', 'serve', 'text', 'kernels'].map(
    (name) => `${root}js/${name}.js`,
  );
  const options = {
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: entries,
    tsconfig: `${home}tsconfig.json`,
    out: `${pages}api`,
    router: 'module',
    readme: 'none',
    entryFileName: 'index',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true,
    name: 'API reference',
    logLevel: /** @type {any} */ ('Error'),
  };
  const { Application, ReflectionKind } = await import('typedoc');
  const app = await Application.bootstrapWithPlugins(/** @type {any} */ (options));
  const project = await app.convert();
  if (!project) throw new Error('TypeDoc cannot read js/');
  // The members of a class that extends another one stand once, at the base: a hundred layers have the same.
  for (const each of project.getReflectionsByKind(ReflectionKind.Class)) {
    const layer = /** @type {import('typedoc').DeclarationReflection} */ (each);
    if (!layer.extendedTypes?.length) continue;
    for (const member of layer.children?.slice() ?? []) project.removeReflection(member);
    delete layer.children;
    delete layer.groups;
  }
  await app.generateOutputs(project);
  // TypeDoc has numbered headings of one name before those members were removed.
  const names = readdirSync(`${pages}api`).filter((name) => name.endsWith('.md'));
  const texts = new Map(names.map((name) => [name, readFileSync(`${pages}api/${name}`, 'utf8')]));
  const headings = new Map(
    [...texts].map(([name, text]) => [name, [...text.matchAll(/^#+ (\w+)/gm)].map(([, word]) => word.toLowerCase())]),
  );
  for (const [name, text] of texts)
    writeFileSync(
      `${pages}api/${name}`,
      text.replace(/\]\((?:\.\/)?([\w.]*)#(\w+)-(\d+)\)/g, (link, file, word, n) =>
        (headings.get(file || name) ?? []).filter((each) => each === word).length > n ? link : link.replace(`-${n})`, ')'),
      ),
    );
}

/** The demo, its scripts bundled, with links to the pages. */
async function addDemo() {
  for (const name of readdirSync(`${root}web`))
    if (!/^(docs|site|models|examples|serve\.js|bundle\.js|tsconfig\.json|node_modules)$/.test(name))
      cpSync(`${root}web/${name}`, `${out}web/${name}`, { recursive: true });
  for (const name of models)
    for (const file of readdirSync(`${root}web/models/${name}`))
      if (file.endsWith('.safetensors')) cpSync(`${root}web/models/${name}/${file}`, `${out}web/models/${name}/${file}`);
  cpSync(`${root}js`, `${out}js`, { recursive: true, filter: (path) => !/\/js\/(tools|dist\/types)/.test(path) });
  for (const [name, folder] of [
    ['fflate', 'fflate/esm'],
    ['h5wasm', 'h5wasm/dist/esm'],
  ])
    if (existsSync(`${root}node_modules/${folder}`))
      cpSync(`${root}node_modules/${folder}`, `${out}packages/${name}`, { recursive: true });
  const bundle = bundler();
  if (bundle) for (const [path, bytes] of await bundle()) writeFileSync(`${out}${path.slice(1)}`, bytes);
  const html = readFileSync(`${out}web/index.html`, 'utf8')
    .replace(/href="docs\/([\w-]+)\.md"/g, 'href="../docs/$1.html"')
    .replace('content="page.png"', `content="${new URL('web/page.png', address)}"`)
    .replace(/\n *<!-- Link previews .*?-->/s, '');
  writeFileSync(`${out}web/index.html`, html);
}

gather();
await writeReference();
process.env.SITE_BASE = address.pathname;
const { build } = await import('vitepress');
await build(pages, { outDir: out });
await addDemo();
console.log(`the pages are in ${out}; any static server shows them`);
