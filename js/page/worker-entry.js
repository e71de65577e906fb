/**
 * A worker that serves models without custom layers. The build bundles it into padless/worker-entry.js, which imports nothing; that file is
 * what a page starts, and what `import 'padless/worker-entry';` gives in a worker file.
 * @module
 */
import { serve } from './worker-host.js';

serve();
