/**
 * Which test noticed which mutant, kept in killers.json by test: a run from nothing tries that test first.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const path = join(import.meta.dirname, 'killers.json');

/** @returns {Map<string, string>} the test by the mutant's id */
export function readKillers() {
  /** @type {Record<string, string[]>} */
  const byTest = JSON.parse(readFileSync(path, 'utf8'));
  return new Map(Object.entries(byTest).flatMap(([test, ids]) => ids.map((id) => /** @type {const} */ ([id, test]))));
}

/** @param {Map<string, string>} killers */
export function writeKillers(killers) {
  const tests = [...new Set(killers.values())].sort();
  const lines = tests.map((test) => {
    const ids = [...killers].flatMap(([id, by]) => (by === test ? [id] : [])).sort();
    return `${JSON.stringify(test)}: ${JSON.stringify(ids)}`;
  });
  writeFileSync(path, `{\n${lines.join(',\n')}\n}\n`);
}
