import { Button, Group, Modal, Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { RuleOut } from '~/api/generated';
import type { RuleCheck } from '~/features/rules/useRuleCheck';
import { plural } from '~/format';

interface SwitchOnDialogProps {
  opened: boolean;
  onClose: () => void;
  onConfirm: (messageMembers: boolean) => void;
  busy: boolean;
  check: RuleCheck;
  kind: RuleOut['subject_kind'];
  already: boolean; // the rule is in force; this is a change of it
}

/** Says how many match before a rule, or a change of it, comes into force; the button carries the number. */
export function SwitchOnDialog({
  opened,
  onClose,
  onConfirm,
  busy,
  check,
  kind,
  already,
}: SwitchOnDialogProps) {
  const { preview, stale } = check;
  const [choice, setChoice] = useState('count');
  const who = preview ? plural(preview.total, kind, kind === 'user' ? 'users' : 'companies') : '…';
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={already ? 'Put this change in force?' : 'Switch this rule on?'}
    >
      <Stack gap="sm" className={stale ? 'stale' : undefined}>
        <Text>
          <Text span fw={650}>
            {who}
          </Text>{' '}
          {preview?.total === 1 ? 'matches' : 'match'} right now.
        </Text>
        {already ? (
          <Text c="dimmed">
            They become members at once and are counted, but nobody is messaged for what was true before. Who
            enters from then on starts the workflows that hang on this rule.
          </Text>
        ) : (
          <Radio.Group
            label="Those who match already"
            description="Who enters from then on starts the workflows that hang on this rule, either way."
            value={choice}
            onChange={setChoice}
          >
            <Stack gap={6} mt="xs">
              <Radio value="count" label="are counted, and not messaged" />
              <Radio value="message" label={`start its workflows now, as if they entered: ${who}`} />
            </Stack>
          </Radio.Group>
        )}
      </Stack>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Keep editing
        </Button>
        <Button
          onClick={() => onConfirm(choice === 'message')}
          loading={busy}
          disabled={stale}
          data-autofocus
        >
          {already ? `Apply to ${who}` : `Switch on for ${who}`}
        </Button>
      </Group>
    </Modal>
  );
}
