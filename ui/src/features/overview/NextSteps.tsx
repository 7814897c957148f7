import { Group, Paper, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import type { Overview } from '~/api/generated';
import { LinkButton } from '~/components/LinkButton';

/** The way from events to a first message; gone once a workflow runs. */
export function NextSteps({ data }: { data: Overview }) {
  if (data.active_workflows > 0) return null;
  const steps = [
    { done: true, label: 'Events arrive', to: '/events' },
    { done: data.active_rules > 0, label: 'Write a rule and switch it on', to: '/rules' },
    { done: false, label: 'Write and publish an email', to: '/emails' },
    { done: false, label: 'Join them in a workflow', to: '/workflows' },
  ] as const;
  const next = steps.find(({ done }) => !done);
  return (
    <Paper>
      <Group justify="space-between" gap="md">
        <Stack gap={2}>
          <Text fw={600}>From events to your first message</Text>
          <Group gap="lg" mt={4}>
            {steps.map(({ done, label }, position) => (
              <Group key={label} gap={8} wrap="nowrap">
                <ThemeIcon
                  size={22}
                  radius="xl"
                  variant={done ? 'filled' : 'light'}
                  color={done ? 'green' : 'petrol'}
                >
                  {done ? (
                    <IconCheck size={14} aria-label="done" />
                  ) : (
                    <Text size="xs" fw={700}>
                      {position + 1}
                    </Text>
                  )}
                </ThemeIcon>
                <Text c={done ? 'dimmed' : undefined}>{label}</Text>
              </Group>
            ))}
          </Group>
        </Stack>
        {next && (
          <LinkButton to={next.to} variant="light">
            {next.label}
          </LinkButton>
        )}
      </Group>
    </Paper>
  );
}
