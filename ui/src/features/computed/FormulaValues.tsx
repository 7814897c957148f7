import { Divider, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import type { ComputedTraitOut, FormulaPreview } from '~/api/generated';
import { PersonCell } from '~/components/PersonCell';
import { NowPanel } from '~/features/writing/NowPanel';
import type { TextCheck } from '~/features/writing/useTextCheck';
import { count, kindNouns, percent, valueText } from '~/format';

interface FormulaValuesProps {
  check: TextCheck<FormulaPreview>;
  kind: ComputedTraitOut['subject_kind'];
}

/** The values that people would have now: how many have one, how they are spread, some of them. */
export function FormulaValues({ check, kind }: FormulaValuesProps) {
  const nouns = kindNouns(kind);
  return (
    <NowPanel
      title="Values now"
      check={check}
      nouns={nouns}
      headline={({ known, of }) => ({
        number: known,
        words: `of ${count(of)} ${nouns} have one · ${percent(known, of)}`,
      })}
      done="Computed"
      whenEmpty="Write a formula to see its values, before anything is saved."
      whenUnread="The values follow as soon as the formula can be read."
    >
      {(preview) => (
        <>
          <Spread preview={preview} />
          <Sample preview={preview} kind={kind} />
        </>
      )}
    </NowPanel>
  );
}

function Spread({ preview }: { preview: FormulaPreview }) {
  if (preview.known === 0) return null;
  if (preview.frequent.length > 0) {
    return (
      <>
        <Divider my="md" label="Most frequent" labelPosition="left" />
        <Stack gap={6}>
          {preview.frequent.map(({ value, count: times }) => (
            <Group key={JSON.stringify(value)} justify="space-between" wrap="nowrap">
              <Text style={{ overflowWrap: 'anywhere' }}>{valueText(value)}</Text>
              <Text className="numeric" c="dimmed">
                {count(times)}
              </Text>
            </Group>
          ))}
        </Stack>
      </>
    );
  }
  const dates = preview.gives === 'date';
  const marks = [
    { label: dates ? 'Earliest' : 'Smallest', value: preview.least },
    { label: 'Median', value: preview.median },
    { label: dates ? 'Latest' : 'Largest', value: preview.most },
  ];
  return (
    <SimpleGrid cols={dates ? 1 : 3} spacing="xs" verticalSpacing={4} mt="md">
      {marks.map(({ label, value }) => (
        <div key={label}>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Text className="numeric" fw={600} style={{ overflowWrap: 'anywhere' }}>
            {valueText(value)}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function Sample({ preview, kind }: { preview: FormulaPreview; kind: ComputedTraitOut['subject_kind'] }) {
  if (preview.sample.length === 0) return null;
  return (
    <>
      <Divider my="md" label="Some of them" labelPosition="left" />
      <Stack gap="sm">
        {preview.sample.map(({ id, name, email, value }) => (
          <Group key={id} justify="space-between" wrap="nowrap" align="flex-start">
            <div style={{ minWidth: 0, overflow: 'hidden' }}>
              <PersonCell id={id} name={name} email={email} kind={kind} />
            </div>
            <Text className="numeric" fw={600} style={{ overflowWrap: 'anywhere' }}>
              {valueText(value)}
            </Text>
          </Group>
        ))}
      </Stack>
    </>
  );
}
