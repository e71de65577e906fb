/** Asks the service worker of service-worker.html, by a form and fetch. */
/** The service worker answers from now on. */
async function start() {
  await navigator.serviceWorker.register(new URL('service-worker.js', import.meta.url), { type: 'module' });
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller)
    await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
}

const started = start();
const get = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
get('form').addEventListener('submit', async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  await started;
  const response = await fetch(`language?text=${encodeURIComponent(get('text').value)}`);
  const { label, score, error } = await response.json();
  get('answer').textContent = error ?? `${label} (${(100 * score).toFixed(1)} %)`;
});
