import { Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import type { ReactNode } from 'react';

interface Question {
  title: string;
  body: ReactNode;
  action: string;
  danger?: boolean;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back; the button says what it will do. */
export function askFirst({ title, body, action, danger = true, onConfirm }: Question): void {
  modals.openConfirmModal({
    title,
    children: <Text component="div">{body}</Text>,
    labels: { confirm: action, cancel: 'Keep it' },
    confirmProps: { color: danger ? 'red' : undefined },
    onConfirm,
  });
}
