/** A TypeScript user's file, which names what the package gives: tarball.test.js compiles it against the packed package. */
import {
  createModel,
  features,
  init,
  loadModel,
  Model,
  PadlessError,
  ModelFileError,
  type Answer,
  type LoadOptions,
  type OutputSettings,
  type OutputTensor,
  type Prediction,
  type Session,
  type Tag,
  type TraceStep,
  type Simd,
} from 'padless';
import { attach, type AttachOptions } from 'padless/dom';
import { fromKeras, fromTfjs, fromTorch, toInt8, type ImportOptions, type TorchModule } from 'padless/import';
import { init as initKernels, Kernels, ShapeError, type Input, type Mask, type Output } from 'padless/kernels';
import {
  Add,
  Bidirectional,
  Dense,
  Embedding,
  Layer,
  LSTM,
  MaskedMean,
  Model as Sequential,
  Spec,
  Tensor,
  type LayerConfig,
  type Reach,
  type Value,
  type WeightSpec,
} from 'padless/layers';
import { serve } from 'padless/serve';
import { TextVectorizer } from 'padless/text';
import { loadModel as loadInWorker, type RemoteModel } from 'padless/worker';

export async function page(element: HTMLTextAreaElement, signal: AbortSignal): Promise<string> {
  const options: LoadOptions = {
    simd: 'baseline',
    signal,
    onProgress: ({ loaded, total }) => console.log(loaded, total),
    fetch: { integrity: 'x' },
  };
  const model: Model = await loadModel(new URL('./a.safetensors', import.meta.url), options);
  const one: Prediction = model.predict('Guten Morgen');
  const many: Prediction[] = model.predict(['one', 'two words']);
  const label: string | undefined = one.label;
  const scores: Record<string, number> | undefined = many[0]?.scores;
  const tags: Tag[] = one.tags ?? [];
  const heads: Record<string, Answer> | undefined = one.outputs;
  // @ts-expect-error
  const wrong: number = one.label;
  // @ts-expect-error
  model.predict(5);
  const tensors: OutputTensor[] = model.run([[5, 2, 9], [7]]);
  model.run([[5, 0, 9, 0]], { lengths: [3] });
  model.run([[5, 0, 9, 0]], { mask: [[1, 1, 1, 0]] });
  model.run({ a: [[1]], b: [[2]] });
  model.run({ data: Float32Array.of(1, 2), shape: [1, 2, 1] as const });
  model.run({ a: { data: BigInt64Array.of(1n, 2n), shape: [1, 2] }, b: tensors[0]! });
  // @ts-expect-error
  model.run(5);
  const data: Float32Array | undefined = tensors[0]?.data;
  const typing: Session = model.session({ tolerance: 1e-6 });
  const now: Prediction = typing.update('Guten M');
  const steps: TraceStep[] = model.trace('x');
  const bytes: Uint8Array = model.save();
  const settings: AttachOptions = { onAnswer: (answer) => console.log(answer.label?.length) };
  const stop = attach(element, model, settings);
  attach(element, model, { onAnswer: ({ label: said }) => console.log(said) });
  const remote: RemoteModel = await loadInWorker('a.safetensors', { workers: 2 });
  const far: Prediction = await remote.predict('x');
  const all: Prediction[] = await remote.predict(['x', 'y']);
  attach(element, remote, { onAnswer: (answer: Prediction) => console.log(answer) });
  const elsewhere = remote.session();
  const later: Prediction = await elsewhere.update('x');
  await remote.close();
  const output: OutputSettings = { name: 'x', kind: 'class', labels: ['a'] };
  const given: ImportOptions = { labels: ['a', 'b'], outputs: [output] };
  const keras: Model = await fromKeras('model.keras', { ...given, weights: 'w.h5' });
  const tfjs: Model = await fromTfjs({ 'model.json': new Blob() });
  const modules: TorchModule[] = [
    { type: 'Embedding', name: 'embed' },
    { type: 'LSTM', name: 'lstm', num_layers: 2 },
  ];
  const torch: Model = await fromTorch(new ArrayBuffer(8), modules);
  const small: Uint8Array = toInt8(keras);
  const pl = await init({ simd: 'auto' satisfies Simd });
  const x = { data: [1, 0, 3, 4], shape: [1, 4, 1] };
  const mean: number[] = Array.from(pl.maskedMean(x, { lengths: [2] }).data);
  const kernels: Kernels = await initKernels({ simd: 'baseline' });
  const input: Input = { data: Float32Array.of(1, 2), shape: [1, 2, 1] };
  const mask: Mask = [[1, 0]];
  const last: Output = kernels.maskedLast(input, mask);
  const at: Int32Array = kernels.maskedArgmax(input).data;
  // @ts-expect-error
  kernels.maskedSum(5);
  // @ts-expect-error
  kernels.applyMask(input);
  try {
    await loadModel('x');
  } catch (error) {
    if (error instanceof ShapeError) console.log(last.shape, at);
    if (error instanceof ModelFileError || error instanceof PadlessError) console.log(error.message);
  }
  console.log(
    label,
    scores,
    tags,
    heads,
    wrong,
    data,
    now,
    steps,
    bytes,
    stop,
    far,
    all,
    later,
    tfjs,
    torch,
    small,
    mean,
    features().relaxed,
    typeof TextVectorizer,
  );
  return many.map((each) => each.label ?? '').join();
}

class TwoDense extends Layer {
  first: Dense;
  second: Dense;
  constructor(config: { name?: string; hidden: number; units: number }) {
    super(config);
    this.first = new Dense({ units: config.hidden, activation: 'relu' });
    this.second = new Dense({ units: config.units });
  }
  override call(x: unknown) {
    return this.second.apply(this.first.apply(x));
  }
}
/** A layer that is given tensors, names their types. */
class Twice extends Layer {
  static override reach: Reach = 'step';
  inner: Dense;
  constructor(config: LayerConfig) {
    super(config);
    this.inner = new Dense({ units: 2 });
  }
  override call(x: Value): Value {
    const y: Spec | Tensor = this.inner.apply(x);
    return y instanceof Tensor && y.B > 0 ? this.inner.apply(y) : y;
  }
  get specs(): WeightSpec[] {
    return this.listWeights().map(({ spec }) => spec);
  }
}
console.log(Twice);
serve({ customLayers: { TwoDense } });
await loadModel('x', { customLayers: { TwoDense } });
await createModel({
  architecture: new Sequential([
    new Embedding({ input_dim: 5, output_dim: 2, mask_zero: true }),
    new Bidirectional({ layer: new LSTM({ units: 3, return_sequences: true }) }),
    new MaskedMean(),
    new TwoDense({ hidden: 3, units: 2 }),
    new Add(),
  ]),
  weights: (root) =>
    new Map(
      root
        .listWeights()
        .map(({ path, spec: { shape } }) => [path, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }]),
    ),
  text: { vocabulary: ['', '<unk>'] },
  outputs: [{ name: 'intent', kind: 'class', labels: ['a', 'b'] }],
});
