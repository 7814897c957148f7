import { ActionIcon, Menu } from '@mantine/core';
import { IconArchive, IconDots, IconPlayerPause, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type RuleOut, deleteRule } from '~/api/generated';
import { askFirst } from '~/components/confirm';
import { notifyDone, notifyFailed } from '~/components/notify';

interface RuleMenuProps {
  rule: RuleOut;
  onStatus: (status: RuleOut['status']) => void;
}

/** What is done with a rule rarely: switch off, archive, delete. */
export function RuleMenu({ rule, onStatus }: RuleMenuProps) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteRule({ path: { rule_id: rule.id }, throwOnError: true }),
    onSuccess: async () => {
      notifyDone(`“${rule.name}” is deleted.`);
      await navigate({ to: '/rules', ignoreBlocker: true });
      await queries.invalidateQueries({ queryKey: ['rules', 'list'] });
    },
    onError: (error) => notifyFailed('The rule was not deleted', error),
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More actions">
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {rule.status === 'active' && (
          <Menu.Item
            leftSection={<IconPlayerPause size={16} />}
            onClick={() =>
              askFirst({
                title: 'Switch this rule off?',
                body: 'Nobody enters it any more and the workflows that hang on it are not started. People already in a workflow go on.',
                action: 'Switch off',
                danger: false,
                onConfirm: () => onStatus('draft'),
              })
            }
          >
            Switch off
          </Menu.Item>
        )}
        {rule.status !== 'archived' && (
          <Menu.Item leftSection={<IconArchive size={16} />} onClick={() => onStatus('archived')}>
            Archive
          </Menu.Item>
        )}
        <Menu.Item
          color="red"
          leftSection={<IconTrash size={16} />}
          onClick={() =>
            askFirst({
              title: `Delete “${rule.name}”?`,
              body: 'This cannot be undone. A rule that a workflow uses is not deleted.',
              action: 'Delete the rule',
              onConfirm: () => remove.mutate(),
            })
          }
        >
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
