/**
 * Runs the BiLSTM in TensorFlow.js with its WebAssembly backend, with the same weights, if the page's server has both packages. It runs on
 * one thread, because the page is not cross-origin isolated.
 */
import { isServed } from './served.js';

/** Loads a classic script, which puts its exports into `window`. @param {string} address */
function runScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address;
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error(`${address} could not be loaded`)));
    document.head.append(script);
  });
}

/** @returns {Promise<import('./bilstm.js').Peer | null>} null if the page's server does not have the packages */
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
      // The default initializer makes orthogonal matrices, which takes seconds; these weights are replaced below anyway.
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
      // TensorFlow.js and padless list the weights of these layers in the same order.
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
