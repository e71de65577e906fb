/**
 * VitePress's settings; build.js copies this file beside the pages that it has gathered.
 */
import { readdirSync, readFileSync } from 'node:fs';

const source = new URL('../', import.meta.url);
const base = process.env.SITE_BASE ?? '/';

/** @param {string} path  of a page, without .md */
const titleOf = (path) => {
  const [, title] = /^# (.+)$/m.exec(readFileSync(new URL(`${path}.md`, source), 'utf8')) ?? [];
  return (title ?? path).replaceAll('`', '').replaceAll('\\', '');
};
/** The anchor of a heading as on GitHub, where the same files are read. @param {string} heading */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** @param {string[]} paths */
const links = (paths) => paths.map((path) => ({ text: titleOf(path), link: `/${path}` }));
/** @param {string} folder */
const pagesOf = (folder) =>
  readdirSync(new URL(`${folder}/`, source), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => `${folder}/${name.slice(0, -3)}`)
    .sort();

/** The demo's colours (web/style.css), which have more contrast than those of VitePress. */
const colours = `
  :root { --vp-c-brand-1: #1f6f64; --vp-c-brand-2: #1f6f64; --vp-c-brand-3: #1f6f64; --vp-code-lang-color: #56605c; }
  .dark { --vp-c-brand-1: #67c7b6; --vp-c-brand-2: #67c7b6; --vp-button-brand-bg: #1f6f64; --vp-button-brand-hover-bg: #1f6f64;
    --vp-button-brand-active-bg: #1f6f64; --vp-code-lang-color: #a5b0ab; }`;

const sidebar = [
  { text: 'Start', items: links(['docs/start', 'docs/terms', 'examples', 'docs/troubleshooting']) },
  {
    text: 'Guides',
    items: links(['docs/typing', 'docs/bundlers', 'docs/convert', 'docs/int8', 'docs/layers', 'docs/testing', 'docs/commands']),
  },
  { text: 'Files', items: links(['docs/model-file', 'docs/ngrams']) },
  { text: 'Models', items: links(pagesOf('models')) },
  {
    text: 'Background',
    items: links(['docs/speed', 'docs/survives', 'docs/architecture', 'docs/trust', 'trust', 'changelog']),
  },
  { text: 'API', items: [{ text: 'Overview', link: '/api/' }, ...links(pagesOf('api'))], collapsed: true },
];

export default {
  title: 'padless',
  description: 'Small text models in the browser, and padding that never changes an answer',
  lang: 'en',
  base,
  lastUpdated: false,
  head: [
    ['link', { rel: 'icon', href: `${base}web/icon.svg`, type: 'image/svg+xml' }],
    ['style', {}, colours],
  ],
  // The demo lies beside the pages and is no page of VitePress.
  ignoreDeadLinks: [/^\/web\//],
  // The pages have no HTML of their own: a `<textarea>` in the text of a comment is text.
  markdown: {
    html: false,
    anchor: { slugify },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    nav: [
      { text: 'Get started', link: '/docs/start' },
      { text: 'API', link: '/api/' },
      { text: 'Demo', link: '/web/index.html', target: '_self' },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
  },
};
