import { Group, Paper, Text, Title } from '@mantine/core';
import type { MessageOut } from '~/api/generated';
import { TextLink } from '~/components/LinkButton';
import { MessageTable } from '~/features/messages/MessageTable';

export function RecentMessages({ messages }: { messages: MessageOut[] }) {
  return (
    <Paper>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Recent messages</Title>
        <TextLink to="/messages">All messages</TextLink>
      </Group>
      {messages.length === 0 ? (
        <Text c="dimmed" py="sm">
          Nobody has been written to yet.
        </Text>
      ) : (
        <MessageTable messages={messages} />
      )}
    </Paper>
  );
}
