/**
 * The page's entry: starts the language switch, the four tabs and the download counter.
 */
import { find } from './elements.js';
import { startInside } from './inside.js';
import { onLanguage, say, startLanguage } from './language.js';
import { keepForOffline, showBytes } from './download.js';
import { loadShipped } from './shipped.js';
import { Speed } from './speed.js';
import { startTabs } from './tabs.js';
import { Try } from './try.js';
import { YourModel } from './yours.js';

/** The error on display, or null. @type {unknown} */
let shown = null;
/** @param {unknown} error */
function showError(error) {
  shown = error;
  find('error').hidden = error === null;
  // Emptied when hidden, so that screen readers read the same message again if the error recurs.
  if (error === null) find('error').textContent = '';
  else find('error').textContent = say('failed', { message: error instanceof Error ? error.message : String(error) });
}

/** Starts "Look inside" and "Speed", which show the language model; null until then. @type {Promise<() => void> | null} */
let about = null;
async function aboutLangid() {
  about ??= loadShipped('langid').then(async (model) => {
    new Speed(model, showError);
    return (await startInside(model, showError)).onShown;
  });
  return about;
}
/** @param {boolean} inside  the panel "Look inside" is open */
async function startAbout(inside) {
  try {
    const onShown = await aboutLangid();
    if (inside) onShown();
  } catch (error) {
    about = null;
    showError(error);
  }
}

startLanguage();
onLanguage(() => showError(shown));
const yours = new YourModel();
const tryTab = new Try({
  error: showError,
  loaded: async (id) => {
    if (id === 'langid') await startAbout(panel === 'inside');
    await keepForOffline();
  },
});
let panel = 'try';
startTabs(
  find('tabs'),
  (id) => {
    panel = id;
    // The other panels do not show the model that was chosen under Try.
    find('tried').hidden = id !== 'try' && tryTab.address() !== 'try';
    if (id === 'yours') void yours.onShown();
    // These panels need the language model, which is not loaded yet if another model was chosen under Try.
    if (id === 'inside' || id === 'speed') void startAbout(id === 'inside');
  },
  (id) => (id === 'try' ? tryTab.address() : id),
);
if (panel === 'try') find('text').focus();
showBytes();
