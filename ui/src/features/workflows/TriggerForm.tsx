import {
  Group,
  Paper,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
  ThemeIcon,
  Title,
  useMatches,
} from '@mantine/core';
import { IconBolt } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { WorkflowDefinition } from '~/api/generated';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import { ProblemLines } from '~/features/workflows/ProblemLines';
import type { Trigger } from '~/features/workflows/steps';

interface TriggerFormProps {
  definition: WorkflowDefinition;
  onChange: (change: Partial<WorkflowDefinition>) => void;
  problems: string[];
}

const KINDS: { value: Trigger['kind']; label: string }[] = [
  { value: 'enters', label: 'Enters a rule' },
  { value: 'leaves', label: 'Leaves a rule' },
  { value: 'event', label: 'Does something' },
];

/** What starts a workflow, and whether it may start again for the same person. */
export function TriggerForm({ definition, onChange, problems }: TriggerFormProps) {
  const rules = useQuery(read.rules);
  const orientation = useMatches<'vertical' | 'horizontal'>({ base: 'vertical', xs: 'horizontal' });
  const trigger = definition.trigger ?? { kind: 'enters', rule_id: null };
  const choices = (rules.data?.items ?? []).map(({ id, name, status }) => ({
    value: String(id),
    label: status === 'active' ? name : `${name} (not switched on)`,
  }));
  const choose = (kind: string) =>
    onChange({
      trigger: kind === 'event' ? { kind, selector: '' } : { kind: kind as 'enters', rule_id: null },
    });
  return (
    <Paper component="section" aria-label="Trigger">
      <Group mb="sm" gap="sm">
        <ThemeIcon variant="light" color="violet" size={34}>
          <IconBolt size={19} />
        </ThemeIcon>
        <Title order={2}>Starts when somebody …</Title>
      </Group>
      <Stack gap="sm">
        <SegmentedControl
          aria-label="What starts it"
          data={KINDS}
          orientation={orientation}
          value={trigger.kind}
          onChange={choose}
          style={{ alignSelf: 'flex-start' }}
        />
        {trigger.kind === 'event' ? (
          <TextInput
            label="Event"
            description="An event’s name, with conditions on its properties if you like."
            placeholder="api_call where status = 400"
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13.5 } }}
            value={trigger.selector}
            onChange={(event) =>
              onChange({ trigger: { kind: 'event', selector: event.currentTarget.value } })
            }
          />
        ) : (
          <Select
            label="Rule"
            placeholder="Choose a rule"
            data={choices}
            value={trigger.rule_id === null ? null : String(trigger.rule_id)}
            onChange={(value) =>
              onChange({ trigger: { kind: trigger.kind, rule_id: value === null ? null : Number(value) } })
            }
            searchable
            nothingFoundMessage="No rule has that name."
          />
        )}
        {trigger.kind !== 'event' && rules.data?.items.length === 0 && (
          <Text c="dimmed">
            There is no rule yet. <TextLink to="/rules">Write one first</TextLink>
          </Text>
        )}
        <Select
          label="The same person"
          data={[
            { value: 'every_time', label: 'may start it again every time' },
            { value: 'once', label: 'starts it once, ever' },
          ]}
          value={definition.entry.reentry}
          allowDeselect={false}
          onChange={(reentry) => onChange({ entry: { reentry: reentry === 'once' ? 'once' : 'every_time' } })}
        />
        <ProblemLines problems={problems} />
      </Stack>
    </Paper>
  );
}
