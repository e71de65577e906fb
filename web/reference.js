/** Written by tests/bench/reference.js: the times that the section "Speed" shows before it has measured. */

/** @type {{ browser: string, processor: string, date: string, cases: import('./speed-table.js').Line[] }} */
export const reference = {
  browser: 'Chromium 156',
  processor: 'AMD EPYC, Linux',
  date: '2026-11-29',
  cases: [
    { word: 'langid', n: 40, units: 0, times: { relaxed: 0.133, baseline: 0.08 } },
    { word: 'langid', n: 200, units: 0, times: { relaxed: 0.15, baseline: 0.124 } },
    { word: 'bilstm', n: 32, units: 64, times: { relaxed: 0.28, baseline: 0.225, 'onnxruntime-web': 0.9, 'TensorFlow.js': 51.5 } },
    { word: 'bilstm', n: 64, units: 128, times: { relaxed: 0.98, baseline: 0.95, 'onnxruntime-web': 2.2, 'TensorFlow.js': 72.6 } },
    { word: 'bilstm', n: 64, units: 256, times: { relaxed: 9.16, baseline: 11.4, 'onnxruntime-web': 24.1, 'TensorFlow.js': 245 } },
  ],
};
