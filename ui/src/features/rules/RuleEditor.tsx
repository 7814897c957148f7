import { Button, Grid, Group, Paper, SegmentedControl, Stack, Tabs, Text, TextInput } from '@mantine/core';
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
import type { Example } from '~/features/rules/examples';
import { RuleCount } from '~/features/rules/RuleCount';
import { RuleMembers } from '~/features/rules/RuleMembers';
import { RuleMenu } from '~/features/rules/RuleMenu';
import { askServer } from '~/features/rules/completion';
import { RulePromql } from '~/features/rules/RulePromql';
import { FillingBadge } from '~/features/rules/FillingBadge';
import { RuleTextEditor } from '~/features/rules/RuleTextEditor';
import { Sentence } from '~/features/rules/Sentence';
import { SwitchOnDialog } from '~/features/rules/SwitchOnDialog';
import { useRuleCheck } from '~/features/rules/useRuleCheck';
import { useRuleDraft } from '~/features/rules/useRuleDraft';
import { count } from '~/format';

const route = getRouteApi('/rules/$id');

/** Writes a rule with its live count beside it; `rule` is null for a new one. */
export function RuleEditor({ rule, start }: { rule: RuleOut | null; start?: Example }) {
  const { tab = 'rule' } = route.useSearch();
  const navigate = route.useNavigate();
  const { base, draft, edit, changed, textChanged, save, reload } = useRuleDraft(rule, start);
  const check = useRuleCheck(draft.text, draft.subject_kind);
  const ask = useMemo(() => askServer(draft.subject_kind), [draft.subject_kind]);
  const [dialog, { open, close }] = useDisclosure();
  const status = rule?.status ?? base?.status ?? 'draft';
  const ready = draft.name.trim() !== '' && check.checked;

  const store = (next?: RuleOut['status'], messageMembers?: boolean) =>
    save.mutate(
      { status: next, messageMembers },
      {
        onSuccess: (saved) => {
          close();
          notifyDone(next === 'active' ? `“${saved.name}” is switched on.` : `“${saved.name}” is saved.`);
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
        badge={
          <Group gap={6}>
            <StatusBadge status={status} />
            {base?.status === 'active' && !base.filled && <FillingBadge filling={base.filling} />}
          </Group>
        }
        actions={
          <>
            {base && <RuleMenu rule={base} onStatus={(next) => store(next)} />}
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
              <Stack>
                <Group align="flex-end" gap="sm">
                  <TextInput
                    label="Name"
                    placeholder="Stuck on client errors"
                    value={draft.name}
                    onChange={(event) => edit({ name: event.currentTarget.value })}
                    maxLength={200}
                    required
                    style={{ flex: '1 1 240px' }}
                  />
                  {base === null && (
                    <SegmentedControl
                      aria-label="What the rule is about"
                      data={[
                        { value: 'user', label: 'Users' },
                        { value: 'company', label: 'Companies' },
                      ]}
                      value={draft.subject_kind}
                      onChange={(subject_kind) =>
                        edit({ subject_kind: subject_kind as RuleOut['subject_kind'] })
                      }
                    />
                  )}
                </Group>
                <TextInput
                  label="Description"
                  placeholder="For your colleagues: why this matters"
                  value={draft.description}
                  onChange={(event) => edit({ description: event.currentTarget.value })}
                  maxLength={2000}
                />
                <RuleTextEditor
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
                    <Sentence text={check.sentence} fz={16} />
                  </Paper>
                )}
                {rule && <RulePromql rule={rule} />}
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 4 }}>
              <RuleCount check={check} kind={draft.subject_kind} />
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
        check={check}
        kind={draft.subject_kind}
        already={status === 'active'}
      />
    </>
  );
}
