import { Group, Paper, SegmentedControl, Stack, Text, TextInput, Textarea, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Examples } from '~/features/writing/Examples';
import type { Ask } from '~/features/writing/completion';
import { Sentence } from '~/features/writing/Sentence';
import { TextEditor } from '~/features/writing/TextEditor';
import type { TextCheck } from '~/features/writing/useTextCheck';
import type { Example, Written } from '~/features/writing/written';

interface NameField {
  description?: string;
  placeholder: string;
  maxLength: number;
  error?: ReactNode;
}

interface WrittenFormProps {
  draft: Written;
  edit: (change: Partial<Written>) => void;
  fresh: boolean; // nothing is stored yet, so whom it is about can be chosen
  name: NameField | null; // null where it cannot be changed
  why: string; // what a description is for
  whose: string;
  editor: { label: string; description: string; placeholder: string };
  check: TextCheck<unknown>;
  ask: Ask;
  examples: Example[];
  examplesPath: '/rules/new' | '/computed-traits/new';
}

/** What rules and computed traits are written in: a name, a note, the text with its sentence, examples to begin with. */
export function WrittenForm(props: WrittenFormProps) {
  const { draft, edit, fresh, name, why, whose, editor, check, ask, examples, examplesPath } = props;
  return (
    <Stack>
      {name !== null && (
        <Group align="flex-end" gap="sm">
          <TextInput
            {...name}
            label="Name"
            value={draft.name}
            onChange={(event) => edit({ name: event.currentTarget.value })}
            required
            style={{ flex: '1 1 240px' }}
          />
          {fresh && (
            <SegmentedControl
              aria-label={whose}
              data={[
                { value: 'user', label: 'Users' },
                { value: 'company', label: 'Companies' },
              ]}
              value={draft.subject_kind}
              onChange={(kind) => edit({ subject_kind: kind as Written['subject_kind'] })}
            />
          )}
        </Group>
      )}
      <Textarea
        label="Description"
        placeholder={why}
        value={draft.description}
        onChange={(event) => edit({ description: event.currentTarget.value })}
        maxLength={2000}
        autosize
        minRows={1}
        maxRows={6}
      />
      <TextEditor {...editor} text={draft.text} onChange={(text) => edit({ text })} check={check} ask={ask} />
      {check.sentence && !check.empty && (
        <Paper className={check.checked ? undefined : 'stale'}>
          <Text size="xs" c="dimmed" fw={600} mb={4}>
            In words
          </Text>
          <Sentence text={check.sentence} fz={16} />
        </Paper>
      )}
      {fresh && draft.text === '' && (
        <Stack gap="xs">
          <Title order={2} size="h4">
            Or start from an example
          </Title>
          <Examples examples={examples} path={examplesPath} />
        </Stack>
      )}
    </Stack>
  );
}
