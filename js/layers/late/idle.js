/**
 * Layers that act only during training, as Dropout does: at inference they return their input.
 * @module
 */
import { Dropout } from '../basic.js';

export class GaussianDropout extends Dropout {
  /** @override */
  static className = 'GaussianDropout';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';
}

export class GaussianNoise extends Dropout {
  /** @override */
  static className = 'GaussianNoise';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';
}

export class AlphaDropout extends Dropout {
  /** @override */
  static className = 'AlphaDropout';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';
}

export class ActivityRegularization extends Dropout {
  /** @override */
  static className = 'ActivityRegularization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';
}

export class Identity extends Dropout {
  /** @override */
  static className = 'Identity';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['keras2'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';
}
