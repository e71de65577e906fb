import js from '@eslint/js';
import globals from 'globals';

const browser = globals.browser;
const node = globals.node;

export default [
  { ignores: ['build/', 'js/dist/', 'js/page/padless/', 'node_modules/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-shadow': 'error',
      // A method that is there to be overridden names its parameters.
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
      'no-implied-eval': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
    },
  },
  { files: ['js/**/*.js', 'web/**/*.js'], rules: { 'max-lines-per-function': ['error', { max: 80 }] } },
  // The package runs in pages, workers and Node: what all three have.
  { files: ['js/**/*.js'], languageOptions: { globals: globals['shared-node-browser'] } },
  { files: ['web/**/*.js'], languageOptions: { globals: browser } },
  {
    files: [
      'js/cli.js',
      'js/tools/**',
      'c/*.js',
      'web/serve.js',
      'web/examples/node.js',
      'web/site/**',
      'web/models/**/*.js',
      'eslint.config.js',
      'tests/**/*.js',
    ],
    languageOptions: { globals: node },
  },
  // Functions handed to the browser stand in the test's own file.
  {
    files: ['tests/page/**/*.js', 'tests/bundlers/**/*.js', 'tests/firefox/**/*.js', 'tests/bench/**/*.js', 'tests/site/**/*.js'],
    languageOptions: { globals: browser },
  },
];
