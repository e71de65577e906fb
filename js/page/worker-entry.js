/**
 * A worker that serves models without layers of anybody's own. In a worker file: `import 'padless/worker-entry';`.
 * @module
 */
import { serve } from './worker-host.js';

serve();
