/**
 * If, Loop and Scan: computed only where the condition is known at import.
 */
import { Constant } from '../constants.js';
/** @typedef {import('../converter.js').Operator} Operator */

/** @type {Operator} */
const branch = (c, node, [test]) => {
  const value = test instanceof Constant ? test.single : undefined;
  if (typeof value !== 'number') return c.refuse(node, 'the condition depends on the input; padless has no branches');
  const graph = node.attributes[value ? 'then_branch' : 'else_branch'];
  if (!Array.isArray(graph?.nodes)) return c.refuse(node, 'a branch is missing');
  return c.inside(node, graph);
};

/** @type {Operator} */
const refused = (c, node) =>
  c.refuse(node, `padless has no ${node.op}; export the model without loops, by the other exporter of the framework, say`);

/** @type {Record<string, Operator>} */
export const controlOperators = { If: branch, Loop: refused, Scan: refused };
