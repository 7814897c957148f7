import { Badge, Tooltip } from '@mantine/core';
import { clockTime } from '~/format';

/** A computed trait that not everybody has a value of yet: it is being computed, or its past cannot be read. */
export function ComputingBadge({ error, retryAt }: { error: string | null; retryAt: number | null }) {
  if (error === null) return <Badge color="petrol">computing for everybody</Badge>;
  const again = retryAt === null ? '' : ` It is tried again at ${clockTime(retryAt)}.`;
  return (
    <Tooltip
      multiline
      maw={420}
      label={`${error}${again} All other traits go on.`}
      events={{ hover: true, focus: true, touch: true }}
    >
      <Badge color="red" tabIndex={0}>
        cannot read the past
      </Badge>
    </Tooltip>
  );
}
