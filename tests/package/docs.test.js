/** Compares README.md, CONTRIBUTING.md and web/docs with the code: their lists are complete, and the files and names in them exist. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { moduleTypes } from '../../js/import/torch-modules.js';
import { knownLayers, prepare } from '../../js/model/graph.js';
import { padless } from '../command.js';

const root = new URL('../../', import.meta.url);
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, root), 'utf8');
const guides = readdirSync(new URL('web/docs/', root)).map((name) => `web/docs/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...guides];

/** The cells of a table's rows. @param {string} markdown @param {string} heading  the first cell of the table's head @returns {string[][]} */
function table(markdown, heading) {
  const lines = markdown.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  assert.ok(head >= 0, heading);
  const end = lines.findIndex((line, i) => i > head && !line.startsWith('|'));
  const row = (/** @type {string} */ line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim());
  return lines.slice(head + 2, end < 0 ? undefined : end).map((line) => row(line).slice(1, -1));
}

/** The words in backticks. @param {string} cell */
const code = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

/** The properties of a JSDoc typedef. @param {string} name @returns {string[]} */
function properties(name) {
  for (const file of readdirSync(new URL('js/', root), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js') || file.startsWith('dist')) continue;
    const [block] = read(`js/${file}`).match(new RegExp(`@typedef \\{object\\} ${name}\\b[^]*?\\*/`)) ?? [];
    if (block) return [...block.matchAll(/@property \{.*\} \[?(\w+)/g)].map(([, property]) => property);
  }
  throw new Error(`no typedef ${name}`);
}

test('model-file.md describes every setting of a model file, and no other', () => {
  const page = read('web/docs/model-file.md');
  /** A section of the page. @param {string} title */
  const section = (title) => page.split('\n## ').find((each) => each.startsWith(`${title}\n`)) ?? '';
  for (const [part, heading, name] of [
    [page, 'key', 'ModelSettings'],
    [section('text'), 'setting', 'TextSettings'],
    [section('outputs'), 'setting', 'OutputSettings'],
    [section('numbering'), 'setting', 'IndexSettings'],
  ])
    assert.deepEqual(
      table(part, heading)
        .map(([cell]) => code(cell)[0])
        .sort(),
      properties(name).sort(),
      name,
    );
});

test('commands.md describes every command and option, and names the commands that take the option', () => {
  const page = read('web/docs/commands.md');
  const commands = table(page, 'command').map(([cell]) => code(cell)[0].split(' ')[1]);
  const help = padless('--help').stdout;
  assert.deepEqual(
    commands,
    [...help.matchAll(/^ {2}([a-z]+) [A-Z]/gm)].map(([, name]) => name),
  );
  /** @type {Map<string, string[]>} */
  const takenBy = new Map();
  for (const name of commands)
    for (const [, option] of padless(name, '--help').stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm))
      takenBy.set(option, [...(takenBy.get(option) ?? []), name]);
  const described = table(page, 'option').map(([option, takers]) => {
    const name = /--([\w-]+)/.exec(option)?.[1] ?? '';
    return /** @type {const} */ ([name, takers === 'all' ? commands : code(takers)]);
  });
  assert.deepEqual(new Map(described.filter(([name]) => name !== 'version').sort()), new Map([...takenBy].sort()));
  assert.match(help, /--version/);
});

test('layers.md lists every layer that a model file may hold', async () => {
  await prepare('"Conv1D"');
  const listed = table(read('web/docs/layers.md'), 'kind').flatMap(([, layers]) => layers.replace(' around cells', '').split(', '));
  const known = knownLayers().map((name) => name.replace('padless>', ''));
  assert.deepEqual(listed.concat('Lambda').sort(), known.sort());
});

test('convert.md lists every supported type of PyTorch modules with its options', () => {
  const listed = table(read('web/docs/convert.md'), 'type').map(([type, options]) => [type, code(options)]);
  assert.deepEqual(
    listed,
    Object.entries(moduleTypes).map(([type, { options }]) => [type, options]),
  );
});

test('files that the documentation names exist', () => {
  for (const page of pages)
    for (const word of code(read(page).replace(/```[^]*?```/g, ''))) {
      const [, path] = /^((?:js|c|web|tests)\/[\w./-]+)$/.exec(word) ?? [];
      // FAMILY and NAME are placeholders.
      if (path && !/[A-Z]{4}/.test(path.replace(/README|LICENSE/, '')))
        assert.ok(existsSync(new URL(path, root)), `${page}: ${path}`);
    }
});

test('links of the documentation lead to files and headings that exist', () => {
  /** The anchor that GitHub gives a heading. @param {string} heading */
  const anchor = (heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  for (const page of pages)
    for (const [, link] of read(page).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path, fragment] = link.split('#');
      const url = path ? new URL(path, new URL(page, root)) : new URL(page, root);
      assert.ok(existsSync(fileURLToPath(url)), `${page}: ${link}`);
      if (!fragment) continue;
      const headings = [...readFileSync(url, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));
      assert.ok(headings.includes(fragment), `${page}: ${link}`);
    }
});
