import { Button, Grid, Stack, Tabs } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { RuleOut } from '~/api/generated';
import { isConflict } from '~/api/errors';
import { ConflictNotice } from '~/components/ConflictNotice';
import { notifyDone, notifyFailed } from '~/components/notify';
import { PageHeader } from '~/components/PageHeader';
import { StatusBadge } from '~/components/StatusBadge';
import { UnsavedGuard } from '~/components/UnsavedGuard';
import { EXAMPLES } from '~/features/rules/examples';
import { FillingNotice } from '~/features/rules/Filling';
import { RuleCount } from '~/features/rules/RuleCount';
import { RuleMembers } from '~/features/rules/RuleMembers';
import { RuleMenu } from '~/features/rules/RuleMenu';
import { RulePromql } from '~/features/rules/RulePromql';
import { SwitchOnDialog } from '~/features/rules/SwitchOnDialog';
import { useRuleDraft } from '~/features/rules/useRuleDraft';
import { askServer } from '~/features/writing/completion';
import { Missing } from '~/features/writing/Missing';
import { useRuleCheck } from '~/features/writing/useTextCheck';
import type { Example } from '~/features/writing/written';
import { WrittenForm } from '~/features/writing/WrittenForm';
import { count } from '~/format';

const route = getRouteApi('/rules/$id');
const EDITOR = {
  label: 'Rule',
  description:
    'One condition, or several in all of ( … ; … ), any of ( … ; … ), none of ( … ; … ). Words and names complete as you type; Ctrl-Space shows what may stand here.',
  placeholder: 'count of api_call where status = 400 in the last 24 hours >= 5',
};
const DONE = { active: 'switched on', draft: 'switched off', archived: 'archived' };

/** Writes a rule with its live count beside it; `rule` is null for a new one. */
export function RuleEditor({ rule, start }: { rule: RuleOut | null; start?: Example | undefined }) {
  const { tab = 'rule' } = route.useSearch();
  const navigate = route.useNavigate();
  const { base, draft, edit, changed, textChanged, save, reload } = useRuleDraft(rule, start);
  const check = useRuleCheck(draft.text, draft.subject_kind);
  const ask = useMemo(() => askServer(draft.subject_kind), [draft.subject_kind]);
  const [dialog, { open, close }] = useDisclosure();
  const now = rule ?? base; // how it stands, read again and again; `base` is how it stood when it was opened or saved
  const status = now?.status ?? 'draft';
  const named = draft.name.trim() !== '';
  const ready = named && check.checked;

  const store = (next?: RuleOut['status'], messageMembers?: boolean) =>
    save.mutate(
      { status: next, messageMembers },
      {
        onSuccess: (saved) => {
          close();
          notifyDone(`“${saved.name}” is ${next === undefined ? 'saved' : DONE[next]}.`);
          if (base === null) {
            void navigate({
              to: '/rules/$id',
              params: { id: String(saved.id) },
              replace: true,
              ignoreBlocker: true,
            });
          }
        },
        onError: (error) => {
          close();
          if (!isConflict(error) || base === null) notifyFailed('The rule was not saved', error);
        },
      },
    );
  const askOrStore = () => (status === 'active' && textChanged ? open() : store());
  useHotkeys([['mod+S', () => ready && changed && askOrStore()]], []);

  return (
    <>
      <UnsavedGuard changed={changed} />
      <PageHeader
        title={base?.name ?? 'New rule'}
        badge={<StatusBadge status={status} />}
        actions={
          <>
            {changed && <Missing name={named} text={!check.empty} noun="rule" />}
            {now && <RuleMenu rule={now} onStatus={(next) => store(next)} />}
            <Button
              variant={status === 'active' ? 'filled' : 'default'}
              disabled={!ready || !changed}
              loading={save.isPending && !dialog}
              onClick={askOrStore}
            >
              {status === 'active' ? 'Save changes' : 'Save draft'}
            </Button>
            {status !== 'active' && (
              <Button disabled={!ready} onClick={open}>
                Switch on…
              </Button>
            )}
          </>
        }
      />
      {base !== null && isConflict(save.error) && (
        <ConflictNotice noun="rule" onReload={() => void reload()} />
      )}
      {now && <FillingNotice rule={now} onCancel={() => store('draft')} />}
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            search: (before) => ({ ...before, tab: next === 'members' ? 'members' : undefined }),
            replace: true,
          })
        }
      >
        {base && (
          <Tabs.List mb="lg">
            <Tabs.Tab value="rule">Rule</Tabs.Tab>
            <Tabs.Tab value="members">Members{rule ? ` · ${count(rule.members)}` : ''}</Tabs.Tab>
          </Tabs.List>
        )}
        <Tabs.Panel value="rule" tabIndex={-1}>
          <Grid gap="lg">
            <Grid.Col span={{ base: 12, md: 8 }}>
              <WrittenForm
                draft={draft}
                edit={edit}
                fresh={base === null}
                name={{ placeholder: 'Stuck on client errors', maxLength: 200 }}
                why="For your colleagues: why this matters"
                whose="What the rule is about"
                editor={EDITOR}
                check={check}
                ask={ask}
                examples={EXAMPLES}
                examplesPath="/rules/new"
              />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 4 }}>
              <Stack>
                <RuleCount check={check} kind={draft.subject_kind} />
                {rule && <RulePromql rule={rule} />}
              </Stack>
            </Grid.Col>
          </Grid>
        </Tabs.Panel>
        {rule && (
          <Tabs.Panel value="members" tabIndex={-1}>
            <RuleMembers rule={rule} />
          </Tabs.Panel>
        )}
      </Tabs>
      <SwitchOnDialog
        opened={dialog}
        onClose={close}
        onConfirm={(messageMembers) => store(status === 'active' ? undefined : 'active', messageMembers)}
        busy={save.isPending}
        name={draft.name.trim()}
        check={check}
        kind={draft.subject_kind}
        already={status === 'active'}
      />
    </>
  );
}
