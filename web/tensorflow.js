/**
 * TensorFlow.js with its WebAssembly backend, where it is served beside the page: the same BiLSTM with the same weights, on one thread, as a
 * page that is not isolated has no other.
 */
import { isServed } from './served.js';

/** A script that is no module: it leaves what it has in the window. @param {string} address */
function runScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address;
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error(`${address} could not be loaded`)));
    document.head.append(script);
  });
}

/** @returns {Promise<import('./bilstm.js').Peer | null>} null: it is not served */
export async function loadTensorflow() {
  const [library, backend] = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'].map((name) => import.meta.resolve(name));
  if (!(await isServed(library)) || !(await isServed(backend))) return null;
  await runScript(library);
  await runScript(backend);
  const { tf } = /** @type {any} */ (window);
  tf.wasm.setWasmPaths(new URL('./', backend).href);
  if (!(await tf.setBackend('wasm'))) await tf.setBackend('cpu');
  return {
    name: `TensorFlow.js (${tf.getBackend()})`,
    async open(weights, ids) {
      const [V, D] = /** @type {{ shape: number[] }} */ (weights.get('embedding.embeddings')).shape;
      const [H2, K] = /** @type {{ shape: number[] }} */ (weights.get('dense.kernel')).shape;
      // Random ones would be made orthogonal first, which takes seconds.
      const zeros = { kernelInitializer: 'zeros', recurrentInitializer: 'zeros' };
      const layer = tf.layers.lstm({ units: H2 / 2, returnSequences: true, recurrentActivation: 'sigmoid', ...zeros });
      const model = tf.sequential({
        layers: [
          tf.layers.embedding({ inputDim: V, outputDim: D, inputLength: ids.length, embeddingsInitializer: 'zeros' }),
          tf.layers.bidirectional({ layer, mergeMode: 'concat' }),
          tf.layers.globalAveragePooling1d({}),
          tf.layers.dense({ units: K, activation: 'softmax', kernelInitializer: 'zeros' }),
        ],
      });
      // In padless's order.
      const values = [...weights.values()].map(({ shape, data }) => tf.tensor(data, shape));
      model.setWeights(values);
      tf.dispose(values);
      const x = tf.tensor2d([ids], undefined, 'int32');
      return {
        run: () => tf.tidy(() => model.predict(x).dataSync()),
        close() {
          model.dispose();
          x.dispose();
        },
      };
    },
  };
}
