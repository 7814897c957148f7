import { Table, Text } from '@mantine/core';
import type { MessageOut } from '~/api/generated';
import { RowLink, TextLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
import { PersonCell } from '~/components/PersonCell';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';

export function MessageTable({
  messages,
  withPerson = true,
}: {
  messages: MessageOut[];
  withPerson?: boolean;
}) {
  return (
    <ListTable
      heads={['Message', ...(withPerson ? ['To'] : []), 'Because of', 'Status', 'When']}
      framed={false}
    >
      {messages.map((message) => (
        <Table.Tr key={message.id}>
          <Table.Td maw={320}>
            <RowLink to="/messages/$id" params={{ id: String(message.id) }}>
              {message.subject ?? message.template_name ?? `Message ${message.id}`}
            </RowLink>
            {message.subject && (
              <Text size="xs" c="dimmed" truncate>
                {message.template_name}
              </Text>
            )}
          </Table.Td>
          {withPerson && (
            <Table.Td>
              <PersonCell id={message.user_id} name={message.user_name} email={message.user_email} />
            </Table.Td>
          )}
          <Table.Td>
            <Cause message={message} />
          </Table.Td>
          <Table.Td>
            <StatusBadge status={message.status} />
            {message.reason && (
              <Text size="xs" c="dimmed">
                {message.reason.replaceAll('_', ' ')}
              </Text>
            )}
          </Table.Td>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>
            <Time at={message.sent_at ?? message.created_at} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}

function Cause({ message }: { message: MessageOut }) {
  if (message.workflow_id !== null) {
    return (
      <TextLink to="/workflows/$id" params={{ id: String(message.workflow_id) }}>
        {message.workflow_name ?? `Workflow ${message.workflow_id}`}
      </TextLink>
    );
  }
  return <Text c="dimmed">{message.lane === 'transactional' ? 'Your server asked' : '–'}</Text>;
}
