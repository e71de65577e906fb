/**
 * If, Loop and Scan: computed only where the condition is known at import, and where a loop is the EmbeddingBag of PyTorch.
 */
import { Constant, expanded } from '../constants.js';
import { same } from '../sizes.js';
import { axisOf, RowStarts, Value } from '../values.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Operator} Operator */

/** @type {Operator} */
const branch = (c, node, [test]) => {
  const value = test instanceof Constant ? test.single : undefined;
  if (typeof value !== 'number') return c.refuse(node, 'the condition depends on the input; padless has no branches');
  const graph = node.attributes[value ? 'then_branch' : 'else_branch'];
  if (!Array.isArray(graph?.nodes)) return c.refuse(node, 'a branch is missing');
  return c.inside(node, graph);
};

/** Reductions of an EmbeddingBag, and padless's layers. @type {Record<string, string>} */
const bags = { ReduceMean: 'padless>MaskedMean', ReduceSum: 'padless>MaskedSum', ReduceMax: 'padless>MaskedMax' };

/**
 * The loop over rows that PyTorch writes for an EmbeddingBag: it looks up the ids of a row, from where it starts to where the next one does, and
 * reduces over them.
 * @param {Converter} c @param {Node} node @returns {Value | null}
 */
function embeddingBag(c, node) {
  /** @type {Node[]} */
  const body = (node.attributes.body?.nodes ?? []).filter((/** @type {Node} */ { op }) => op !== 'Constant');
  const ops = body.map(({ op }) => op);
  const reduction = ops[6];
  if (ops.join() !== `Gather,Gather,Unsqueeze,Unsqueeze,Slice,Gather,${reduction},Cast` || !Object.hasOwn(bags, reduction))
    return null;
  const [starts, ends] = [c.values.get(body[0].inputs[0]), c.values.get(body[1].inputs[0])];
  const [ids, table] = [c.values.get(body[4].inputs[0]), c.values.get(body[5].inputs[0])];
  const isRows =
    starts instanceof RowStarts &&
    ends instanceof RowStarts &&
    starts.first === 0 &&
    ends.first === 1 &&
    same(ends.shape[0], c.batch.size);
  if (
    !isRows ||
    !(ids instanceof Value) ||
    !ids.ids ||
    ids.view.length !== 1 ||
    !(table instanceof Constant) ||
    table.shape.length !== 2
  )
    return null;
  const [rows, ...steps] = ids.view[0];
  // The ids of all rows, one row behind the other.
  if (!rows?.batch || !same(starts.steps, steps[0]?.size ?? 1) || steps.length > 1) return null;
  if (body[5].inputs[1] !== body[4].outputs[0] || body[6].inputs[0] !== body[5].outputs[0]) return null;
  const { axes = [0], keepdims = 1 } = body[6].attributes;
  if ((body[5].attributes.axis ?? 0) !== 0 || axes.join() !== '0' || keepdims !== 0) return null;
  c.readsSteps(node, steps);
  const embeddings = expanded(table, c.describe(node));
  const [input_dim, output_dim] = embeddings.base;
  const weights = { embeddings: { shape: [input_dim, output_dim], data: /** @type {Float32Array} */ (embeddings.data) } };
  const looked = c.builder.layer('Embedding', c.nameOf(node, '_embedding'), { input_dim, output_dim }, ids.output, weights);
  const made = axisOf(output_dim);
  return new Value({
    output: c.builder.layer(bags[reduction], c.nameOf(node), {}, looked),
    groups: [[c.batch], made],
    view: [[c.batch], made],
  });
}

/** @type {Operator} */
const refused = (c, node) =>
  c.refuse(node, `padless has no ${node.op}; export the model without loops, by the other exporter of the framework, say`);

/** @type {Record<string, Operator>} */
export const controlOperators = {
  If: branch,
  Loop: (c, node, inputs) => embeddingBag(c, node) ?? refused(c, node, inputs),
  Scan: refused,
};
