import { Divider, Group, Paper, Stack, Tabs, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Snippets } from '~/api/generated';
import * as read from '~/api/queries';
import { Snippet } from '~/components/CopyText';
import { LinkButton } from '~/components/LinkButton';
import { DemoButton } from '~/features/overview/DemoButton';

const LANGUAGES = [
  { key: 'curl', label: 'curl' },
  { key: 'python', label: 'Python' },
  { key: 'node', label: 'Node' },
] as const;

/** Before anything arrived: the code that sends a first event, and a stream that notices when it does. */
export function FirstEvent({ snippets }: { snippets: Snippets }) {
  const queries = useQueryClient();
  useEffect(() => {
    const stream = new EventSource('/api/events/live');
    stream.addEventListener('event', () => {
      stream.close();
      void queries.invalidateQueries({ queryKey: read.overview.queryKey });
    });
    return () => stream.close();
  }, [queries]);
  return (
    <Paper p={{ base: 'md', sm: 'xl' }}>
      <Stack gap="lg" maw={860} mx="auto">
        <Group gap="sm" role="status">
          <span className="live-dot" aria-hidden="true" />
          <Title order={2}>Waiting for your first event</Title>
        </Group>
        <Text c="dimmed" maw={640}>
          Send one from wherever your API runs. It appears here the moment it arrives; there is nothing to
          reload. Use a write key in place of the placeholder: one was printed when the server started, and
          more are made in the settings.
        </Text>
        <Tabs defaultValue="curl" keepMounted={false}>
          <Tabs.List mb="sm">
            {LANGUAGES.map(({ key, label }) => (
              <Tabs.Tab key={key} value={key}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {LANGUAGES.map(({ key, label }) => (
            <Tabs.Panel key={key} value={key}>
              <Snippet code={snippets[key]} label={`${label} example`} />
            </Tabs.Panel>
          ))}
        </Tabs>
        <Group>
          <LinkButton to="/settings" search={{ tab: 'keys' }}>
            Create a write key
          </LinkButton>
        </Group>
        <Divider label="or look around first" />
        <Group justify="space-between">
          <Text c="dimmed" maw={520}>
            Demo traffic starts a small example API with a few hundred simulated customers, ready rules and
            their emails. The first mail lies in the Inbox within a minute.
          </Text>
          <DemoButton prominent />
        </Group>
      </Stack>
    </Paper>
  );
}
