import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { ApiError, messageOf } from '~/api/errors';

interface ProblemProps {
  error: unknown;
  retry?: () => void;
}

function nextStep(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return 'This is a fault of the page. Reload it; if it comes back, report the message above.';
  }
  if (error.status === 0) return 'Check that `antiphon serve` is running, then try again.';
  if (error.status === 404) return 'It may have been deleted. Go back to the list.';
  if (error.status === 503) return 'The store is busy or the disk is full; nothing was lost. Try again.';
  if (error.status >= 500) return 'The server failed. Its log names the cause; try again in a moment.';
  return 'Correct it and try again.';
}

/** What went wrong and what to do next, in place of what could not be shown. */
export function Problem({ error, retry }: ProblemProps) {
  return (
    <Alert color="red" icon={<IconAlertTriangle size={20} />} title={messageOf(error)} role="alert">
      <Stack gap="sm">
        <Text>{nextStep(error)}</Text>
        <Group gap="xs">
          {retry && (
            <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
              Try again
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => window.location.reload()}>
            Reload the page
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
