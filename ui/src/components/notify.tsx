import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { messageOf } from '~/api/errors';

export function notifyDone(message: string): void {
  notifications.show({ message, color: 'green', icon: <IconCheck size={18} />, autoClose: 3_500 });
}

/** Says that `what` failed and why; stays until closed, because it asks for something to be done. */
export function notifyFailed(what: string, error: unknown): void {
  notifications.show({
    title: what,
    message: messageOf(error),
    color: 'red',
    icon: <IconAlertTriangle size={18} />,
    autoClose: false,
  });
}

/** A done thing that can be taken back for a few seconds; gives what takes the offer away again. */
export function notifyUndo(message: string, undo: () => void): () => void {
  const id = notifications.show({
    color: 'gray',
    autoClose: 8_000,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text>{message}</Text>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
  return () => notifications.hide(id);
}
