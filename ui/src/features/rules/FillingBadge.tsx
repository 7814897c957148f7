import { Badge, Tooltip } from '@mantine/core';
import { clockTime } from '~/format';
import type { RuleOut } from '~/api/generated';

const WORDS = { counting: 'counting the past', judging: 'looking at everybody' };

/** How far a rule is that was switched on or changed and is not in force yet. */
export function FillingBadge({ filling }: { filling: RuleOut['filling'] }) {
  if (filling?.error) {
    const again = filling.retry_at === null ? '' : ` It is tried again at ${clockTime(filling.retry_at)}.`;
    return (
      <Tooltip multiline maw={420} label={`${filling.error}${again} All other rules go on.`}>
        <Badge color="red">cannot read the past</Badge>
      </Tooltip>
    );
  }
  const share = filling && filling.total > 0 ? Math.floor((100 * filling.done) / filling.total) : null;
  const words = filling ? `${WORDS[filling.phase]}${share === null ? '' : ` ${share}%`}` : 'about to start';
  return (
    <Tooltip label="Nobody enters before it is done. Switch the rule off to cancel.">
      <Badge color="petrol">{words}</Badge>
    </Tooltip>
  );
}
