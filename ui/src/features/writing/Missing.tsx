import { Text } from '@mantine/core';

interface MissingProps {
  name: boolean;
  text: boolean;
  noun: 'rule' | 'formula';
}

/** Beside buttons that cannot be pressed yet: what is still to be written. A text that is wrong says so itself. */
export function Missing({ name, text, noun }: MissingProps) {
  const missing = [...(name ? [] : ['a name']), ...(text ? [] : [`a ${noun}`])];
  if (missing.length === 0) return null;
  return (
    <Text size="xs" c="dimmed" role="status" w={{ base: '100%', sm: 'auto' }}>
      It still needs {missing.join(' and ')}.
    </Text>
  );
}
