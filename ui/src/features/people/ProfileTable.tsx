import { Badge, Group, Table, Text } from '@mantine/core';
import type { ProfileOut } from '~/api/generated';
import type { Kind } from '~/api/queries';
import { PersonCell } from '~/components/PersonCell';
import { Time } from '~/components/Time';
import { traitColumns } from '~/features/people/traits';
import { valueText } from '~/format';

export function ProfileTable({ kind, profiles }: { kind: Kind; profiles: ProfileOut[] }) {
  const columns = traitColumns(profiles);
  return (
    <Table.ScrollContainer minWidth={520 + columns.length * 110}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{kind === 'user' ? 'User' : 'Company'}</Table.Th>
            {kind === 'user' && <Table.Th>Company</Table.Th>}
            {columns.map((trait) => (
              <Table.Th key={trait}>{trait}</Table.Th>
            ))}
            <Table.Th>First seen</Table.Th>
            <Table.Th>Last seen</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {profiles.map((profile) => (
            <Table.Tr key={`${profile.kind} ${profile.id}`}>
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  <PersonCell id={profile.id} name={profile.name} email={profile.email} kind={kind} />
                  {profile.kind === 'anonymous' && <Badge color="gray">anonymous</Badge>}
                </Group>
              </Table.Td>
              {kind === 'user' && (
                <Table.Td>
                  {profile.company_id ? (
                    <PersonCell
                      id={profile.company_id}
                      name={typeof profile.traits['company'] === 'string' ? profile.traits['company'] : null}
                      kind="company"
                    />
                  ) : (
                    <Text c="dimmed">–</Text>
                  )}
                </Table.Td>
              )}
              {columns.map((trait) => (
                <Table.Td key={trait} maw={200}>
                  <Text truncate>{valueText(profile.traits[trait])}</Text>
                </Table.Td>
              ))}
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={profile.first_seen} />
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={profile.last_seen} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
