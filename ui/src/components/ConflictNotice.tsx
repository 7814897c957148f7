import { Alert, Button, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';

/** Somebody else saved first: says so and offers their version; nothing is overwritten. */
export function ConflictNotice({ noun, onReload }: { noun: string; onReload: () => void }) {
  return (
    <Alert
      color="amber"
      icon={<IconUsers size={20} />}
      title={`Somebody changed this ${noun} while you were editing`}
      role="alert"
      mb="md"
    >
      <Text mb="sm">
        Your changes are still here but were not saved, so that nobody’s work is overwritten. Copy what you
        need, then load the latest version.
      </Text>
      <Button size="xs" variant="default" onClick={onReload}>
        Load the latest version
      </Button>
    </Alert>
  );
}
