import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type WorkflowOut, deleteWorkflow, pauseWorkflow, resumeWorkflow } from '~/api/generated';
import * as read from '~/api/queries';
import { askFirst } from '~/components/confirm';
import { notifyDone, notifyFailed } from '~/components/notify';
import { useRemoval } from '~/components/useRemoval';
import { plural } from '~/format';

/** Pause and resume in one click; delete behind a menu. */
export function WorkflowMenu({ workflow }: { workflow: WorkflowOut }) {
  const queries = useQueryClient();
  const path = { workflow_id: workflow.id };
  const paused = workflow.status === 'paused';
  const change = useMutation({
    mutationFn: () =>
      body(
        paused ? resumeWorkflow({ path, throwOnError: true }) : pauseWorkflow({ path, throwOnError: true }),
      ),
    onSuccess: async (saved) => {
      queries.setQueryData(read.workflow(saved.id).queryKey, saved);
      notifyDone(paused ? 'Resumed: everybody goes on from where they stood.' : 'Paused.');
      await queries.invalidateQueries({ queryKey: ['workflows'] });
    },
    onError: (error) => notifyFailed(paused ? 'Not resumed' : 'Not paused', error),
  });
  const askToDelete = useRemoval({
    made: workflow,
    noun: 'workflow',
    body: 'A workflow that was never published is deleted for good. One that was is archived, so that its messages keep their reason.',
    remove: () => deleteWorkflow({ path, throwOnError: true }),
    list: '/workflows',
    queryKey: ['workflows', 'list'],
  });
  const inside = workflow.stats.active;
  const pause = () =>
    askFirst({
      title: 'Pause this workflow?',
      body: `Nobody enters${
        inside > 0 ? `, and ${plural(inside, 'person', 'people')} inside wait where they are` : ''
      } until it is resumed. Mail already handed over is not called back.`,
      action: 'Pause',
      danger: false,
      onConfirm: () => change.mutate(),
    });
  return (
    <>
      {(workflow.status === 'active' || paused) && (
        <Button
          variant="default"
          leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
          loading={change.isPending}
          onClick={paused ? () => change.mutate() : pause}
        >
          {paused ? 'Resume' : 'Pause'}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More actions">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={askToDelete}>
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
