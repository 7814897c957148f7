import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['node_modules', 'src/api/generated', 'public'] },
  js.configs.recommended,
  ...ts.configs.strict,
  hooks.configs.flat['recommended-latest'],
  {
    rules: {
      'max-lines': ['error', { max: 250 }], // the house's cap for a component file
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-globals': ['error', 'confirm', 'alert', 'prompt'], // dialogs and toasts of our own instead
    },
  },
  {
    files: ['*.cjs', '*.js', 'scripts/**'],
    languageOptions: { globals: { module: 'writable', process: 'readonly', console: 'readonly' } },
    rules: { 'no-console': 'off' },
  },
);
