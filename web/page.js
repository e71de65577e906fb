/**
 * The page: four tabs around the models that come with it.
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

/** @type {unknown} */
let shown = null;
/** @param {unknown} error */
function showError(error) {
  shown = error;
  find('error').hidden = error === null;
  // Said again, an alert is read out again.
  if (error === null) find('error').textContent = '';
  else find('error').textContent = say('failed', { message: error instanceof Error ? error.message : String(error) });
}

/** Look inside and Speed are about the language model. @type {Promise<() => void> | null} */
let about = null;
async function aboutLangid() {
  about ??= loadShipped('langid').then(async (model) => {
    new Speed(model, showError);
    return (await startInside(model, showError)).onShown;
  });
  return about;
}
/** @param {boolean} inside  that panel is open */
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
    // The other panels are not about that model.
    find('tried').hidden = id !== 'try' && tryTab.address() !== 'try';
    if (id === 'yours') void yours.onShown();
    // Where the language model is not what is tried, it is fetched now.
    if (id === 'inside' || id === 'speed') void startAbout(id === 'inside');
  },
  (id) => (id === 'try' ? tryTab.address() : id),
);
if (panel === 'try') find('text').focus();
showBytes();
