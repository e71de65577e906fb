/**
 * Builds the kernel tests and the wasm of a tree in which one file of c/ has changed, and puts the unchanged build back.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Whether the program ends without an error. @param {string} program @param {string[]} args @param {string} [cwd] */
const succeeds = (program, args, cwd) =>
  run(program, args, { cwd }).then(
    () => true,
    () => false,
  );
const compiler = ['clang', ['-std=c11', '-ffp-contract=off', '-O1', '-Ic', '-w']];

/** The native kernel tests: every object once, then the changed ones for each mutant. */
export class NativeTests {
  /** @param {string} tree @param {string} name  of the folder of its objects, beside the tree @param {string[]} options  of clang */
  constructor(tree, name, options = []) {
    this.tree = tree;
    this.options = options;
    this.objects = `${tree}.${name}`;
    this.program = `${this.objects}/kernels`;
    const list = (/** @type {string} */ folder) =>
      readdirSync(join(tree, folder))
        .filter((file) => file.endsWith('.c'))
        .map((file) => `${folder}/${file}`);
    this.sources = ['c', 'c/ref', 'tests/kernels'].flatMap(list);
  }

  /** @param {string} source */
  objectOf(source) {
    return join(this.objects, `${source.replaceAll('/', '-')}.o`);
  }

  /** @param {string} source @param {string} object */
  compile(source, object) {
    const [program, options] = /** @type {[string, string[]]} */ (compiler);
    return succeeds(program, [...options, ...this.options, '-c', source, '-o', object], this.tree);
  }

  /** Whether the program with the changed file could be built. Tests include headers, too. @param {string} file  of c/ */
  async build(file) {
    mkdirSync(this.objects, { recursive: true });
    const changed = file.endsWith('.h') ? this.sources : [file];
    for (const source of this.sources)
      if (!changed.includes(source) && !existsSync(this.objectOf(source)) && !(await this.compile(source, this.objectOf(source))))
        throw new Error(`${source} does not compile`);
    const objects = this.sources.map((source) =>
      changed.includes(source) ? `${this.objectOf(source)}.changed` : this.objectOf(source),
    );
    for (const source of changed) if (!(await this.compile(source, `${this.objectOf(source)}.changed`))) return false;
    return succeeds('clang', [...this.options, ...objects, '-lm', '-o', this.program]);
  }
}

const built = ['build/wasm', 'build/test', 'js/dist'];

/** Builds the fixed-order wasm of the package and of the kernel tests with the changed file. @param {string} tree */
export async function buildWasm(tree) {
  const backup = `${tree}.built`;
  if (!existsSync(backup))
    for (const each of built) cpSync(join(tree, each), join(backup, each), { recursive: true, preserveTimestamps: true });
  if (!(await succeeds('make', ['-s', 'js/dist/padless.wasm', 'build/test/kernels.wasm'], tree))) return false;
  writeFileSync(join(tree, 'js/dist/inline.js'), '');
  await run(process.execPath, ['c/inline.js', 'js/dist/inline.js'], { cwd: tree });
  return true;
}

/** @param {string} tree */
export function restoreWasm(tree) {
  const backup = `${tree}.built`;
  if (!existsSync(backup)) return;
  for (const each of built) {
    rmSync(join(tree, each), { recursive: true, force: true });
    cpSync(join(backup, each), join(tree, each), { recursive: true, preserveTimestamps: true });
  }
}
