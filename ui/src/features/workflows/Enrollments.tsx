import { Paper, Table, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { EnrollmentOut, WorkflowOut } from '~/api/generated';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PersonCell } from '~/components/PersonCell';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';
import { STEP_KINDS } from '~/features/workflows/StepList';

/** Who is or was in the workflow, and where they stand. */
export function Enrollments({ workflow }: { workflow: WorkflowOut }) {
  const query = useInfiniteQuery(read.enrollments(workflow.id));
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0) {
          return (
            <Text c="dimmed">
              {workflow.published_version === null
                ? 'Nobody can enter before it is published.'
                : 'Nobody has entered yet.'}
            </Text>
          );
        }
        return (
          <>
            <Paper p={0}>
              <EnrollmentTable items={items} workflow={workflow} />
            </Paper>
            <MoreRows query={query} shown={items.length} noun="enrollment" />
          </>
        );
      }}
    </Loaded>
  );
}

function EnrollmentTable({ items, workflow }: { items: EnrollmentOut[]; workflow: WorkflowOut }) {
  const stepName = (id: string | null) => {
    const position = workflow.definition.steps.findIndex((step) => step.id === id);
    const step = workflow.definition.steps[position];
    return step ? `${position + 1}. ${STEP_KINDS[step.kind].label}` : (id ?? '–');
  };
  return (
    <Table.ScrollContainer minWidth={680}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>User</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Next step</Table.Th>
            <Table.Th>Due</Table.Th>
            <Table.Th>Entered</Table.Th>
            <Table.Th ta="right">Version</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map(({ id, user_id, name, email, status, reason, step_id, due_at, created_at, version }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <PersonCell id={user_id} name={name} email={email} />
              </Table.Td>
              <Table.Td>
                <StatusBadge status={status === 'active' ? 'inside' : status} />
                {reason && (
                  <Text size="xs" c="dimmed">
                    {reason.replaceAll('_', ' ')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{status === 'active' ? stepName(step_id) : '–'}</Table.Td>
              <Table.Td>
                <Time at={status === 'active' ? due_at : null} />
              </Table.Td>
              <Table.Td>
                <Time at={created_at} />
              </Table.Td>
              <Table.Td ta="right">{version}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
