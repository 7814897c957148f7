import { askFirst } from '~/components/confirm';

/** Asks before a rule is switched off, from wherever that is done. */
export const askSwitchOff = (onConfirm: () => void): void =>
  askFirst({
    title: 'Switch this rule off?',
    body: 'Nobody enters it any more and the workflows that hang on it are not started. People already in a workflow go on. It stays as a draft.',
    action: 'Switch off',
    danger: false,
    onConfirm,
  });
