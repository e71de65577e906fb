/**
 * Turns the nodes of an ONNX graph into layers, in order. operators/ says what each operator becomes.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../../errors.js';
import { product } from '../../layers/tensor.js';
import { nearest } from '../../model/nearest.js';
import { Builder } from './builder.js';
import { commonShape, Constant, constantOf, expanded, transposed, vector } from './constants.js';
import { fold } from './folding.js';
import { inLoop } from './loops.js';
import { named, plus, Size } from './sizes.js';
import { keepsAxes } from './words.js';
import { aligned, equalAxes, Factor, isBatch, Parts, sizeOf, Value } from './values.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./values.js').Axis} Axis */
/** @typedef {import('./words.js').Words} Words */
/** @typedef {import('./values.js').Output} Output */
/** @typedef {import('./values.js').RowIndex | import('./values.js').RowBound | import('./values.js').RowTest | import('./values.js').RowList} OfLoop */
/** @typedef {Constant | Value | Parts | import('./values.js').RowOrder | import('./values.js').RowStarts | OfLoop} Any */
/** @typedef {import('./protobuf.js').NodeMessage} Node */
/** @typedef {import('../../layers/layer.js').Weight} Weight */

/**
 * Converts a node. Omitted optional inputs are undefined.
 * @typedef {(c: Converter, node: Node, inputs: (Any | undefined)[]) => Any | (Any | undefined)[]} Operator
 */

/** Operator -> minimum number of inputs, where that is more than one. @type {Record<string, number>} */
const inputsLeast = {
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'MatMul', 'Gemm', 'Gather', 'Conv', 'PRelu', 'And', 'Or', 'Xor'].map((op) => [op, 2]),
  ),
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Expand', 'LayerNormalization'].map((op) => [op, 2]),
  ),
  ...{ Where: 3, LSTM: 3, GRU: 3, RNN: 3, BatchNormalization: 5 },
};

/** Thrown with `ownLengths` where a node outside of recurrent layers reads padding: then the lengths have to be an input of the model. */
export class NeedsLengths extends UnsupportedError {}

export class Converter {
  /**
   * @param {{ file: string, opset: number, operators: Record<string, Operator>, external: (location: string) => Uint8Array, uses: Map<string, number>,
   *   ownLengths: boolean }} of
   *   uses: how often each name is read; ownLengths: the rows of a batch have the lengths that the graph expects in sequence_lens
   */
  constructor({ file, opset, operators, external, uses, ownLengths }) {
    this.file = file;
    this.opset = opset;
    this.operators = operators;
    this.external = external;
    this.uses = uses;
    this.ownLengths = ownLengths;
    /** inLoop: nodes are in the body of a loop over the rows; lastRow: in its branch for the last row. */
    this.inLoop = false;
    this.lastRow = false;
    /** Layer that sums an axis -> the output that it sums, and the size of the axis. @type {Map<string, { from: Output, size: Extent }>} */
    this.sums = new Map();
    this.builder = new Builder();
    /** @type {Map<string, Any>} */
    this.values = new Map();
    /** The inputs of characters. @type {Words[]} */
    this.words = [];
    /** Set while a node that reads characters is converted. @type {Words | null} */
    this.ofWords = null;
    /** Layers that count the steps of rows, in place of an input of lengths. @type {Set<string>} */
    this.lengthInputs = new Set();
    /** Key of a symbolic size T -> the input that has T steps. @type {Map<string, Output>} */
    this.timeOf = new Map();
  }

  /** @param {Node} node */
  describe(node) {
    return `${this.file}: node ${JSON.stringify(node.name || node.outputs[0] || '')} (${node.op})`;
  }

  /** @param {Node} node @param {string} what @returns {never} */
  refuse(node, what) {
    throw new UnsupportedError(`${this.describe(node)}: ${what}`);
  }

  /** Called where an operator other than a recurrent one combines values of different steps, padding included. @param {Node} node @param {Axis} [axis] */
  readsSteps(node, axis) {
    // Lengths count words, not characters.
    if (this.ofWords) return;
    if (this.ownLengths && this.lengthInputs.size && (!axis || axis.some(({ varies }) => varies)))
      throw new NeedsLengths(`${this.describe(node)}: reads steps after the lengths of rows`);
  }

  /** The value of an attribute. @param {Node} node @param {string} name @param {any} [otherwise] @returns {any} */
  attribute({ attributes }, name, otherwise) {
    return attributes[name] ?? otherwise;
  }

  /** A name for the layer of a node. @param {Node} node @param {string} [suffix] */
  nameOf(node, suffix = '') {
    return (node.name || node.outputs[0] || node.op) + suffix;
  }

  /** A tensor of the file. @param {import('./protobuf.js').TensorMessage} tensor @param {string} where */
  constant(tensor, where) {
    return constantOf(tensor, where, this.external);
  }

  /** The result of Shape. @param {Node} node @param {Extent[]} shape */
  shapeOf(node, shape) {
    return vector(shape.slice(this.attribute(node, 'start', 0), this.attribute(node, 'end', shape.length)));
  }

  /** Whether a node reads this output, or it is an output of the model. @param {string | undefined} name */
  isUsed(name) {
    return Boolean(name) && (this.uses.get(/** @type {string} */ (name)) ?? 0) > 0;
  }

  /** An axis from an attribute, with negative ones counted from the end. @param {Node} node @param {number} axis @param {number} rank */
  axis(node, axis, rank) {
    const at = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(at) || at < 0 || at >= rank)
      throw new ModelFileError(`${this.describe(node)}: axis ${axis} of a tensor with ${rank} axes`);
    return at;
  }

  /** A list of integers or symbolic sizes from a constant input. @param {Node} node @param {Any | undefined} x @param {string} what @returns {Extent[] | undefined} */
  list(node, x, what) {
    if (x === undefined) return undefined;
    if (!(x instanceof Constant)) return this.refuse(node, `${what} depend on the input; padless needs them to be constant`);
    return expanded(x, this.describe(node)).list;
  }

  /** The axes of a node: from the attribute or, in newer opsets, from an input. @param {Node} node @param {Any | undefined} input @param {number} rank @returns {number[] | undefined} */
  axes(node, input, rank) {
    const given = node.attributes.axes ?? this.list(node, input, 'axes');
    return given?.map((/** @type {number} */ axis) => this.axis(node, axis, rank));
  }

  /** Computes a node. @param {Node} node */
  run(node) {
    const inputs = node.inputs.map((name) => {
      if (name === '') return undefined;
      const value = this.values.get(name);
      if (value === undefined)
        throw new ModelFileError(`${this.describe(node)}: no node before it computes its input ${JSON.stringify(name)}`);
      return value;
    });
    if (node.domain) this.refuse(node, `its domain is ${node.domain}; padless reads the operators of ai.onnx`);
    const least = Object.hasOwn(inputsLeast, node.op) ? inputsLeast[node.op] : 0;
    for (let i = 0; i < least; i++)
      if (inputs[i] === undefined) throw new ModelFileError(`${this.describe(node)}: input ${i} is missing; it needs ${least}`);
    const special = this.inLoop ? inLoop(this, node, inputs) : null;
    const isConstant = inputs.every((x) => x === undefined || x instanceof Constant);
    const folded = special ?? (isConstant ? fold(this, node, /** @type {(Constant | undefined)[]} */ (inputs)) : null);
    if (!folded && !Object.hasOwn(this.operators, node.op))
      this.refuse(
        node,
        `the operator is not one of ${nearest(node.op, Object.keys(this.operators))} (web/docs/convert.md lists them)`,
      );
    const words = this.words.find((each) => inputs.some((x) => each.holds(x)));
    const result = folded ?? (words ? this.runInWords(node, inputs, words) : this.operators[node.op](this, node, inputs));
    const list = Array.isArray(result) ? result : [result];
    node.outputs.forEach((name, i) => {
      const value = list[i];
      if (name === '') return;
      if (value) this.values.set(name, value);
      else if (this.isUsed(name)) this.refuse(node, `output ${i} is read; padless does not compute it`);
    });
  }

  /** Converts a node that reads an input of characters. @param {Node} node @param {(Any | undefined)[]} inputs @param {Words} words @returns {(Any | undefined)[]} */
  runInWords(node, inputs, words) {
    const refuse = () =>
      this.refuse(node, 'reads characters and other tensors together; padless needs one vector for each word first');
    const isOther = (/** @type {any} */ x) => x !== undefined && !(x instanceof Constant) && !words.holds(x);
    if (inputs.some(isOther)) refuse();
    const keeps = node.op === 'Gather' ? words.holds(inputs[1]) : keepsAxes.has(node.op);
    if (!keeps && inputs.some((x) => words.isApart(x)))
      this.refuse(
        node,
        'an input of characters with separate axes for texts and words; padless needs [B*T, C, ...] before this operator',
      );
    const { batch } = this;
    this.batch = words.batch;
    this.ofWords = words;
    this.builder.inWords = refuse;
    try {
      return [this.operators[node.op](this, node, inputs)].flat().map((x) => words.settled(x));
    } finally {
      this.batch = batch;
      this.ofWords = null;
      this.builder.inWords = null;
    }
  }

  /** Converts a graph in an attribute of a node, and returns its outputs. @param {Node} node @param {import('./protobuf.js').GraphMessage} graph @returns {any[]} */
  inside(node, graph) {
    for (const tensor of graph.initializers)
      this.values.set(tensor.name, this.constant(tensor, `${this.describe(node)}: ${JSON.stringify(tensor.name)}`));
    for (const each of graph.nodes) this.run(each);
    // The ONNX standard demands that names inside differ from names outside.
    return graph.outputs.map(({ name }) => this.values.get(name));
  }

  /**
   * An input of a node as a Value: constants become layers, Parts are concatenated.
   * @param {Node} node @param {Any | undefined} x @param {boolean} [keepsIds]  token ids stay ids; otherwise they become numbers to compute with
   * @returns {Value}
   */
  tensor(node, x, keepsIds = false) {
    if (x instanceof Value) return x.ids && !keepsIds ? this.idValues(node, x) : x;
    if (x instanceof Parts) return this.joined(node, x);
    if (x instanceof Constant) return this.placed(node, x);
    if (x)
      return this.refuse(
        node,
        'computes with the indices of rows, which mixes the texts of a batch; padless answers each text by itself',
      );
    throw new ModelFileError(`${this.describe(node)}: an input is missing`);
  }

  /** The first input: a layer that returns a constant reads the batch size from it. @returns {Output} */
  get anyInput() {
    const [[name]] = this.builder.entries;
    return { layer: name, tensor: 0 };
  }

  /** Token ids [B, T] as numbers [B, T, 1]. @param {Node} node @param {Value} x */
  idValues(node, x) {
    const [batch, steps] = x.groups;
    const output = this.builder.layer('padless>IdValues', this.nameOf(node, '_ids'), {}, x.output);
    return x.with({ output, groups: [batch, steps, []], ids: false });
  }

  /** A constant as the output of a layer, repeated for each row. @param {Node} node @param {Constant} x */
  placed(node, x) {
    const whole = expanded(x, this.describe(node));
    if (whole.list.some((each) => each instanceof Size)) return this.sizeTensor(node, whole);
    const view = whole.base.map((size) => (size === 1 ? [] : [new Factor(size)]));
    const axes = view.filter(({ length }) => length);
    const shape = axes.length ? whole.base.filter((size) => size !== 1) : [1];
    const value = { shape, data: Float32Array.from(whole.data, Number) };
    const output = this.builder.layer('padless>Constant', this.nameOf(node, '_constant'), { shape }, this.anyInput, { value });
    return new Value({ output, groups: [[this.batch], ...(axes.length ? axes : [[]])], view, kind: x.kind });
  }

  /** The factor of the batch axis: B, or B*T while a node reads characters. */
  batch = new Factor(named('B'), true);

  /** A symbolic size as a tensor: a layer counts the steps of the input that has this size. @param {Node} node @param {Constant} x @returns {Value} */
  sizeTensor(node, x) {
    const size = x.single;
    const source = size instanceof Size ? this.timeOf.get(size.key) : undefined;
    if (!source)
      return this.refuse(
        node,
        `computes with the size ${x.list.join(', ')}; padless can compute only with the number of steps of an input`,
      );
    this.readsSteps(node);
    const output = this.builder.layer('padless>StepCount', this.nameOf(node, '_steps'), {}, source);
    return new Value({ output, groups: [[this.batch], []], view: x.shape.map(() => []), kind: 'int' });
  }

  /**
   * The output that stores a value in these groups: its own, or that of a new Rearrange layer.
   * @param {Node} node @param {Value} value @param {Axis[]} groups  all factors of the value; the first group is the batch
   * @returns {Output}
   */
  arranged(node, value, groups) {
    if (equalAxes(value.groups, groups)) return value.output;
    const keepsTime = equalAxes(value.groups.slice(0, 2), groups.slice(0, 2));
    if (!keepsTime && value.groups.length > 2) this.readsSteps(node, value.stored);
    /** @type {Record<string, number>} */
    const sizes = {};
    /** @type {Map<Factor, string>} */
    const names = new Map();
    for (const factor of value.groups.flat()) {
      const name = factor.batch ? 'b' : factor.varies && ![...names.values()].includes('t') ? 't' : `a${names.size}`;
      names.set(factor, name);
      if (typeof factor.size === 'number' && !factor.batch) sizes[name] = factor.size;
    }
    const side = (/** @type {Axis[]} */ axes) =>
      axes.map((axis) => (axis.length === 1 ? names.get(axis[0]) : `(${axis.map((each) => names.get(each)).join(' ')})`)).join(' ');
    const pattern = `${side(value.groups)} -> ${side(groups)}`;
    return this.builder.layer('padless>Rearrange', this.nameOf(node, '_rearrange'), { pattern, sizes }, value.output);
  }

  /** The groups of a value with the factors of an axis moved into a last group. @param {Value} value @param {Axis} last @returns {Axis[]} */
  withLast(value, last) {
    const [batch, ...groups] = value.groups;
    const rest = groups.map((axis) => axis.filter((factor) => !last.includes(factor)));
    return [batch, ...rest.filter(({ length }) => length), last];
  }

  /** Refuses an axis that contains the batch. @param {Node} node @param {Axis} axis @param {string} what */
  notBatch(node, axis, what) {
    if (axis.some((factor) => factor.batch || factor === this.ofWords?.steps))
      this.refuse(node, `${what} runs over the batch, which mixes the texts of a batch; padless answers each text by itself`);
  }

  /**
   * Broadcasts operands as NumPy does: splits factors until equal axes have equal factors, which the operands then share.
   * @param {Node} node @param {(Value | Constant)[]} given @param {boolean} [distinct]  no two operands share a factor yet
   * @returns {{ operands: (Value | Constant)[], axes: Axis[] }}  all values have the factors of `axes`
   */
  combined(node, given, distinct = false) {
    const rank = Math.max(...given.map(({ shape }) => shape.length));
    const shape = commonShape(given.map((each) => each.shape));
    if (!shape)
      this.refuse(node, `shapes [${given.map((each) => each.shape.join()).join('] and [')}] do not broadcast for all sizes`);
    const operands = given.map((x, i) => {
      if (x instanceof Constant) return x;
      const own = i && !distinct ? x.apart() : x;
      return own.with({ view: [...Array.from({ length: rank - own.view.length }, () => []), ...own.view] });
    });
    const values = () => operands.flatMap((x, i) => (x instanceof Value ? [i] : []));
    const at = (/** @type {number} */ i) => /** @type {Value} */ (operands[i]);
    for (let axis = 0; axis < rank; axis++) {
      const having = values().filter((i) => at(i).view[axis].length);
      const [first, ...others] = having;
      const count = () => having.reduce((sum, i) => sum + at(i).view[axis].length, 0);
      // A pass may split factors of the first operand. Then split those of the operands before, too, in another pass.
      for (let before = -1; before !== count();) {
        before = count();
        for (const i of others) {
          const result = aligned(at(first), at(first).view[axis], at(i), at(i).view[axis]);
          if (!result) return this.mismatch(node, axis, at(first).view[axis], at(i).view[axis]);
          [operands[first], operands[i]] = [result.a, result.b];
        }
      }
    }
    /** @type {Axis[]} */
    const axes = Array.from({ length: rank }, (_, axis) => {
      const first = values().find((i) => at(i).view[axis].length);
      if (first !== undefined) return at(first).view[axis];
      const size = /** @type {Extent[]} */ (shape)[axis];
      return size === 1 ? [] : [new Factor(size)];
    });
    // [B, D] and [B, 1, D] make [B, B, D], in which each text meets all others.
    if (axes.filter((axis) => axis.some(({ batch }) => batch)).length > 1) this.notBatch(node, [this.batch], 'broadcasting');
    for (const i of values()) {
      const value = at(i);
      const names = new Map(value.view.flatMap((axis, k) => axis.map((factor, j) => [factor, axes[k][j]])));
      const rename = (/** @type {Axis[]} */ list) => list.map((axis) => axis.map((factor) => names.get(factor) ?? factor));
      operands[i] = value.with({ groups: rename(value.groups), view: rename(value.view) });
    }
    return { operands, axes };
  }

  /** Refuses operands whose factors of an axis cannot be matched. @param {Node} node @param {number} axis @param {Axis} a @param {Axis} b @returns {never} */
  mismatch(node, axis, a, b) {
    const [left, right] = [a, b].map((each) => each.map(({ size }) => size).join(' * '));
    const ofBatch = [...a, ...b].some(({ batch }) => batch);
    return this.refuse(
      node,
      ofBatch
        ? `axis ${axis} is the batch in one operand and another axis in the other`
        : `axis ${axis} is merged from axes of ${left} in one operand and ${right} in the other, which padless cannot match`,
    );
  }

  /**
   * Groups for the result of an operation on several operands: the groups of the operand with most factors, and the missing factors of the others.
   * @param {(Value | Constant)[]} operands  from combined() @param {Axis[]} axes
   * @returns {Axis[]}
   */
  layout(operands, axes) {
    const values = /** @type {Value[]} */ (operands.filter((x) => x instanceof Value));
    const main = values.reduce((a, b) => (b.stored.length > a.stored.length ? b : a));
    const order = [...main.stored];
    const flat = axes.flat().filter(({ batch }) => !batch);
    flat.forEach((factor, i) => {
      if (order.includes(factor)) return;
      const before = flat
        .slice(0, i)
        .reverse()
        .find((each) => order.includes(each));
      order.splice(factor.varies || !before ? 0 : order.indexOf(before) + 1, 0, factor);
    });
    const starts = new Set(main.groups.slice(1).map(([first]) => first));
    const presence = (/** @type {Factor} */ factor) =>
      operands.map((x) => (x instanceof Value ? x.stored.includes(factor) : this.sizeIn(x, axes, factor) !== 1)).join();
    /** @type {Axis[]} */
    const groups = [];
    order.forEach((factor, i) => {
      const previous = order[i - 1];
      const own = !previous || starts.has(factor) || factor.varies || previous.varies || presence(factor) !== presence(previous);
      if (own) groups.push([factor]);
      else groups[groups.length - 1].push(factor);
    });
    // An axis of size 1 has no factor: [B, T, 1] is a sequence, not a vector of T values.
    if (
      equalAxes(
        groups,
        main.groups.slice(1).filter(({ length }) => length),
      )
    )
      return main.groups;
    const isSequence = groups.length === 1 && groups[0][0].varies;
    return [[this.batch], ...(groups.length ? groups : [[]]), ...(isSequence ? [[]] : [])];
  }

  /** The size of a constant along the axis of a factor: 1 if it is broadcast there. @param {Constant} x @param {Axis[]} axes @param {Factor} factor */
  sizeIn(x, axes, factor) {
    const axis = axes.findIndex((each) => each.includes(factor));
    return axis < 0 ? 1 : (x.base[axis - axes.length + x.base.length] ?? 1);
  }

  /** A constant operand transposed to the order of groups, without the batch; a number if it has one element. @param {Node} node @param {Constant} x @param {Axis[]} axes @param {Axis[]} groups @returns {Weight | number} */
  operand(node, x, axes, groups) {
    const where = this.describe(node);
    if (x.data.length === 1 && typeof x.single === 'number' && Number.isFinite(x.single)) return x.single;
    if (x.list.some((each) => each instanceof Size)) return this.refuse(node, 'a constant contains sizes that depend on the input');
    const base = [...Array.from({ length: axes.length - x.base.length }, () => 1), ...x.base];
    if (base.some((size, i) => size !== 1 && isBatch(axes[i])))
      return this.refuse(node, `a constant of shape [${x.base}] has rows for a batch of fixed size`);
    const factors = axes.flatMap((axis, i) =>
      base[i] === 1 ? axis.map((factor) => ({ factor, size: 1 })) : axis.map((factor) => ({ factor, size: Number(factor.size) })),
    );
    const flat = new Constant(
      x.kind,
      factors.map(({ size }) => size),
      x.data,
    );
    const order = groups.flat().filter(({ batch }) => !batch);
    const places = order.map((factor) => factors.findIndex((each) => each.factor === factor));
    const rest = factors.map((_, i) => i).filter((i) => !places.includes(i));
    const sorted = transposed(flat, [...rest, ...places], where);
    const shape = groups.slice(1).map((group) => product(group.map((factor) => factors[places[order.indexOf(factor)]].size)));
    return { shape, data: Float32Array.from(sorted.data, Number) };
  }

  /** Concatenates Parts. @param {Node} node @param {Parts} parts @returns {Value} */
  joined(node, { axis, list }) {
    const values = list.map((x, i) => (i ? this.tensor(node, x).apart() : this.tensor(node, x)));
    if (values.length === 1) return values[0];
    // Concat needs equal sizes on all other axes: align these as for broadcasting, with the axis itself removed.
    const own = values.map((value) => value.view[axis]);
    own.forEach((each) => this.notBatch(node, each, 'concatenation'));
    const size = own.reduce((/** @type {Extent} */ sum, each) => plus(sum, sizeOf(each)), 0);
    const bare = values.map((value) => value.with({ view: value.view.map((each, i) => (i === axis ? [] : each)) }));
    const { operands, axes } = this.combined(node, bare, true);
    const made = new Factor(size);
    const rest = this.layout(
      operands.map((x, i) => {
        const value = /** @type {Value} */ (x);
        return value.with({
          groups: value.groups
            .map((group) => group.filter((factor) => !own[i].includes(factor)))
            .filter((group, g) => g === 0 || group.length),
        });
      }),
      axes,
    )
      .slice(1)
      .filter((group) => group.length);
    const view = axes.map((each, i) => (i === axis ? [made] : each));
    const overTime = own.some((each) => each.some(({ varies }) => varies));
    if (overTime) {
      this.readsSteps(node, own.flat());
      const groups = own.map((each) => [[this.batch], each, rest.flat()]);
      const outputs = operands.map((x, i) => this.arranged(node, /** @type {Value} */ (x), groups[i]));
      const output = this.builder.layer('Concatenate', this.nameOf(node), { axis: 1 }, outputs);
      return new Value({ output, groups: [[this.batch], [made], rest.flat()], view, kind: values[0].kind });
    }
    // The concatenated axis becomes the first factor of the features. A time axis, or the first of several other groups, stays before it.
    const isLast = operands.every((x, i) => equalAxes(/** @type {Value} */ (x).groups.slice(-1), [own[i]]));
    const front = isLast ? rest : rest.length > 1 || rest[0]?.some(({ varies }) => varies) ? rest.slice(0, 1) : [];
    const behind = isLast ? [] : rest.slice(front.length).flat();
    const outputs = operands.map((x, i) =>
      this.arranged(node, /** @type {Value} */ (x), [[this.batch], ...front, [...own[i], ...behind]]),
    );
    const output = wholeOf(values, outputs) ?? this.builder.layer('Concatenate', this.nameOf(node), { axis: -1 }, outputs);
    return new Value({ output, groups: [[this.batch], ...front, [made, ...behind]], view, kind: values[0].kind });
  }

  /** A copy of a value whose view has another shape. @param {Node} node @param {Value} value @param {Extent[]} shape */
  reshaped(node, value, shape) {
    const { ofWords } = this;
    const result = (ofWords ? value.with({ view: ofWords.apart(value.view) }) : value).reshaped(shape);
    // A view of an input of characters has to keep B and T whole.
    const lost = ofWords && [ofWords.rows, ofWords.steps].some((factor) => !result?.view.flat().includes(factor));
    if (result && !lost) return result;
    return this.refuse(
      node,
      `[${value.shape}] -> [${shape}] merges or splits axes that padless keeps apart; export the model with dynamic batch and time axes (dynamic_axes or dynamic_shapes)`,
    );
  }
}

/** The output whose consecutive slices the values are, if together they are all of it. @param {Value[]} values @param {Output[]} outputs  one for each value @returns {Output | null} */
function wholeOf(values, outputs) {
  let end = 0;
  const [first] = values;
  for (const [i, { part, output }] of values.entries()) {
    if (
      !part ||
      output !== outputs[i] ||
      part.start !== end ||
      part.of.layer !== first.part?.of.layer ||
      part.of.tensor !== first.part.of.tensor
    )
      return null;
    end = part.end;
  }
  return end === first.part?.width ? first.part.of : null;
}
