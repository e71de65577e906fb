/**
 * Layers of imported ONNX models that read or change the steps of rows, and constants.
 * @module
 */
import { ShapeError } from '../../errors.js';
import { Layer } from '../layer.js';
import { product, Spec, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */

/** Reverses the steps of each row. */
export class ReverseSteps extends Layer {
  /** @override */
  static className = 'padless>ReverseSteps';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    this.needSequence(input);
    return input.with({});
  }

  /** @override @param {Tensor} x */
  call(x) {
    return x.whereKept((kept) => {
      const { heap, features, time, B } = kept;
      const y = heap.reserve32(time.N * features);
      heap.exports.pl_ragged_reverse(y, kept.pointer, time.pointer, B, features);
      return kept.ofFeatures(y, features);
    });
  }
}

/** How many steps of each row count, [B, 1]. */
export class StepCount extends Layer {
  /** @override */
  static className = 'padless>StepCount';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    if (!(input instanceof Spec) || !input.sequence) throw new ShapeError(`${this.path}: StepCount takes a sequence`);
    return input.vector(1);
  }

  /** @override @param {Tensor} x */
  call(x) {
    const { heap, B } = x;
    const steps = x.keep ?? x.time;
    return x.vector(heap.f32(Float32Array.from({ length: B }, (_, b) => steps.length(b))), 1);
  }
}

/** Token ids as values: [B, T, 1]. */
export class IdValues extends Layer {
  /** @override */
  static className = 'padless>IdValues';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    if (!(input instanceof Spec) || !input.ids) throw new ShapeError(`${this.path}: IdValues takes token ids`);
    return input.with({ shape: [input.shape[0], 1], ids: false });
  }

  /** @override @param {Tensor} x */
  call({ heap, B, pointer, rows, time, steps, keep }) {
    const values = heap.f32(Float32Array.from(heap.i32View(pointer, rows)));
    return new Tensor(heap, values, B, [time.T, 1], steps, keep);
  }
}

/** The position of each step among the steps of its row that count, from 0 on: [B, T, 1]. */
export class Positions extends Layer {
  /** @override */
  static className = 'padless>Positions';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    if (!(input instanceof Spec) || !input.sequence) throw new ShapeError(`${this.path}: Positions takes a sequence`);
    return input.with({ shape: [input.shape[0], 1], ids: false });
  }

  /** @override @param {Tensor} x */
  call(x) {
    const places = new Tensor(x.heap, 0, x.B, [x.time.T, 1], x.steps, x.keep);
    return places.whereKept(({ heap, B, time }) => {
      const data = new Float32Array(time.N);
      for (let b = 0; b < B; b++) for (let t = 0; t < time.length(b); t++) data[time.splits[b] + t] = t;
      return new Tensor(heap, heap.f32(data), B, [time.T, 1], time);
    });
  }
}

/** A table of vectors by position: row t for step t of each row, as in PositionEmbedding of KerasHub. */
export class PositionEmbedding extends Layer {
  /** @override */
  static className = 'padless>PositionEmbedding';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    if (!(input instanceof Spec) || !input.sequence) throw new ShapeError(`${this.path}: PositionEmbedding takes a sequence`);
    this.rows = this.count('input_dim');
    this.D = this.count('output_dim');
    this.addWeight('embeddings', [this.rows, this.D]);
    return input.with({ shape: [input.shape[0], this.D], ids: false });
  }

  /** @override @param {Tensor} x */
  call(x) {
    const { D = 0, rows = 0 } = this;
    const { data } = this.weight('embeddings');
    const places = new Tensor(x.heap, 0, x.B, [x.time.T, D], x.steps, x.keep);
    return places.whereKept(({ heap, B, time }) => {
      const y = heap.reserve32(time.N * D);
      for (let b = 0; b < B; b++) {
        const length = time.length(b);
        if (length > rows)
          throw new ShapeError(`${this.path}: a row has ${length} steps, but the table of positions has ${rows} rows`);
        heap.f32View(y + 4 * time.splits[b] * D, length * D).set(data.subarray(0, length * D));
      }
      return new Tensor(heap, y, B, [time.T, D], time);
    });
  }
}

/** The same values for each row, of the shape in the option `shape`. Only the batch size of the input is used; it may be words of characters. */
export class Constant extends Layer {
  /** @override */
  static className = 'padless>Constant';

  /** Accepts words of characters: js/layers/late/words.js. */
  get takesWords() {
    return true;
  }

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} input */
  build(input) {
    const shape = this.list('shape');
    if (!(input instanceof Spec) || shape.length === 0) throw this.wrong('shape', shape, 'sizes of at least one axis');
    this.addWeight('value', shape);
    return new Spec({ shape, time: shape.length > 1 ? {} : null, rules: input.rules });
  }

  /** @override @param {Tensor} x */
  call({ heap, B }) {
    const { data, shape } = this.weight('value');
    const size = product(shape);
    const y = heap.reserve32(B * size);
    for (let b = 0; b < B; b++) heap.f32View(y + 4 * b * size, size).set(data);
    return new Tensor(heap, y, B, shape, shape.length > 1 ? new Steps(heap, B, shape[0], null) : null);
  }
}

/** The first steps of each row: inputs are a sequence and the number of steps, [B, 1]. */
export class FirstSteps extends Layer {
  /** @override */
  static className = 'padless>FirstSteps';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {any} inputs */
  build(inputs) {
    const [x, lengths] = twoOf(inputs, this.path);
    this.needSequence(x);
    if (lengths.sequence || lengths.features !== 1)
      throw new ShapeError(`${this.path}: lengths of shape [B, ${lengths.shape}], expected [B, 1]`);
    return x.with({ shape: [null, x.features], time: {} });
  }

  /** @override @param {Tensor[]} inputs */
  call([x, lengths]) {
    const { heap, B, features } = x;
    const { time, pointer } = x.ragged();
    const counts = Array.from(lengths.view(), (value, b) => {
      if (!Number.isInteger(value) || value < 0 || value > time.length(b))
        throw new ShapeError(
          `${this.path}: row ${b} has length ${value}, expected an integer from 0 to its ${time.length(b)} steps`,
        );
      return value;
    });
    const steps = Steps.prefixes(heap, counts, time.T);
    const y = heap.reserve32(steps.N * features);
    for (let b = 0; b < B; b++) {
      const size = counts[b] * features;
      heap.f32View(y + 4 * steps.splits[b] * features, size).set(heap.f32View(pointer + 4 * time.splits[b] * features, size));
    }
    return new Tensor(heap, y, B, x.shape, steps);
  }
}

/** Appends zeros to the first input, up to the length of the second. */
export class ExtendSteps extends Layer {
  /** @override */
  static className = 'padless>ExtendSteps';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {any} inputs */
  build(inputs) {
    const [x, like] = twoOf(inputs, this.path);
    this.needSequence(x);
    if (!like.sequence) throw new ShapeError(`${this.path}: the second input is not a sequence`);
    return x.with({ shape: [like.shape[0], x.features], time: like.time });
  }

  /** @override @param {Tensor[]} inputs */
  call([x, like]) {
    const { heap, B, features, time } = x;
    const steps = like.time;
    const y = heap.reserve32(steps.N * features);
    heap.f32View(y, steps.N * features).fill(0);
    for (let b = 0; b < B; b++) {
      const size = Math.min(time.length(b), steps.length(b)) * features;
      heap.f32View(y + 4 * steps.splits[b] * features, size).set(heap.f32View(x.pointer + 4 * time.splits[b] * features, size));
    }
    return new Tensor(heap, y, B, [steps.T, features], steps);
  }
}

/** @param {any} inputs @param {string} path @returns {Spec[]} */
function twoOf(inputs, path) {
  if (!Array.isArray(inputs) || inputs.length !== 2)
    throw new ShapeError(`${path}: takes two inputs, got ${[inputs].flat().length}`);
  return inputs;
}
