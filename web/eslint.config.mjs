import tseslint from 'typescript-eslint';

const typed = { parser: tseslint.parser, plugins: { '@typescript-eslint': tseslint.plugin } };

const rules = {
  'no-undef': 'off', // tsc knows better
  'no-unused-vars': 'off',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
  '@typescript-eslint/await-thenable': 'error',
  eqeqeq: 'error',
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'no-console': 'error',
  'no-restricted-imports': ['error', { patterns: ['lit/directives/unsafe-*'] }],
  'no-restricted-properties': ['error', { property: 'innerHTML', message: 'Foreign text only through bindings.' }],
};

export default [
  { ignores: ['dist/', 'dist.new-*/', 'node_modules/'] },
  {
    files: ['lib/**/*.js', 'elements/**/*.js', 'pages/**/*.js', 'embed/**/*.js'],
    languageOptions: { parser: typed.parser, parserOptions: { project: './jsconfig.json' } },
    plugins: typed.plugins,
    rules,
  },
  {
    files: ['tests/**/*.js'],
    languageOptions: { parser: typed.parser, parserOptions: { project: './jsconfig.node.json' } },
    plugins: typed.plugins,
    // node:test's test() returns a promise that the runner itself awaits.
    rules: { ...rules, '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'it', 'describe'] }] }] },
  },
];
