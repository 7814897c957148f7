import { Badge, Divider, Group, Paper, Stack, Text } from '@mantine/core';
import type { RuleOut, RulePreview } from '~/api/generated';
import { PersonCell } from '~/components/PersonCell';
import { messageOf } from '~/api/errors';
import type { RuleCheck } from '~/features/rules/useRuleCheck';
import { count, duration, percent } from '~/format';

/** Who matches right now: in total, by condition, and a few of them with the reason. Dimmed while out of date. */
export function RuleCount({ check, kind }: { check: RuleCheck; kind: RuleOut['subject_kind'] }) {
  const { preview, stale, empty, problem, previewFailure } = check;
  const nouns = kind === 'user' ? 'users' : 'companies';
  return (
    <Paper component="section" aria-label="Matching now" aria-busy={stale}>
      <Text c="dimmed" fw={500}>
        Matching now
      </Text>
      {empty || !preview ? (
        <Text fz={34} fw={680} lh={1.2} c="dimmed">
          –
        </Text>
      ) : (
        <div className={stale ? 'stale' : undefined}>
          <Text fz={34} fw={680} lh={1.2} className="numeric" style={{ letterSpacing: '-0.02em' }}>
            {count(preview.total)}
          </Text>
          <Text c="dimmed" className="numeric">
            of {count(preview.of)} {nouns} · {percent(preview.total, preview.of)}
          </Text>
          <Conditions preview={preview} />
          <Sample preview={preview} kind={kind} />
          <Text size="xs" c="dimmed" mt="md">
            Counted over the stored history in {duration(preview.took_ms)}.
          </Text>
        </div>
      )}
      {empty && <Text c="dimmed">Write a rule to see who matches, before anything happens.</Text>}
      {problem && <Text c="dimmed">The count follows as soon as the rule can be read.</Text>}
      {previewFailure !== null && !problem && (
        <Text c="red" role="alert">
          {messageOf(previewFailure)}
        </Text>
      )}
    </Paper>
  );
}

function Conditions({ preview }: { preview: RulePreview }) {
  if (preview.conditions.length < 2) return null;
  return (
    <>
      <Divider my="md" label="Each condition by itself" labelPosition="left" />
      <Stack gap={8}>
        {preview.conditions.map(({ path, text, count: matching }) => (
          <Group key={path} justify="space-between" wrap="nowrap" align="flex-start">
            <Text size="xs" style={{ overflowWrap: 'anywhere' }}>
              {text}
            </Text>
            <Badge className="numeric" style={{ flexShrink: 0 }}>
              {count(matching)}
            </Badge>
          </Group>
        ))}
      </Stack>
    </>
  );
}

function Sample({ preview, kind }: { preview: RulePreview; kind: RuleOut['subject_kind'] }) {
  if (preview.sample.length === 0) return null;
  return (
    <>
      <Divider my="md" label="Some of them, and why" labelPosition="left" />
      <Stack gap="sm">
        {preview.sample.map(({ id, name, email, reasons }) => (
          <div key={id}>
            <PersonCell id={id} name={name} email={email} kind={kind} />
            {reasons.map((reason) => (
              <Text key={reason} size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {reason}
              </Text>
            ))}
          </div>
        ))}
      </Stack>
    </>
  );
}
