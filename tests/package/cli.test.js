/** The command line's face: help, and what is said to somebody who asks for what is not there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const cli = fileURLToPath(new URL('js/cli.js', root));
const model = fileURLToPath(new URL('web/models/langid/langid.safetensors', root));

/** @param {...string} args */
function padless(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}
const overview = padless('--help');
const commands = [...overview.stdout.matchAll(/^ {2}([a-z]+) [A-Z]/gm)].map(([, name]) => name);

test('--help names every command, and each has a help of its own', () => {
  assert.equal(overview.status, 0);
  assert.deepEqual(padless(), overview);
  assert.deepEqual(commands, ['info', 'run', 'convert', 'eval', 'record', 'check', 'bench']);
  for (const line of overview.stdout.split('\n')) assert.ok(line.length <= 150, line);
  for (const name of commands) {
    const { status, stdout } = padless(name, '--help');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^usage: padless ${name} [A-Z].*\n  .*\n`));
    assert.match(stdout, /\noptions:\n(.|\n)* --help /);
  }
  assert.equal(padless('--version').stdout.trim(), JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version);
});

test('every option that README and docs give a command is in its help, and is refused by the others', () => {
  const docs = readdirSync(new URL('web/docs/', root)).map((name) => new URL(`web/docs/${name}`, root));
  const prose = [new URL('README.md', root), ...docs].map((url) => readFileSync(url, 'utf8')).join('\n');
  const helps = new Map(commands.map((name) => [name, padless(name, '--help').stdout]));
  let seen = 0;
  for (const [, name, rest] of prose.matchAll(/padless ([a-z]+)((?: [^`\n#]*)?)/g)) {
    if (!helps.has(name)) continue;
    for (const [option] of rest.matchAll(/(?<= )--?[a-z0-9]+/g)) {
      seen++;
      assert.match(String(helps.get(name)), new RegExp(`[ ,]${option}[ ,]`), `padless ${name}${rest}`);
    }
  }
  assert.ok(seen > 10);
  const { status, stdout, stderr } = padless('info', model, '--int8');
  assert.deepEqual([status, stdout, stderr], [2, '', 'padless: info: --int8 is for convert\n']);
});

test('what a command lacks is said, with its own usage', () => {
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['nonsense'], /^padless: unknown command "nonsense"\nusage: padless COMMAND/],
    [['info'], /^padless: info: no model file given\nusage: padless info MODEL/],
    [['convert'], /^padless: convert: no input file given\nusage: padless convert INPUT/],
    [['convert', model], /^padless: convert: where to\? -o FILE\n$/],
    [['eval', model], /^padless: eval: no labelled file given\nusage: padless eval MODEL/],
    [['check', model, 'a', 'b'], /^padless: check: "b" is one argument too many\n$/],
    [['info', model, 'a'], /^padless: info: "a" is one argument too many\n$/],
    [['run', model, '--trace'], /^padless: run --trace: no text given\n$/],
  ])) {
    const { status, stdout, stderr } = padless(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, said);
  }
});
