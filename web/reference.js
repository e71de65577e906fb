/** Written by tests/bench/reference.js: the times that the section "Speed" shows before it has measured. */

/** @type {{ browser: string, processor: string, date: string, cases: import('./speed-table.js').Line[] }} */
export const reference = {
  browser: 'Chromium 156',
  processor: 'AMD EPYC, Linux',
  date: '2026-11-29',
  cases: [
    { word: 'langid', n: 40, units: 0, times: { relaxed: 0.0385, baseline: 0.0467 } },
    { word: 'langid', n: 200, units: 0, times: { relaxed: 0.145, baseline: 0.114 } },
    {
      word: 'bilstm',
      n: 32,
      units: 64,
      times: { relaxed: 0.195, baseline: 0.176, 'onnxruntime-web': 0.529, 'TensorFlow.js': 14.7 },
    },
    { word: 'bilstm', n: 64, units: 128, times: { relaxed: 1.2, baseline: 1.13, 'onnxruntime-web': 2.65, 'TensorFlow.js': 34.5 } },
    { word: 'bilstm', n: 64, units: 256, times: { relaxed: 4.1, baseline: 4.2, 'onnxruntime-web': 8.5, 'TensorFlow.js': 56.2 } },
  ],
};
