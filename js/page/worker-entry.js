/**
 * A worker that runs models without custom layers. The build bundles it into padless/worker-entry.js, which imports nothing. A page starts
 * this file, and `import 'padless/worker-entry';` in a worker file imports it.
 * @module
 */
import { serve } from './worker-host.js';

serve();
