/**
 * All code that padless otherwise fetches by import() when a model needs it: for service workers, which refuse import(), and for bundles of one
 * file.
 * @module
 */
import * as int8Weights from '../file/int8-weights.js';
import { provideInt8 } from '../file/weights.js';
import * as rareText from '../text/rare.js';
import { provideRareText } from '../text/vectorizer.js';
import * as functionalGraph from './functional-graph.js';
import { provideFunctionalGraph, provideRareLayers } from './graph.js';
import * as rareLayers from './rare-layers.js';

/** Makes padless use this code instead of import(). */
export function provideLateCode() {
  provideFunctionalGraph(functionalGraph);
  provideInt8(int8Weights);
  provideRareLayers(rareLayers);
  provideRareText(rareText);
}
