import { Paper, Table, Text, VisuallyHidden } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { RuleOut } from '~/api/generated';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PersonCell } from '~/components/PersonCell';
import { Time } from '~/components/Time';

/** Who is in the rule, the newest first, each with a link to why. */
export function RuleMembers({ rule }: { rule: RuleOut }) {
  const query = useInfiniteQuery(read.ruleMembers(rule.id));
  const kind = rule.subject_kind;
  if (rule.status !== 'active') {
    return (
      <Text c="dimmed">
        Nobody is in a rule that is not switched on. The count beside the text says who would be.
      </Text>
    );
  }
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const members = pages.flatMap(({ items }) => items);
        if (members.length === 0) return <Text c="dimmed">Nobody is in this rule now.</Text>;
        return (
          <>
            <Paper p={0}>
              <Table.ScrollContainer minWidth={520}>
                <Table>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{kind === 'user' ? 'User' : 'Company'}</Table.Th>
                      <Table.Th>Since</Table.Th>
                      <Table.Th ta="right">Stay</Table.Th>
                      <Table.Th>
                        <VisuallyHidden>Reason</VisuallyHidden>
                      </Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {members.map(({ id, name, email, since, episode }) => (
                      <Table.Tr key={id}>
                        <Table.Td>
                          <PersonCell id={id} name={name} email={email} kind={kind} />
                        </Table.Td>
                        <Table.Td>
                          <Time at={since} />
                        </Table.Td>
                        <Table.Td ta="right">{episode}</Table.Td>
                        <Table.Td>
                          <TextLink
                            to={kind === 'user' ? '/users/$id' : '/companies/$id'}
                            params={{ id }}
                            search={{ tab: 'why', rule: rule.id }}
                          >
                            Why
                          </TextLink>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            </Paper>
            <MoreRows query={query} shown={members.length} total={pages[0]?.total} noun="member" />
          </>
        );
      }}
    </Loaded>
  );
}
