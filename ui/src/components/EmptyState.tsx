import { Group, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  icon: ReactNode;
  title: string;
  children: ReactNode;
  actions?: ReactNode;
}

/** Nothing here yet: says what will be here, and offers the way to get there. */
export function EmptyState({ icon, title, children, actions }: EmptyStateProps) {
  return (
    <Paper p="xl">
      <Stack align="center" gap="sm" py="lg" maw={640} mx="auto">
        <ThemeIcon size={52} radius="xl" variant="light">
          {icon}
        </ThemeIcon>
        <Title order={2}>{title}</Title>
        <Text component="div" c="dimmed" ta="center" style={{ textWrap: 'pretty' }}>
          {children}
        </Text>
        {actions && (
          <Group justify="center" mt="xs">
            {actions}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}
