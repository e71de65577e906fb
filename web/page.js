/**
 * The page's entry: starts the first screen and the language switch, then the other sections, and shows errors.
 */
import { startCopying } from './copy.js';
import { find } from './elements.js';
import { onLanguage, say, startLanguage } from './language.js';
import { Proof } from './proof.js';
import { loadShipped, proofModel } from './shipped.js';
import { keepInView, startState } from './state.js';

/** @typedef {(error: unknown, retry?: () => void) => void} Report */

/** The errors on display, by the section that they are from. @type {Map<string, { error: unknown, retry?: (() => void) | undefined }>} */
const errors = new Map();

/** Matches the messages of failed downloads in Chromium, Firefox and Safari. */
const networkErrors =
  /Failed to fetch|NetworkError|Load failed|error loading dynamically imported module|Importing a module script failed/i;

function showErrors() {
  const [first] = errors.values();
  find('error').hidden = !first;
  // Empty the text first, so that screen readers read the same message again if the error recurs.
  find('error-text').textContent = '';
  if (!first) return;
  const { error, retry } = first;
  const message = error instanceof Error ? error.message : String(error);
  find('error-text').textContent = networkErrors.test(message) ? say('offlineError') : say('failed', { message });
  find('retry').hidden = !retry;
}

/** @param {string} section @returns {Report} shows an error of this section; null removes the section's error */
const reportFor = (section) => (error, retry) => {
  const before = errors.get(section);
  if (error === null && !before) return;
  if (error === null) errors.delete(section);
  else errors.set(section, { error, retry });
  showErrors();
};

find('retry').addEventListener('click', () => {
  const retries = [...errors.values()].map(({ retry }) => retry);
  errors.clear();
  showErrors();
  for (const retry of retries) retry?.();
});

startState();
startLanguage();
onLanguage(showErrors);
startCopying();
const proofError = reportFor('proof');
const proof = new Proof(proofError);

async function startProof() {
  try {
    proof.start(await loadShipped(proofModel));
  } catch (error) {
    proofError(error, () => void startProof());
  }
}

/** Fetches and starts the other sections. Before the first answer, their code would take time on the network and the processor from it. */
async function startSections() {
  const report = reportFor('sections');
  try {
    const sections = await import('./sections.js');
    report(null);
    sections.start(reportFor);
    keepInView();
  } catch (error) {
    // A second import() of the same address may fail without a request, because browsers remember failed modules.
    report(error, () => location.reload());
  }
}

// By default, the browser would leave the page and open a dropped file.
for (const event of ['dragover', 'drop']) addEventListener(event, (each) => each.preventDefault());

/** The user's first action: the sections then start without waiting for the first answer. */
const acted = new Promise((resolve) => {
  for (const event of ['pointerdown', 'keydown', 'dragenter', 'hashchange']) addEventListener(event, resolve, { once: true });
});
void Promise.race([startProof(), acted]).then(startSections);
