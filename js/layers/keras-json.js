/**
 * Whether a class in Keras JSON belongs to Keras or to the author of the model, whose class may have the same name.
 * @module
 */

/** Modules of Keras: keras.layers, keras.src.ops.numpy, tf_keras.layers, tensorflow.python.keras.layers. */
const kerasModule = /^(tf_)?keras(\.|$)|^tensorflow\..*\bkeras\b/;

/**
 * Whether a class or function is the author's own. If it has its own get_config() and is not registered, JSON without `module` (whole .h5 files,
 * Keras up to 2.12) does not tell; such a class is taken for Keras's.
 * @param {any} json  { class_name, config, module, registered_name }
 */
export function isAuthorsOwn(json) {
  const { module, registered_name: registered, config } = json ?? {};
  if (typeof registered === 'string' && registered.includes('>')) return !registered.startsWith('padless>');
  if (module !== undefined) return !kerasModule.test(module ?? '');
  // Keras 3 writes `autocast` for classes without their own get_config(). All of Keras's classes have one.
  return Object.hasOwn(Object(config), 'autocast');
}
