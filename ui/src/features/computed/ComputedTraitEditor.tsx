import { ActionIcon, Button, Code, Grid, Stack, Text, Tooltip } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { isConflict } from '~/api/errors';
import { type ComputedTraitOut, deleteComputedTrait } from '~/api/generated';
import { ConflictNotice } from '~/components/ConflictNotice';
import { notifyDone, notifyFailed } from '~/components/notify';
import { PageHeader } from '~/components/PageHeader';
import { UnsavedGuard } from '~/components/UnsavedGuard';
import { useRemoval } from '~/components/useRemoval';
import { ComputingBadge } from '~/features/computed/ComputingBadge';
import { FORMULAS } from '~/features/computed/examples';
import { FormulaValues } from '~/features/computed/FormulaValues';
import { useComputedDraft } from '~/features/computed/useComputedDraft';
import { askServer } from '~/features/writing/completion';
import { Missing } from '~/features/writing/Missing';
import { useFormulaCheck } from '~/features/writing/useTextCheck';
import type { Example } from '~/features/writing/written';
import { WrittenForm } from '~/features/writing/WrittenForm';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const EDITOR = {
  label: 'Formula',
  description:
    'Counts of what somebody did, traits and numbers with + - * / between them. Also if … then … else …, min, max, round, floor, ceil, abs, today, now and date. Ctrl-Space shows what may stand here.',
  placeholder: 'count of api_call in the last 7 days / 7',
};

interface ComputedTraitEditorProps {
  trait: ComputedTraitOut | null;
  start?: Example | undefined;
}

/** Writes a formula with its values beside it; `trait` is null for a new one. */
export function ComputedTraitEditor({ trait, start }: ComputedTraitEditorProps) {
  const navigate = useNavigate();
  const { base, draft, edit, changed, save, reload } = useComputedDraft(trait, start);
  const check = useFormulaCheck(draft.text, draft.subject_kind);
  const ask = useMemo(() => askServer(draft.subject_kind, 'formula'), [draft.subject_kind]);
  const name = draft.name.trim();
  const named = NAME.test(name);
  const ready = named && check.checked && changed;

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
        badge={trait && !trait.filled && <ComputingBadge error={trait.error} retryAt={trait.retry_at} />}
        actions={
          <>
            {changed && <Missing name={named} text={!check.empty} noun="formula" />}
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
            <WrittenForm
              draft={draft}
              edit={edit}
              fresh={base === null}
              name={
                base === null
                  ? {
                      description: 'Letters, digits and _; it cannot be changed later.',
                      placeholder: 'engagement_score',
                      maxLength: 64,
                      error: name !== '' && !named && 'Use letters, digits and _ only, a letter first.',
                    }
                  : null
              }
              why="For your colleagues: what it tells"
              whose="Whose trait it is"
              editor={EDITOR}
              check={check}
              ask={ask}
              examples={FORMULAS}
              examplesPath="/computed-traits/new"
            />
            {named && <Uses name={name} kind={draft.subject_kind} />}
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

/** How it is written where it is used. */
function Uses({ name, kind }: { name: string; kind: ComputedTraitOut['subject_kind'] }) {
  const email = `{{ ${kind}.${name} }}`;
  return (
    <Text c="dimmed">
      {kind === 'company' ? (
        <>
          In rules about companies <Written>{name}</Written>, in those about users{' '}
          <Written>{`company.${name}`}</Written>
        </>
      ) : (
        <>
          In rules <Written>{name}</Written>
        </>
      )}
      , in emails <Written>{email}</Written>.
    </Text>
  );
}

function Written({ children }: { children: string }) {
  return <Code style={{ whiteSpace: 'nowrap' }}>{children}</Code>;
}

function DeleteButton({ trait }: { trait: ComputedTraitOut }) {
  const askToDelete = useRemoval({
    made: trait,
    noun: 'computed trait',
    body: 'It is taken off every profile. One that a rule or another computed trait reads is not deleted.',
    remove: () => deleteComputedTrait({ path: { trait_id: trait.id }, throwOnError: true }),
    list: '/computed-traits',
    queryKey: ['computed', 'list'],
  });
  return (
    <Tooltip label="Delete">
      <ActionIcon variant="default" size={36} aria-label="Delete" onClick={askToDelete}>
        <IconTrash size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
