import { Accordion, List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RuleOut } from '~/api/generated';
import * as read from '~/api/queries';
import { Snippet } from '~/components/CopyText';
import { Loaded } from '~/components/Loaded';

/** The saved rule as PromQL, or why it has none. */
export function RulePromql({ rule }: { rule: RuleOut }) {
  const query = useQuery(read.rulePromql(rule.id, rule.revision));
  return (
    <Accordion variant="contained">
      <Accordion.Item value="promql">
        <Accordion.Control>As PromQL</Accordion.Control>
        <Accordion.Panel>
          <Loaded query={query} rows={1}>
            {({ expression, reason, notes }) =>
              expression === null ? (
                <Text>{reason}</Text>
              ) : (
                <Stack gap="sm">
                  <Snippet code={expression} label="PromQL" />
                  <List size="sm">
                    {notes.map((note) => (
                      <List.Item key={note}>{note}</List.Item>
                    ))}
                  </List>
                </Stack>
              )
            }
          </Loaded>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
