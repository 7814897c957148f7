import { Button, Grid, Group, Modal, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import type { Problem, WorkflowOut } from '~/api/generated';
import { ApiError, isConflict } from '~/api/errors';
import { ConflictNotice } from '~/components/ConflictNotice';
import { notifyDone, notifyFailed } from '~/components/notify';
import { PageHeader } from '~/components/PageHeader';
import { StatusBadge } from '~/components/StatusBadge';
import { UnsavedGuard } from '~/components/UnsavedGuard';
import { Enrollments } from '~/features/workflows/Enrollments';
import { PublishNotes } from '~/features/workflows/PublishNotes';
import { StepList } from '~/features/workflows/StepList';
import { TriggerForm } from '~/features/workflows/TriggerForm';
import { useWorkflowDraft } from '~/features/workflows/useWorkflowDraft';
import { WorkflowMenu } from '~/features/workflows/WorkflowMenu';
import { WorkflowSide } from '~/features/workflows/WorkflowSide';
import { count } from '~/format';

const route = getRouteApi('/workflows/$id');

function problemsOf(error: unknown, workflow: WorkflowOut | null, changed: boolean): Problem[] {
  if (error instanceof ApiError && Array.isArray(error.details['problems'])) {
    return error.details['problems'] as Problem[];
  }
  return changed ? [] : (workflow?.problems ?? []);
}

/** A workflow as a form: what starts it, and its steps; `workflow` is null for a new one. */
export function WorkflowEditor({ workflow }: { workflow: WorkflowOut | null }) {
  const { tab = 'steps', rule } = route.useSearch();
  const navigate = route.useNavigate();
  const start = rule === undefined ? {} : { trigger: { kind: 'enters' as const, rule_id: rule } };
  const { base, draft, edit, define, changed, save, reload } = useWorkflowDraft(workflow, start);
  const { name, definition } = draft;
  const [dialog, { open, close }] = useDisclosure();
  const status = workflow?.status ?? 'draft';
  const problems = problemsOf(save.error, base, changed);
  const publishable = name.trim() !== '' && (changed || base?.changed === true || status === 'draft');
  const store = (publish: boolean) =>
    save.mutate(publish, {
      onSuccess: (saved) =>
        notifyDone(publish ? `“${saved.name}” is published.` : `“${saved.name}” is saved.`),
      onError: (error) => {
        if (!isConflict(error) || base === null) notifyFailed(publish ? 'Not published' : 'Not saved', error);
      },
      onSettled: (saved) => {
        close();
        if (base === null && saved) {
          void navigate({
            to: '/workflows/$id',
            params: { id: String(saved.id) },
            replace: true,
            ignoreBlocker: true,
          });
        }
      },
    });

  return (
    <>
      <UnsavedGuard changed={changed} />
      <PageHeader
        title={base?.name ?? 'New workflow'}
        badge={<StatusBadge status={status} />}
        actions={
          <>
            {workflow && <WorkflowMenu workflow={workflow} />}
            <Button
              variant="default"
              disabled={!changed || name.trim() === ''}
              loading={save.isPending && !dialog}
              onClick={() => store(false)}
            >
              Save draft
            </Button>
            <Button disabled={!publishable || (problems.length > 0 && !changed)} onClick={open}>
              Publish…
            </Button>
          </>
        }
      />
      {base !== null && isConflict(save.error) && (
        <ConflictNotice noun="workflow" onReload={() => void reload()} />
      )}
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            search: (before) => ({ ...before, tab: next === 'people' ? 'people' : undefined }),
            replace: true,
          })
        }
      >
        {workflow && (
          <Tabs.List mb="lg">
            <Tabs.Tab value="steps">Steps</Tabs.Tab>
            <Tabs.Tab value="people">People inside · {count(workflow.stats.active)}</Tabs.Tab>
          </Tabs.List>
        )}
        <Tabs.Panel value="steps" tabIndex={-1}>
          <Grid gap="lg">
            <Grid.Col span={{ base: 12, md: 8 }}>
              <Stack gap={0}>
                <TextInput
                  label="Name"
                  placeholder="Help with client errors"
                  value={name}
                  onChange={(event) => edit({ name: event.currentTarget.value })}
                  maxLength={200}
                  required
                  mb="md"
                />
                <TriggerForm
                  definition={definition}
                  onChange={(change) => define((before) => ({ ...before, ...change }))}
                  problems={problems.filter(({ step_id }) => step_id === null).map(({ message }) => message)}
                />
                <StepList
                  steps={definition.steps}
                  onChange={(change) => define((before) => ({ ...before, steps: change(before.steps) }))}
                  problems={problems}
                />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 4 }}>
              <WorkflowSide workflow={workflow} definition={definition} />
            </Grid.Col>
          </Grid>
        </Tabs.Panel>
        {workflow && (
          <Tabs.Panel value="people" tabIndex={-1}>
            <Enrollments workflow={workflow} />
          </Tabs.Panel>
        )}
      </Tabs>
      <Modal opened={dialog} onClose={close} title={`Publish “${name}”?`}>
        <PublishNotes definition={definition} workflow={workflow} />
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            Keep editing
          </Button>
          <Button loading={save.isPending} onClick={() => store(true)} data-autofocus>
            Publish
          </Button>
        </Group>
        {problems.length > 0 && <Text c="dimmed">It has problems that are named at the steps.</Text>}
      </Modal>
    </>
  );
}
