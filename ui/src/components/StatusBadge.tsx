import { Badge, Tooltip } from '@mantine/core';

const LOOKS: Record<string, { color: string; hint: string }> = {
  draft: { color: 'gray', hint: 'Not in force yet' },
  active: { color: 'green', hint: 'In force' },
  published: { color: 'green', hint: 'In use' },
  paused: { color: 'amber', hint: 'Nobody enters; people inside wait' },
  archived: { color: 'gray', hint: 'Out of use' },
  queued: { color: 'petrol', hint: 'Waiting to be sent' },
  claimed: { color: 'petrol', hint: 'Being sent' },
  at_data: { color: 'petrol', hint: 'Being handed to the provider' },
  sent: { color: 'green', hint: 'The provider accepted it' },
  deferred: { color: 'amber', hint: 'The provider asked to try again later' },
  failed: { color: 'red', hint: 'It will not be tried again' },
  suppressed: { color: 'gray', hint: 'Held back: unsubscribed, no address, or another stored reason' },
  uncertain: { color: 'violet', hint: 'The connection broke after the handover: it may have arrived' },
  inside: { color: 'petrol', hint: 'On the way through the steps' },
  completed: { color: 'green', hint: 'Went through every step' },
  exited: { color: 'gray', hint: 'Left before the last step' },
};

export const MESSAGE_STATUSES = ['queued', 'sent', 'deferred', 'failed', 'suppressed', 'uncertain'] as const;

export function StatusBadge({ status }: { status: string }) {
  const look = LOOKS[status] ?? { color: 'gray', hint: status };
  return (
    <Tooltip label={look.hint}>
      <Badge color={look.color} style={{ flexShrink: 0 }}>
        {status.replace('_', ' ')}
      </Badge>
    </Tooltip>
  );
}
