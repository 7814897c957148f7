import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

interface PageHeaderProps {
  title: string;
  description?: ReactNode;
  badge?: ReactNode;
  actions?: ReactNode;
}

/** Title, one sentence on what the screen is for, and its actions; names the browser tab. */
export function PageHeader({ title, description, badge, actions }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Antiphon`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" gap="sm" mb="lg">
      <Stack gap={4} style={{ flex: '1 1 260px', minWidth: 0 }}>
        <Group gap="sm">
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {badge}
        </Group>
        {description && (
          <Text component="div" c="dimmed" maw={720} style={{ textWrap: 'pretty' }}>
            {description}
          </Text>
        )}
      </Stack>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
