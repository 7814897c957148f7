import { Table, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { RuleOut } from '~/api/generated';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
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
        Nobody is in a rule that is not switched on. The count beside its text says who would be.
      </Text>
    );
  }
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const members = pages.flatMap(({ items }) => items);
        if (members.length === 0) {
          return (
            <Text c="dimmed">
              {rule.filled
                ? `Nobody is in this rule now. ${kind === 'user' ? 'Users' : 'Companies'} appear here the moment they match, and go when they no longer do.`
                : 'Nobody enters before everybody has been looked at. Then they appear here.'}
            </Text>
          );
        }
        return (
          <>
            <ListTable
              heads={[kind === 'user' ? 'User' : 'Company', 'Since', { right: 'Times so far' }, 'Reason']}
            >
              {members.map(({ id, name, email, since, episode }) => (
                <Table.Tr key={id}>
                  <Table.Td>
                    <PersonCell id={id} name={name} email={email} kind={kind} />
                  </Table.Td>
                  <Table.Td>
                    <Time at={since} />
                  </Table.Td>
                  <Table.Td ta="right" data-label="times so far">
                    {episode}
                  </Table.Td>
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
            </ListTable>
            <MoreRows query={query} shown={members.length} total={pages[0]?.total} noun="member" />
          </>
        );
      }}
    </Loaded>
  );
}
