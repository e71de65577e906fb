/**
 * Starts the sections below the first screen, and the download counter.
 */
import { keepForOffline, showBytes } from './download.js';
import { find } from './elements.js';
import { onNear } from './fields.js';
import { Inside } from './inside.js';
import { Speed } from './speed.js';
import { Try } from './try.js';
import { YourModel } from './yours.js';

/** @param {(section: string) => import('./page.js').Report} reportFor  returns the function that shows a section's errors */
export function start(reportFor) {
  const inside = new Inside(reportFor('inside'));
  new Try({
    error: reportFor('try'),
    loaded: async () => {
      inside.retry();
      await keepForOffline();
    },
  });
  const yours = new YourModel();
  onNear(find('yours'), (near) => near && void yours.onShown());
  new Speed(reportFor('speed'));
  showBytes();
}
