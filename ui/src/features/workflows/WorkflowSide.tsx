import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { WorkflowDefinition, WorkflowOut } from '~/api/generated';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import { triggerText } from '~/features/workflows/triggerText';
import { count, minutesInWords } from '~/format';

/** The workflow read aloud, and what came of it so far. */
export function WorkflowSide({
  workflow,
  definition,
}: {
  workflow: WorkflowOut | null;
  definition: WorkflowDefinition;
}) {
  const rules = useQuery(read.rules);
  const templates = useQuery(read.templates);
  const nameOf = (id: number | null) => templates.data?.items.find((template) => template.id === id)?.name;
  return (
    <Stack>
      {workflow && (
        <Paper>
          <Title order={2} mb="sm">
            So far
          </Title>
          <Stack gap={8}>
            <Figure label="Inside now" value={workflow.stats.active} />
            <Figure label="Completed" value={workflow.stats.completed} />
            <Figure label="Exited" value={workflow.stats.exited} />
            {workflow.stats.failed > 0 && <Figure label="Failed" value={workflow.stats.failed} />}
            <Group justify="space-between">
              <TextLink to="/messages" search={{ workflow: workflow.id }}>
                Messages sent
              </TextLink>
              <Text fw={650} className="numeric">
                {count(workflow.stats.sent)}
              </Text>
            </Group>
          </Stack>
        </Paper>
      )}
      <Paper>
        <Title order={2} mb="sm">
          In words
        </Title>
        <Stack gap={6}>
          <Text>{triggerText(definition.trigger, rules.data?.items ?? [])},</Text>
          {definition.steps.map((step) => (
            <Text key={step.id}>
              {step.kind === 'wait' && `wait ${minutesInWords(step.minutes)},`}
              {step.kind === 'send' && `send “${nameOf(step.template_id) ?? 'an email still to be chosen'}”,`}
              {step.kind === 'exit' && 'leave.'}
            </Text>
          ))}
          {definition.steps.at(-1)?.kind !== 'exit' && <Text>and that is all.</Text>}
        </Stack>
      </Paper>
    </Stack>
  );
}

function Figure({ label, value }: { label: string; value: number }) {
  return (
    <Group justify="space-between">
      <Text c="dimmed">{label}</Text>
      <Text fw={650} className="numeric">
        {count(value)}
      </Text>
    </Group>
  );
}
