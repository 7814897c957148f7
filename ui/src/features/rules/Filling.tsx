import { Badge, Button, Group, Paper, Progress, Stack, Text, Tooltip } from '@mantine/core';
import type { RuleOut } from '~/api/generated';
import { askSwitchOff } from '~/features/rules/askSwitchOff';
import { clockTime, count } from '~/format';

const WORDS = { counting: 'counting the past', judging: 'looking at everybody' };
const MORE = {
  counting: 'What its conditions need is counted over the stored history.',
  judging: 'The past is counted. Who matches it is now found out, one after the other.',
};

/** A rule that was switched on or changed, and is not in force yet. */
const isFilling = ({ status, filled }: RuleOut): boolean => status === 'active' && !filled;

function share({ filling }: RuleOut): number | null {
  return filling && filling.total > 0 ? Math.floor((100 * filling.done) / filling.total) : null;
}

/** Why a rule's past cannot be read, and when it is tried again; null when it can. */
function trouble({ filling }: RuleOut): string | null {
  if (!filling?.error) return null;
  const again = filling.retry_at === null ? '' : ` It is tried again at ${clockTime(filling.retry_at)}.`;
  return `${filling.error}${again} All other rules go on.`;
}

/** In a list: how far a rule is on its way into force. */
export function FillingBadge({ rule }: { rule: RuleOut }) {
  if (!isFilling(rule)) return null;
  const wrong = trouble(rule);
  if (wrong !== null) {
    return (
      <Tooltip multiline maw={420} label={wrong}>
        <Badge color="red">cannot read the past</Badge>
      </Tooltip>
    );
  }
  const percent = share(rule);
  const words = rule.filling ? WORDS[rule.filling.phase] : 'about to start';
  return <Badge color="petrol">{percent === null ? words : `${words} ${percent}%`}</Badge>;
}

/** Above an editor: the same with a bar, and the way to call it off. */
export function FillingNotice({ rule, onCancel }: { rule: RuleOut; onCancel: () => void }) {
  if (!isFilling(rule)) return null;
  const { filling } = rule;
  const percent = share(rule);
  const wrong = trouble(rule);
  return (
    <Paper component="section" aria-label="On its way into force" mb="lg">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Stack gap={2} style={{ flex: '1 1 260px' }}>
          <Text fw={600}>
            Not in force yet:{' '}
            {wrong !== null ? 'the past cannot be read' : filling ? WORDS[filling.phase] : 'about to start'}
            {wrong === null && percent !== null && `, ${percent}%`}
          </Text>
          <Text size="xs" c="dimmed">
            {wrong ?? (filling && MORE[filling.phase])} Nobody enters or leaves before all of it is done.
          </Text>
        </Stack>
        <Button variant="default" size="xs" onClick={() => askSwitchOff(onCancel)}>
          Cancel…
        </Button>
      </Group>
      {wrong === null && (
        <Progress
          value={percent ?? 100}
          animated={percent === null}
          striped={percent === null}
          mt="sm"
          aria-label={filling ? `${count(filling.done)} of ${count(filling.total)}` : 'About to start'}
        />
      )}
    </Paper>
  );
}
