import { Alert, Grid, Paper, Stack, Table, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { MessageOut } from '~/api/generated';
import * as read from '~/api/queries';
import { JsonView } from '~/components/JsonView';
import { LinkButton, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';
import { PageHeader } from '~/components/PageHeader';
import { StatusBadge } from '~/components/StatusBadge';
import { reasonInWords, sentence } from '~/features/messages/reasons';
import { duration, exactTime, plural } from '~/format';

const route = getRouteApi('/messages/$id');

export function MessageScreen() {
  const { id } = route.useParams();
  return /^\d+$/.test(id) ? <StoredMessage id={Number(id)} /> : <NotFound />;
}

function StoredMessage({ id }: { id: number }) {
  const query = useQuery(read.message(id));
  return <Loaded query={query}>{(message) => <MessageView message={message} />}</Loaded>;
}

function MessageView({ message }: { message: MessageOut }) {
  const hasVariables = Object.keys(message.variables).length > 0;
  return (
    <>
      <PageHeader
        title={message.subject ?? message.template_name ?? `Message ${message.id}`}
        badge={<StatusBadge status={message.status} />}
        description={
          <>
            to{' '}
            <TextLink to="/users/$id" params={{ id: message.user_id }}>
              {message.user_name ?? message.user_email ?? message.user_id}
            </TextLink>
            {message.recipient && ` (${message.recipient})`}
          </>
        }
        actions={
          message.inbox_id !== null && (
            <LinkButton to="/inbox" search={{ mail: message.inbox_id }} variant="default">
              Open the mail
            </LinkButton>
          )
        }
      />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            {message.reason && (
              <Alert
                color={message.status === 'failed' ? 'red' : 'amber'}
                title={reasonInWords(message.reason).title}
              >
                {reasonInWords(message.reason).text} {message.detail}
              </Alert>
            )}
            <Paper>
              <Title order={2} mb="md">
                How it came about
              </Title>
              <Story message={message} />
            </Paper>
            {hasVariables && (
              <Paper>
                <Title order={2} mb="sm">
                  Variables
                </Title>
                <JsonView value={message.variables} label="Variables" />
              </Paper>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Facts message={message} />
        </Grid.Col>
      </Grid>
    </>
  );
}

/** From the call that caused it to what became of it, with the time each step took. */
function Story({ message }: { message: MessageOut }) {
  const { caused_at, created_at, sent_at, rule_id, rule_name, workflow_id, workflow_name, attempts } =
    message;
  return (
    <Timeline bulletSize={16} lineWidth={2} active={9}>
      {caused_at !== null && (
        <Timeline.Item title="A call arrived">
          <Text c="dimmed">{exactTime(caused_at)}</Text>
          <TextLink to="/users/$id" params={{ id: message.user_id }} search={{ tab: 'timeline' }}>
            See the timeline
          </TextLink>
        </Timeline.Item>
      )}
      {rule_id !== null && (
        <Timeline.Item
          title={caused_at === null ? 'Time passed, and a rule became true' : 'A rule became true'}
        >
          <TextLink to="/users/$id" params={{ id: message.user_id }} search={{ tab: 'why', rule: rule_id }}>
            {rule_name ?? `Rule ${rule_id}`}: why?
          </TextLink>
        </Timeline.Item>
      )}
      {workflow_id !== null && (
        <Timeline.Item title="A workflow took it up">
          <TextLink to="/workflows/$id" params={{ id: String(workflow_id) }}>
            {workflow_name ?? `Workflow ${workflow_id}`}
          </TextLink>
        </Timeline.Item>
      )}
      <Timeline.Item
        title={message.lane === 'transactional' ? 'Your server asked for it' : 'The message was made'}
      >
        <Text c="dimmed">{exactTime(created_at)}</Text>
      </Timeline.Item>
      <Timeline.Item title={sent_at === null ? sentence(message.status) : 'Sent'}>
        <Text c="dimmed">
          {sent_at === null
            ? `after ${attempts === 0 ? 'no attempt' : plural(attempts, 'attempt')}`
            : `${exactTime(sent_at)}${caused_at === null ? '' : ` · ${duration(sent_at - caused_at)} after the call`}`}
        </Text>
      </Timeline.Item>
    </Timeline>
  );
}

function Facts({ message }: { message: MessageOut }) {
  const rows: [string, ReactNode][] = [
    [
      'Email',
      <TextLink key="email" to="/emails/$id" params={{ id: String(message.template_id) }}>
        {message.template_name ?? `Email ${message.template_id}`}
      </TextLink>,
    ],
    ['Version', message.template_version ?? '–'],
    ['Lane', message.lane],
    ['Provider', message.provider ?? '–'],
    ['Attempts', message.attempts],
    ['Message-ID', message.message_id ?? '–'],
    ['Detail', message.detail ?? '–'],
  ];
  return (
    <Paper>
      <Title order={2} mb="xs">
        Details
      </Title>
      <Table verticalSpacing={7} layout="fixed">
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Td c="dimmed" w={110}>
                {name}
              </Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
