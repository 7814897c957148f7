import { Button, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RuleOut, RulePreview } from '~/api/generated';
import type { TextCheck } from '~/features/writing/useTextCheck';
import { kindCount, kindNouns } from '~/format';

interface SwitchOnDialogProps {
  opened: boolean;
  onClose: () => void;
  onConfirm: (messageMembers: boolean) => void;
  busy: boolean;
  name: string;
  check: TextCheck<RulePreview>;
  kind: RuleOut['subject_kind'];
  already: boolean; // the rule is in force; this is a change of it
}

/** So many at once are messaged only when the rule's name is typed. */
const MANY = 1_000;

/** Says how many match before a rule, or a change of it, comes into force; the button carries the number. */
export function SwitchOnDialog({ opened, onClose, already, ...asked }: SwitchOnDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size={520}
      title={already ? 'Put this change in force?' : 'Switch this rule on?'}
    >
      <Choice already={already} onClose={onClose} {...asked} />
    </Modal>
  );
}

/** Forgotten when the dialog closes, so that it opens with the quiet choice each time. */
function Choice({
  onClose,
  onConfirm,
  busy,
  name,
  check,
  kind,
  already,
}: Omit<SwitchOnDialogProps, 'opened'>) {
  const { preview, stale } = check;
  const [choice, setChoice] = useState('count');
  const [typed, setTyped] = useState('');
  const total = preview?.total;
  const who = total === undefined ? '…' : kindCount(total, kind);
  const messaging = choice === 'message' && !already && total !== 0;
  const typing = messaging && total !== undefined && total >= MANY;
  const held = stale || (typing && typed.trim() !== name);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!held && !busy) onConfirm(messaging);
      }}
    >
      <Stack gap="sm" className={stale ? 'stale' : undefined}>
        {total === 0 ? (
          <Text>
            No {kindNouns(kind)} match right now. Who does from then on becomes a member the moment it is
            true, and starts the workflows that hang on this rule.{already && ' Who is in it now leaves it.'}
          </Text>
        ) : (
          <Text>
            <Text span fw={650}>
              {who}
            </Text>{' '}
            {total === 1 ? 'matches' : 'match'} right now.
          </Text>
        )}
        {total !== 0 && already && (
          <Text c="dimmed">
            They become members at once and are counted, but nobody is messaged for what was true before. Who
            enters from then on starts the workflows that hang on this rule. Members who no longer match leave
            it.
          </Text>
        )}
        {total !== 0 && !already && (
          <Radio.Group
            label="Those who match already"
            description="Who enters later starts the workflows that hang on this rule, either way."
            value={choice}
            onChange={setChoice}
          >
            <Stack gap="xs" mt="xs">
              <Radio
                value="count"
                label="Count them"
                description="They become members. No message is sent."
              />
              <Radio
                value="message"
                label="Message them too"
                description={`The workflows start for all ${who}, as if they entered now.`}
              />
            </Stack>
          </Radio.Group>
        )}
        {typing && (
          <TextInput
            label="The rule’s name, to be sure"
            placeholder={name}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Stack>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Keep editing
        </Button>
        <Button type="submit" loading={busy} disabled={held} data-autofocus>
          {action({ already, messaging, total, who })}
        </Button>
      </Group>
    </form>
  );
}

interface Action {
  already: boolean;
  messaging: boolean;
  total: number | undefined;
  who: string;
}

function action({ already, messaging, total, who }: Action): string {
  if (already) return total === 0 ? 'Apply' : `Apply to ${who}`;
  if (messaging) return `Switch on and message ${who}`;
  return total === 0 ? 'Switch on' : `Switch on for ${who}`;
}
