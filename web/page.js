/**
 * The page: four tabs around one model.
 */
import { loadModel } from 'padless';
import { find, make } from './elements.js';
import { startInside } from './inside.js';
import { format, onLanguage, say, size, startLanguage } from './language.js';
import { keepForOffline, showBytes } from './download.js';
import { startSpeed } from './speed.js';
import { startTabs } from './tabs.js';
import { startTry } from './try.js';
import { startYours } from './yours.js';

/** @param {unknown} error */
function showError(error) {
  find('error').hidden = error === null;
  // Said again, an alert is read out again.
  if (error === null) find('error').textContent = '';
  else find('error').textContent = say('failed', { message: error instanceof Error ? error.message : String(error) });
}

startLanguage();
const yours = startYours();
/** The panel that is open, and who wants to know. @type {Record<string, () => void>} */
const opened = { yours: yours.open };
let panel = 'try';
startTabs(find('tabs'), (id) => {
  panel = id;
  opened[id]?.();
});
if (panel === 'try') find('text').focus();
showBytes();

find('answer').replaceChildren(make('p', 'hint', say('loading')));
try {
  const model = await loadModel(new URL('models/langid/langid.safetensors', document.baseURI));
  const about = () => {
    find('about').textContent = say('about', {
      labels: model.outputs[0].labels?.length ?? 0,
      parameters: format(model.parameters),
      size: size(model.fileBytes),
      build: model.simd,
    });
  };
  startTry(model, showError);
  const inside = await startInside(model, showError);
  startSpeed(model, showError);
  opened.inside = inside.open;
  opened[panel]?.();
  about();
  onLanguage(about);
  await keepForOffline();
} catch (error) {
  find('answer').replaceChildren(make('p', 'hint', say('noModel')));
  showError(error);
}
