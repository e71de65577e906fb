/**
 * The models that come with the page. Each is fetched when it is first used.
 */
import { loadModel } from 'padless';
import { currentLanguage, languageName, say } from './language.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('./language.js').Word} Word */
/**
 * @typedef {object} Shipped
 * @property {Word} name  as in the list of models
 * @property {Word} question
 * @property {Word} about  with {labels}, {parameters}, {size}, {build}
 * @property {'characters' | 'words'} reads
 * @property {(label: string) => string} nameOf  a label's name in the page's language
 * @property {(label: string) => string} [shortOf]  the text beside a tagged word; default: the label
 * @property {(label: string) => number} [colourOf]  the number of a tag's colour (.tag-N in style.css), negative for none
 * @property {[label: string, text: string][]} examples  a button for each shows the label's name, or the text if the label is ''
 */

/** Universal parts of speech (universaldependencies.org/u/pos): name, and the number of the colour. @type {Record<string, [Word, number]>} */
const parts = {
  NOUN: ['noun', 0],
  PROPN: ['properNoun', 0],
  PRON: ['pronoun', 0],
  VERB: ['verb', 1],
  AUX: ['auxiliary', 1],
  ADJ: ['adjective', 2],
  ADV: ['adverb', 3],
  DET: ['determiner', 4],
  ADP: ['adposition', 4],
  CCONJ: ['coordinating', 4],
  SCONJ: ['subordinating', 4],
  PART: ['particle', 4],
  NUM: ['numeral', 5],
  INTJ: ['interjection', 5],
  SYM: ['symbol', 5],
  X: ['otherPart', 5],
  PUNCT: ['punctuation', -1],
};

/** The Chinese names of the intents, fetched with that model. @type {Map<string, string> | null} */
let intentsZh = null;

/** @type {Record<string, Shipped>} */
export const shipped = {
  langid: {
    name: 'modelLangid',
    question: 'questionLangid',
    about: 'aboutLangid',
    reads: 'characters',
    nameOf: (label) => (label === 'und' ? say('noLanguage') : languageName(label)),
    // Ten languages in ten scripts.
    examples: [
      ['de', 'Guten Morgen, wie geht es Ihnen heute?'],
      ['ru', 'Все люди рождаются свободными и равными в своём достоинстве и правах.'],
      ['el', 'Καλημέρα, πώς είστε σήμερα;'],
      ['ar', 'صباح الخير، كيف حالك اليوم؟'],
      ['hi', 'सुप्रभात, आज आप कैसे हैं?'],
      ['zh-Hans', '这个国家的人们说汉语，他们从小学习书写。'],
      ['ja', 'おはようございます。今日はお元気ですか？'],
      ['ko', '좋은 아침입니다. 오늘 기분이 어떠세요?'],
      ['th', 'สวัสดีตอนเช้า วันนี้คุณเป็นอย่างไรบ้าง'],
      ['ka', 'დილა მშვიდობისა, როგორ ხართ დღეს?'],
    ],
  },
  tagger: {
    name: 'modelTagger',
    question: 'questionTagger',
    about: 'aboutTagger',
    reads: 'words',
    nameOf: (label) => (parts[label] ? say(parts[label][0]) : label),
    shortOf: (label) => (currentLanguage() === 'zh-Hans' && parts[label] ? say(parts[label][0]) : label),
    colourOf: (label) => parts[label]?.[1] ?? -1,
    examples: [
      ['', 'Sam can’t open the can.'],
      ['', 'We record a new record every week.'],
      ['', 'Her quick answer surprised everyone, and nobody answered quickly.'],
      ['', 'In 2019 Anna Miller moved from Berlin to London.'],
    ],
  },
  intents: {
    name: 'modelIntents',
    question: 'questionIntents',
    about: 'aboutIntents',
    reads: 'words',
    nameOf: (label) =>
      label === 'oos'
        ? say('outOfScope')
        : (currentLanguage() === 'zh-Hans' && intentsZh?.get(label)) || label.replaceAll('_', ' '),
    examples: [
      ['', 'book me a flight from boston to tokyo'],
      ['', 'how do you say good night in french'],
      ['', 'my card was declined at the store yesterday'],
      ['', 'will it rain tomorrow'],
      ['', 'remind me to call my mother'],
      ['', 'who won the election of 1912'],
    ],
  },
};

/** The language model of the first screen and of "How it works". It is recurrent, because "How it works" compares backward passes. */
export const proofModel = 'langid-gru';

/** Models whose file is not models/KEY/KEY.safetensors. The first screen waits for this file, so it is in int8, a quarter of the bytes. */
const files = new Map([[proofModel, 'models/langid-gru/langid-gru.int8.safetensors']]);

/** @type {Map<string, Promise<Model>>} */
const loading = new Map();

/** @param {string} id */
async function fetchShipped(id) {
  const model = loadModel(new URL(files.get(id) ?? `models/${id}/${id}.safetensors`, document.baseURI));
  // The caller handles a failure. This prevents an "unhandled rejection" while intents-zh.js is fetched.
  model.catch(() => {});
  if (id === 'intents') ({ intentsZh } = await import('./intents-zh.js'));
  return model;
}

/** @param {string} id  a key of `shipped`, or proofModel @returns {Promise<Model>} the same model at every call; a call after a failure tries again */
export function loadShipped(id) {
  let model = loading.get(id);
  if (!model) {
    model = fetchShipped(id);
    loading.set(id, model);
    model.catch(() => loading.delete(id));
  }
  return model;
}
