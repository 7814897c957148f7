import { ActionIcon, Menu, Text } from '@mantine/core';
import {
  IconArchive,
  IconArchiveOff,
  IconDots,
  IconPlayerPause,
  IconRoute,
  IconTrash,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type RuleOut, deleteRule } from '~/api/generated';
import { useRemoval } from '~/components/useRemoval';
import { askSwitchOff } from '~/features/rules/askSwitchOff';

const now = (act: () => void): void => act();

interface RuleMenuProps {
  rule: RuleOut;
  onStatus: (status: RuleOut['status']) => void;
}

/** What is done with a rule rarely: use it, switch it off, archive it, delete it. */
export function RuleMenu({ rule, onStatus }: RuleMenuProps) {
  const navigate = useNavigate();
  const askToDelete = useRemoval({
    made: rule,
    noun: 'rule',
    body: 'This cannot be undone. A rule that a workflow uses is not deleted.',
    remove: () => deleteRule({ path: { rule_id: rule.id }, throwOnError: true }),
    list: '/rules',
    queryKey: ['rules', 'list'],
  });
  const active = rule.status === 'active';
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More actions">
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {active && (
          <Menu.Item
            leftSection={<IconRoute size={16} />}
            onClick={() =>
              void navigate({ to: '/workflows/$id', params: { id: 'new' }, search: { rule: rule.id } })
            }
          >
            New workflow on it
          </Menu.Item>
        )}
        {active && (
          <Menu.Item
            leftSection={<IconPlayerPause size={16} />}
            onClick={() => askSwitchOff(() => onStatus('draft'))}
          >
            Switch off
          </Menu.Item>
        )}
        {rule.status !== 'archived' && (
          <Menu.Item
            leftSection={<IconArchive size={16} />}
            onClick={() => (active ? askSwitchOff : now)(() => onStatus('archived'))}
          >
            Archive
          </Menu.Item>
        )}
        {rule.status === 'archived' && (
          <Menu.Item leftSection={<IconArchiveOff size={16} />} onClick={() => onStatus('draft')}>
            Back to the drafts
          </Menu.Item>
        )}
        <Menu.Item color="red" leftSection={<IconTrash size={16} />} disabled={active} onClick={askToDelete}>
          Delete
          {active && <Text size="xs">Switch it off first</Text>}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
