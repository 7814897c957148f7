import { Badge, Divider, Group, Stack, Text } from '@mantine/core';
import type { RuleOut, RulePreview } from '~/api/generated';
import { PersonCell } from '~/components/PersonCell';
import { NowPanel } from '~/features/writing/NowPanel';
import type { TextCheck } from '~/features/writing/useTextCheck';
import { count, kindNouns, percent } from '~/format';

/** Who matches right now: in total, by condition, and a few of them with the reason. */
export function RuleCount({ check, kind }: { check: TextCheck<RulePreview>; kind: RuleOut['subject_kind'] }) {
  const nouns = kindNouns(kind);
  return (
    <NowPanel
      title="Matching now"
      check={check}
      nouns={nouns}
      headline={({ total, of }) => ({
        number: total,
        words: `of ${count(of)} ${nouns} · ${percent(total, of)}`,
      })}
      done="Counted"
      whenEmpty="Write a rule to see who matches, before anything happens."
      whenUnread="The count follows as soon as the rule can be read."
    >
      {(preview) => (
        <>
          <Conditions preview={preview} />
          <Sample preview={preview} kind={kind} />
        </>
      )}
    </NowPanel>
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
