import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { WorkflowDefinition, WorkflowOut } from '~/api/generated';
import * as read from '~/api/queries';
import { triggerText } from '~/features/workflows/triggerText';
import { plural } from '~/format';

/** What publishing does, in this case. */
export function PublishNotes({
  definition,
  workflow,
}: {
  definition: WorkflowDefinition;
  workflow: WorkflowOut | null;
}) {
  const rules = useQuery(read.rules);
  const session = useQuery(read.session);
  const emails = definition.steps.filter(({ kind }) => kind === 'send').length;
  const inside = workflow?.stats.active ?? 0;
  return (
    <Stack gap="xs">
      <Text>
        {triggerText(definition.trigger, rules.data?.items ?? [])}: {plural(definition.steps.length, 'step')},{' '}
        {plural(emails, 'email')}.
      </Text>
      <Text c="dimmed">
        It starts for people from now on; nobody is sent anything for what happened before.
        {inside > 0 &&
          ` ${plural(inside, 'person', 'people')} inside now stay on the version they started with.`}
      </Text>
      <Text c="dimmed">
        {session.data?.workspace.sandbox
          ? 'This is the sandbox: every mail goes to the built-in Inbox.'
          : 'Mail goes to real addresses.'}
      </Text>
    </Stack>
  );
}
