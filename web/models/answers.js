/**
 * What a model answers to the lines of standard input, one line of JSON each: { label, score, certain } or, of tags, spans [start, end, label].
 *
 * node web/models/answers.js MODEL
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { loadModel } from '../../js/index.js';

const model = await loadModel(pathToFileURL(process.argv[2]));
const texts = readFileSync(0, 'utf8').replace(/\n$/, '').split('\n');
/** @param {import('padless').Tag} span */
const line = ({ start, end, label }) => [start, end, label];
for (const { label, score, certain, spans } of model.predict(texts))
  console.log(JSON.stringify(spans ? spans.map(line) : { label, score, certain }));
