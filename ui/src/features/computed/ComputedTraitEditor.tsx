import {
  ActionIcon,
  Badge,
  Button,
  Grid,
  Group,
  Paper,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { isConflict } from '~/api/errors';
import { type ComputedTraitOut, deleteComputedTrait } from '~/api/generated';
import { ConflictNotice } from '~/components/ConflictNotice';
import { askFirst } from '~/components/confirm';
import { notifyDone, notifyFailed } from '~/components/notify';
import { PageHeader } from '~/components/PageHeader';
import { UnsavedGuard } from '~/components/UnsavedGuard';
import type { FormulaExample } from '~/features/computed/examples';
import { FormulaValues } from '~/features/computed/FormulaValues';
import { useComputedDraft } from '~/features/computed/useComputedDraft';
import { useFormulaCheck } from '~/features/computed/useFormulaCheck';
import { askServer } from '~/features/rules/completion';
import { RuleTextEditor } from '~/features/rules/RuleTextEditor';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Writes a formula with its values beside it; `trait` is null for a new one. */
export function ComputedTraitEditor({
  trait,
  start,
}: {
  trait: ComputedTraitOut | null;
  start?: FormulaExample;
}) {
  const navigate = useNavigate();
  const { base, draft, edit, changed, save, reload } = useComputedDraft(trait, start);
  const check = useFormulaCheck(draft.text, draft.subject_kind);
  const ask = useMemo(() => askServer(draft.subject_kind, 'formula'), [draft.subject_kind]);
  const name = draft.name.trim();
  const ready = NAME.test(name) && check.checked && changed;
  const whose = draft.subject_kind === 'user' ? 'user' : 'company';

  const store = () =>
    save.mutate(undefined, {
      onSuccess: (saved) => {
        notifyDone(`“${saved.name}” is saved. Everybody gets its value now; nobody is messaged for it.`);
        if (base === null) {
          void navigate({
            to: '/computed-traits/$id',
            params: { id: String(saved.id) },
            replace: true,
            ignoreBlocker: true,
          });
        }
      },
      onError: (error) => {
        if (!isConflict(error) || base === null) notifyFailed('The computed trait was not saved', error);
      },
    });
  useHotkeys([['mod+S', () => ready && store()]], []);

  return (
    <>
      <UnsavedGuard changed={changed} />
      <PageHeader
        title={base?.name ?? 'New computed trait'}
        badge={trait && !trait.filled && <Badge color="petrol">computing</Badge>}
        actions={
          <>
            {base && <DeleteButton trait={base} />}
            <Button disabled={!ready} loading={save.isPending} onClick={store}>
              Save
            </Button>
          </>
        }
      />
      {base !== null && isConflict(save.error) && (
        <ConflictNotice noun="computed trait" onReload={() => void reload()} />
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            {base === null && (
              <Group align="flex-end" gap="sm">
                <TextInput
                  label="Name"
                  description="Letters, digits and _; it cannot be changed later."
                  placeholder="engagement_score"
                  value={draft.name}
                  onChange={(event) => edit({ name: event.currentTarget.value })}
                  error={name !== '' && !NAME.test(name) && 'Use letters, digits and _ only.'}
                  maxLength={64}
                  required
                  style={{ flex: '1 1 240px' }}
                />
                <SegmentedControl
                  aria-label="Whose trait it is"
                  data={[
                    { value: 'user', label: 'Users' },
                    { value: 'company', label: 'Companies' },
                  ]}
                  value={draft.subject_kind}
                  onChange={(kind) => edit({ subject_kind: kind as ComputedTraitOut['subject_kind'] })}
                />
              </Group>
            )}
            <TextInput
              label="Description"
              placeholder="For your colleagues: what it tells"
              value={draft.description}
              onChange={(event) => edit({ description: event.currentTarget.value })}
              maxLength={2000}
            />
            <RuleTextEditor
              label="Formula"
              description="Numbers, traits and counts with + - * / and blanks around the signs; min, max, round, floor, ceil, abs; today, now, date(…); if … then … else …"
              placeholder="count of api_call in the last 7 days / 7"
              text={draft.text}
              onChange={(text) => edit({ text })}
              check={check}
              ask={ask}
            />
            {check.sentence && !check.empty && (
              <Paper className={check.checked ? undefined : 'stale'}>
                <Text size="xs" c="dimmed" fw={600} mb={4}>
                  In words
                </Text>
                <Text fz={16}>{check.sentence}</Text>
              </Paper>
            )}
            {NAME.test(name) && (
              <Text c="dimmed">
                In rules: <code>{draft.subject_kind === 'company' ? `company.${name}` : name}</code> · in
                emails: <code>{`{{ ${whose}.${name} }}`}</code>
              </Text>
            )}
            {trait !== null && trait.refused > 0 && (
              <Text c="dimmed">
                {trait.refused} identify or group calls tried to set this trait and were refused: the formula
                wins.
              </Text>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <FormulaValues check={check} kind={draft.subject_kind} />
        </Grid.Col>
      </Grid>
    </>
  );
}

function DeleteButton({ trait }: { trait: ComputedTraitOut }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteComputedTrait({ path: { trait_id: trait.id }, throwOnError: true }),
    onSuccess: async () => {
      notifyDone(`“${trait.name}” is deleted.`);
      await navigate({ to: '/computed-traits', ignoreBlocker: true });
      await queries.invalidateQueries({ queryKey: ['computed', 'list'] });
    },
    onError: (error) => notifyFailed('The computed trait was not deleted', error),
  });
  return (
    <Tooltip label="Delete">
      <ActionIcon
        variant="default"
        size={36}
        aria-label="Delete"
        onClick={() =>
          askFirst({
            title: `Delete “${trait.name}”?`,
            body: 'It is taken off every profile. One that a rule or another computed trait reads is not deleted.',
            action: 'Delete the computed trait',
            onConfirm: () => remove.mutate(),
          })
        }
      >
        <IconTrash size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
