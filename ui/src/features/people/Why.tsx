import { Alert, Group, Paper, Select, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCheck, IconFilter, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Explanation, ReasonedCondition } from '~/api/generated';
import type { Kind } from '~/api/queries';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { Time } from '~/components/Time';
import { Sentence } from '~/features/writing/Sentence';
import { count } from '~/format';

interface WhyProps {
  kind: Kind;
  id: string;
  rule: number | undefined;
  setRule: (rule: number | undefined) => void;
}

/** Why, or why not: a rule's conditions for one subject, and what its workflows did about it. */
export function Why({ kind, id, rule, setRule }: WhyProps) {
  const rules = useQuery(read.rules);
  return (
    <Loaded query={rules} rows={2}>
      {({ items }) => {
        const usable = items.filter(
          ({ subject_kind, status }) => subject_kind === kind && status === 'active',
        );
        const chosen = usable.find((candidate) => candidate.id === rule) ?? usable[0];
        if (chosen === undefined) {
          return (
            <EmptyState
              icon={<IconFilter size={26} />}
              title="No rule is switched on"
              actions={
                <LinkButton to="/rules" variant="light">
                  Go to the rules
                </LinkButton>
              }
            >
              Once a rule is, this tells condition by condition why somebody is in it or not, and why a
              message was sent or not.
            </EmptyState>
          );
        }
        return (
          <Stack>
            <Select
              label="Rule"
              data={usable.map(({ id: value, name }) => ({ value: String(value), label: name }))}
              value={String(chosen.id)}
              onChange={(value) => setRule(value === null ? undefined : Number(value))}
              allowDeselect={false}
              searchable
              maw={420}
            />
            {!chosen.filled && (
              <Text c="dimmed" role="status">
                This rule is on its way into force. Nobody enters or leaves before everybody has been looked
                at.
              </Text>
            )}
            <RuleExplanation kind={kind} id={id} rule={chosen.id} />
          </Stack>
        );
      }}
    </Loaded>
  );
}

function RuleExplanation({ kind, id, rule }: { kind: Kind; id: string; rule: number }) {
  const query = useQuery(read.explanation(kind, id, rule));
  return <Loaded query={query}>{(explanation) => <Explained explanation={explanation} />}</Loaded>;
}

function Explained({ explanation }: { explanation: Explanation }) {
  const { member, since, episode, rule_id, rule_name, conditions, messages, recheck_at } = explanation;
  return (
    <Stack>
      <Alert
        color={member ? 'green' : 'gray'}
        icon={member ? <IconCheck size={20} /> : <IconX size={20} />}
        title={member ? 'In this rule' : 'Not in this rule'}
      >
        <Group gap={5}>
          <TextLink to="/rules/$id" params={{ id: String(rule_id) }}>
            {rule_name}
          </TextLink>
          {since !== null && (
            <>
              <Text>{member ? 'since' : 'left'}</Text>
              <Time at={since} />
              {episode > 1 && <Text>· {count(episode)} times so far</Text>}
            </>
          )}
        </Group>
        {recheck_at !== null && (
          <Group gap={5}>
            <Text>With no further event, it is looked at again</Text>
            <Time at={recheck_at} />
          </Group>
        )}
      </Alert>
      <Paper>
        <Title order={2} mb="sm">
          Conditions
        </Title>
        <Stack gap="sm">
          {conditions.map((condition) => (
            <ConditionLine key={condition.path} condition={condition} />
          ))}
        </Stack>
      </Paper>
      <Paper>
        <Title order={2} mb="sm">
          Messages
        </Title>
        {messages.length === 0 && <Text c="dimmed">No workflow hangs on this rule.</Text>}
        <Stack gap="sm">
          {messages.map(({ workflow_id, workflow_name, outcome, at, message_id }) => (
            <Group key={`${workflow_id} ${at}`} justify="space-between">
              <Stack gap={0}>
                <RowLink to="/workflows/$id" params={{ id: String(workflow_id) }}>
                  {workflow_name}
                </RowLink>
                <Text c="dimmed">{outcome.replaceAll('_', ' ')}</Text>
              </Stack>
              <Group gap="sm">
                <Time at={at} c="dimmed" />
                {message_id !== null && (
                  <TextLink to="/messages/$id" params={{ id: String(message_id) }}>
                    The message
                  </TextLink>
                )}
              </Group>
            </Group>
          ))}
        </Stack>
      </Paper>
    </Stack>
  );
}

/** How a group of conditions begins; they follow on lines of their own. */
const GROUP = /^(all of|any of|none of|at least \d+ of) \(/;

function ConditionLine({ condition }: { condition: ReasonedCondition }) {
  const { depth, text, value, needed, met, since, recheck_at } = condition;
  const group = GROUP.exec(text)?.[1];
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" pl={`min(${depth * 26}px, ${depth * 5}vw)`}>
      <ThemeIcon size={22} radius="xl" variant="light" color={met ? 'green' : 'gray'}>
        {met ? <IconCheck size={14} aria-label="met" /> : <IconX size={14} aria-label="not met" />}
      </ThemeIcon>
      <Stack gap={2}>
        {group === undefined ? (
          <Text fw={500} style={{ overflowWrap: 'anywhere' }}>
            {text}
          </Text>
        ) : (
          <Sentence text={`${group.charAt(0).toUpperCase()}${group.slice(1)} these`} fw={500} />
        )}
        {value !== null && (
          <Group gap={5}>
            <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {needed === null ? value : `now ${value}, needed ${needed}`}
            </Text>
            {recheck_at !== null && (
              <>
                <Text size="xs" c="dimmed">
                  · changes by itself
                </Text>
                <Time at={recheck_at} size="xs" c="dimmed" />
              </>
            )}
          </Group>
        )}
        {since !== null && (
          <Group gap={5}>
            <Text size="xs" c="dimmed">
              {met ? 'met since' : 'not met since'}
            </Text>
            <Time at={since} size="xs" c="dimmed" />
          </Group>
        )}
      </Stack>
    </Group>
  );
}
