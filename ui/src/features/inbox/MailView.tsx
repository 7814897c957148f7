import { Badge, Group, Paper, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { InboxMail } from '~/api/generated';
import * as read from '~/api/queries';
import { Snippet } from '~/components/CopyText';
import { TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import classes from '~/features/inbox/InboxScreen.module.css';
import { exactTime } from '~/format';

export function MailView({ id }: { id: number }) {
  const query = useQuery(read.inboxMail(id));
  return (
    <section aria-label="Mail">
      <Loaded query={query}>{(mail) => <Mail mail={mail} />}</Loaded>
    </section>
  );
}

/** One mail as it was sent: rendered, as plain text, its whole source, its headers. */
function Mail({ mail }: { mail: InboxMail }) {
  return (
    <Paper p={0} style={{ overflow: 'hidden' }}>
      <Stack gap={4} p="md">
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <Title order={2} style={{ overflowWrap: 'anywhere' }}>
            {mail.subject || 'No subject'}
          </Title>
          {mail.message_id === null ? (
            <Badge color="gray">Test</Badge>
          ) : (
            <TextLink
              to="/messages/$id"
              params={{ id: String(mail.message_id) }}
              style={{ whiteSpace: 'nowrap' }}
            >
              Why was it sent?
            </TextLink>
          )}
        </Group>
        <Text c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {mail.sender} → {mail.recipient}
        </Text>
        <Text size="xs" c="dimmed">
          {exactTime(mail.received_at)}
        </Text>
      </Stack>
      <Tabs defaultValue="html" keepMounted={false}>
        <Tabs.List px="sm">
          <Tabs.Tab value="html">HTML</Tabs.Tab>
          <Tabs.Tab value="text">Text</Tabs.Tab>
          <Tabs.Tab value="source">Source</Tabs.Tab>
          <Tabs.Tab value="headers">Headers</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html">
          <iframe
            title={`Mail: ${mail.subject}`}
            src={mail.html_url}
            sandbox="allow-popups allow-popups-to-escape-sandbox"
            className={classes.frame}
          />
        </Tabs.Panel>
        <Tabs.Panel value="text" p="md">
          <Snippet code={mail.text || 'This mail has no plain-text part.'} label="Plain text" />
        </Tabs.Panel>
        <Tabs.Panel value="source" p="md">
          <Snippet code={mail.source} label="Source" />
        </Tabs.Panel>
        <Tabs.Panel value="headers" p="md">
          <Table verticalSpacing={6} layout="fixed">
            <Table.Tbody>
              {mail.headers.map(({ name, value }, position) => (
                <Table.Tr key={position}>
                  <Table.Th scope="row" w={190} style={{ verticalAlign: 'top', whiteSpace: 'normal' }}>
                    {name}
                  </Table.Th>
                  <Table.Td ff="monospace" fz={13} style={{ overflowWrap: 'anywhere' }}>
                    {value}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Tabs.Panel>
      </Tabs>
    </Paper>
  );
}
