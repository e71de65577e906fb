/**
 * Reads c/padless.h, the only source of the ABI, and prints the parts that other files need:
 *
 *   node c/abi.js js HEADER        js/dist/abi.js: enums with their values, structs with their size and the offset of each field
 *   node c/abi.js exports HEADER   the symbols that the linker exports, one a line
 *
 * Enums and structs are found by their form `typedef enum pl_x {...} pl_x;`, functions by a declaration that starts in the first column.
 */
import { readFileSync } from 'node:fs';

/** Bytes of the types that structs have in wasm32, each aligned to its size; pointers are `*`. @type {Record<string, number>} */
const SIZES = { '*': 4, int32_t: 4, int: 4, size_t: 4, float: 4, uint8_t: 1, uint64_t: 8, double: 8 };

/**
 * @param {string} code  without comments
 * @param {'enum' | 'struct'} kind
 * @returns {[string, string][]} name without pl_, and the text between the braces
 */
const typedefs = (code, kind) =>
  [...code.matchAll(new RegExp(`typedef ${kind} pl_(\\w+) \\{([^}]*)\\}`, 'g'))].map(([, name, body]) => [name, body]);

/** @param {string} name @param {string} body @returns {Record<string, number>} PL_GRU_RESET_AFTER is `gru_reset_after` */
function enumMembers(name, body) {
  /** @type {Record<string, number>} */
  const members = {};
  let next = 0;
  for (const member of body.split(',').map((each) => each.trim())) {
    if (!member) continue;
    const [, key, value] = member.match(/^PL_(\w+)(?:\s*=\s*(\d+))?$/) ?? [];
    if (!key) throw new Error(`enum pl_${name}: cannot read ${JSON.stringify(member)}, expected PL_NAME or PL_NAME = number`);
    if (value !== undefined) next = Number(value);
    // PL_ACT_COUNT is the number of activations, not one of them.
    if (key.toLowerCase() !== `${name}_count`) members[key.toLowerCase()] = next;
    next++;
  }
  return members;
}

/** @param {string} name @param {string} body @returns {{ size: number, fields: Record<string, number> }} in bytes */
function structLayout(name, body) {
  /** @type {Record<string, number>} */
  const fields = {};
  let [offset, largest] = [0, 1];
  for (const declaration of body.split(';').map((each) => each.trim())) {
    if (!declaration) continue;
    const [, type, list] = declaration.match(/^(?:const )?(\w+)\s+(.+)$/s) ?? [];
    for (const field of (list ?? '').split(',').map((each) => each.trim())) {
      const bytes = SIZES[field.startsWith('*') ? '*' : type];
      const key = field.replace(/^\*/, '');
      if (!bytes || !/^\w+$/.test(key)) throw new Error(`struct pl_${name}: cannot read ${JSON.stringify(declaration)}`);
      offset = Math.ceil(offset / bytes) * bytes;
      fields[key] = offset;
      offset += bytes;
      largest = Math.max(largest, bytes);
    }
  }
  return { size: Math.ceil(offset / largest) * largest, fields };
}

/**
 * @param {string} header  text of c/padless.h
 * @returns {{ enums: [string, Record<string, number>][], structs: [string, ReturnType<typeof structLayout>][], functions: string[] }}
 */
export function readHeader(header) {
  const code = header.replace(/\/\*.*?\*\//gs, '');
  return {
    enums: typedefs(code, 'enum').map(([name, body]) => [name, enumMembers(name, body)]),
    structs: typedefs(code, 'struct').map(([name, body]) => [name, structLayout(name, body)]),
    functions: [...code.matchAll(/^[a-z].*[ *](pl_\w+)\(/gm)].map(([, name]) => name),
  };
}

/** @param {ReturnType<typeof readHeader>} abi */
const asJavaScript = ({ enums, structs }) =>
  `${[
    '// Built by c/abi.js from c/padless.h.',
    ...enums.map(
      ([name, members]) => `/** enum pl_${name} */\nexport const ${name} = /** @type {const} */ (${JSON.stringify(members)});`,
    ),
    ...structs.map(
      ([name, layout]) =>
        `/** struct pl_${name}: bytes, and the offset of each field */\nexport const ${name} = /** @type {const} */ (${JSON.stringify(layout)});`,
    ),
  ].join('\n')}\n`;

if (process.argv[2] === 'js' || process.argv[2] === 'exports') {
  const abi = readHeader(readFileSync(process.argv[3], 'utf8'));
  const symbols = [...abi.functions.map((name) => `_${name}`), '___heap_base'];
  process.stdout.write(process.argv[2] === 'js' ? asJavaScript(abi) : `${symbols.join('\n')}\n`);
}
