/**
 * If, Loop and Scan. padless converts an If whose condition is known at import, and a Loop over the rows of the batch, as which PyTorch exports an
 * EmbeddingBag. The body of such a loop is converted once, for all rows: inside the body, values of a row have no batch axis; results get one.
 */
import { Constant, scalar } from '../constants.js';
import { same } from '../sizes.js';
import { RowIndex, RowList, RowTest, Value } from '../values.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Output} Output */

/** Whether two outputs are equal because layers with equal options and without weights compute them from the same outputs. @param {Converter} c @param {Output} a @param {Output} b */
function equalOutputs(c, a, b) {
  const { entries, sources, weights } = c.builder;
  const weighted = new Set([...weights.keys()].map((path) => path.slice(0, path.indexOf('.'))));
  // Compare arguments that are numbers here, those that are outputs below.
  const argumentsOf = (/** @type {any} */ nodes) => JSON.stringify(nodes, (key, each) => (key === 'keras_history' ? '' : each));
  const optionsOf = (/** @type {any} */ entry) =>
    JSON.stringify([entry?.class_name, { ...entry?.config, name: '' }, argumentsOf(entry?.inbound_nodes)]);
  // Pairs of outputs still to compare, and keys of the pairs that were.
  const left = [[a, b]];
  const seen = new Set();
  for (let pair = left.pop(); pair; pair = left.pop()) {
    const [x, y] = pair;
    if (x.tensor !== y.tensor) return false;
    const key = JSON.stringify([x.layer, y.layer]);
    if (x.layer === y.layer || seen.has(key)) continue;
    seen.add(key);
    const [from, to] = [x, y].map(({ layer }) => sources.get(layer) ?? []);
    if (weighted.has(x.layer) || weighted.has(y.layer) || !from.length || from.length !== to.length) return false;
    if (optionsOf(entries.get(x.layer)) !== optionsOf(entries.get(y.layer))) return false;
    from.forEach((each, i) => left.push([each, to[i]]));
  }
  return true;
}

/** Whether a result has the same values in both branches. @param {Converter} c @param {Any} a @param {Any} b */
const equalResults = (c, a, b) =>
  a instanceof Value &&
  b instanceof Value &&
  a.shape.length === b.shape.length &&
  a.shape.every((size, i) => same(size, b.shape[i])) &&
  a.groups.length === b.groups.length &&
  a.groups.every((axis, i) => axis.length === b.groups[i].length && axis.every(({ size }, k) => same(size, b.groups[i][k].size))) &&
  equalOutputs(c, a.output, b.output);

/** @type {Operator} */
const branch = (c, node, [test]) => {
  const value = test instanceof Constant ? test.single : undefined;
  const isLast = test instanceof RowTest && test.isLast;
  if (typeof value !== 'number' && !isLast) return c.refuse(node, 'the condition depends on the input; padless has no branches');
  const branches = [node.attributes.then_branch, node.attributes.else_branch];
  if (!branches.every((graph) => Array.isArray(graph?.nodes))) return c.refuse(node, 'a branch is missing');
  if (!isLast) return c.inside(node, branches[value ? 0 : 1]);
  // PyTorch writes a branch for the last row, whose end is the number of all steps. Accept it if it computes the same.
  const { lastRow } = c;
  c.lastRow = true;
  const last = c.inside(node, branches[0]);
  c.lastRow = lastRow;
  const others = c.inside(node, branches[1]);
  if (!last.every((each, i) => equalResults(c, each, others[i])))
    return c.refuse(
      node,
      'computes the last row of the batch in another way than the others; padless computes each row in the same way',
    );
  return others;
};

/** The value of one row in a loop as a value of all rows. @param {Converter} c @param {Node} node @param {Any | undefined} x @returns {Value} */
function stacked(c, node, x) {
  const value = c.tensor(node, x);
  value.view.forEach((axis) => c.notBatch(node, axis, 'the result of a row'));
  return value.with({ view: [[c.batch], ...value.view] });
}

/** A loop over the rows of the batch. @type {Operator} */
const loop = (c, node, inputs) => {
  const { body } = node.attributes;
  if (!Array.isArray(body?.nodes)) return c.refuse(node, 'the body is missing');
  const [count, test, ...carried] = inputs;
  const counted = count instanceof Constant && same(count.single, c.batch.size);
  const starts = test === undefined || (test instanceof Constant && Number(test.single) === 1);
  if (c.inLoop || (count !== undefined && !counted) || !starts || body.inputs.length !== carried.length + 2)
    return c.refuse(
      node,
      `padless has no ${node.op} except over the rows of the batch; export the model without loops, for example with the framework's other exporter`,
    );
  const [number, condition, ...names] = body.inputs.map((/** @type {any} */ { name }) => name);
  c.values.set(number, new RowIndex([], 0));
  c.values.set(condition, scalar(1));
  names.forEach((/** @type {string} */ name, /** @type {number} */ i) => {
    const first = carried[i];
    const isIndex = first instanceof Constant && first.single === 0;
    if (isIndex) c.values.set(name, new RowIndex(first.shape, 0));
    else if (first instanceof RowList && !first.row) c.values.set(name, first);
    else
      c.refuse(
        node,
        'passes values from one iteration of the loop to the next; padless has LSTM, GRU and RNN for that. Use another exporter, or give padless the file of the framework (.keras, .h5)',
      );
  });
  c.inLoop = true;
  const [goesOn, ...results] = c.inside(node, body);
  c.inLoop = false;
  const more = goesOn instanceof RowTest && !goesOn.isLast;
  if (!more && !(counted && goesOn instanceof Constant && Number(goesOn.single) === 1))
    return c.refuse(node, 'ends by a condition other than the number of rows');
  return results.map((x, i) => {
    const first = carried[i];
    if (i >= carried.length) return stacked(c, node, x);
    if (first instanceof RowList) return x instanceof RowList ? x : c.refuse(node, 'the body does not return the sequence of rows');
    if (!(x instanceof RowIndex) || x.offset !== 1) return c.refuse(node, 'the index of the row does not grow by 1');
    return undefined;
  });
};

/** @type {Operator} */
const scan = (c, node) =>
  c.refuse(node, "padless has no Scan; export the model without loops, for example with the framework's other exporter");

/** @type {Record<string, Operator>} */
export const controlOperators = {
  If: branch,
  Loop: loop,
  Scan: scan,
  SequenceEmpty: () => new RowList(null),
  SequenceInsert: (c, node, [list, row, at]) => {
    if (!(list instanceof RowList) || list.row || at || !c.inLoop)
      return c.refuse(node, 'padless has sequences of tensors only where a loop over the batch appends one row for each text');
    return new RowList(c.tensor(node, row));
  },
  ConcatFromSequence: (c, node, [list]) => {
    const { axis, new_axis = 0 } = node.attributes;
    if (!(list instanceof RowList) || !list.row || axis !== 0) return c.refuse(node, 'padless has no sequences of tensors');
    const { view } = list.row;
    if (!new_axis && (view.length === 0 || view[0].length)) return c.refuse(node, `joins rows of shape [${list.row.shape}]`);
    return list.row.with({ view: [[c.batch], ...(new_axis ? view : view.slice(1))] });
  },
};
