import { Badge, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode } from 'react';
import type { ComputedTraitOut, Identity, Membership, ProfileOut } from '~/api/generated';
import * as read from '~/api/queries';
import { CopyIcon } from '~/components/CopyText';
import { RowLink, TextLink } from '~/components/LinkButton';
import { Time } from '~/components/Time';
import { plural, valueText } from '~/format';

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper>
      <Title order={2} mb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** The column beside a timeline: who this is, which rules hold, which other ids mean the same person. */
export function SubjectFacts({
  profile,
  memberships,
  identities = [],
}: {
  profile: ProfileOut;
  memberships: Membership[];
  identities?: Identity[];
}) {
  const { data } = useQuery(read.computedTraits);
  const computed = new Map(
    data?.items
      .filter(({ subject_kind }) => (subject_kind === 'company') === (profile.kind === 'company'))
      .map((trait) => [trait.name, trait]),
  );
  const traits = Object.entries(profile.traits).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Stack gap="md">
      <Facts title="Traits">
        {traits.length === 0 ? (
          <Text c="dimmed">None known. An identify or group call sets them.</Text>
        ) : (
          <Table verticalSpacing={6} layout="fixed">
            <Table.Tbody>
              {traits.map(([trait, value]) => (
                <Table.Tr key={trait}>
                  <Table.Td c="dimmed" valign="top" style={{ overflowWrap: 'anywhere', width: '42%' }}>
                    {breaking(trait)}
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>
                    {valueText(value)}
                    <ComputedMark trait={computed.get(trait)} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Facts>
      <Facts title="Rules">
        {memberships.length === 0 && <Text c="dimmed">Never matched a rule that is switched on.</Text>}
        <Stack gap="xs">
          {memberships.map(({ rule_id, name, member, episode, since }) => (
            <Group key={rule_id} justify="space-between" wrap="nowrap" align="flex-start">
              <Stack gap={0}>
                <RowLink to="/rules/$id" params={{ id: String(rule_id) }}>
                  {name}
                </RowLink>
                <Group gap={4}>
                  <Text size="xs" c="dimmed">
                    {member ? 'since' : 'left'}
                  </Text>
                  <Time at={since} size="xs" c="dimmed" />
                  {episode > 1 && (
                    <Text size="xs" c="dimmed">
                      · {plural(episode, 'time')}
                    </Text>
                  )}
                </Group>
              </Stack>
              <Badge color={member ? 'green' : 'gray'} style={{ flexShrink: 0 }}>
                {member ? 'in' : 'out'}
              </Badge>
            </Group>
          ))}
        </Stack>
      </Facts>
      <Facts title="Ids">
        <Stack gap="xs">
          <IdLine id={profile.id} note="id" />
          {identities.map(({ kind, id }) => (
            <IdLine key={`${kind} ${id}`} id={id} note={kind} />
          ))}
        </Stack>
      </Facts>
    </Stack>
  );
}

/** Says that nobody set this trait, and by which formula it is what it is. */
function ComputedMark({ trait }: { trait?: ComputedTraitOut }) {
  if (trait === undefined) return null;
  return (
    <Text size="xs" c="dimmed" lineClamp={2} title={trait.text}>
      <TextLink to="/computed-traits/$id" params={{ id: String(trait.id) }} size="xs">
        computed
      </TextLink>{' '}
      {trait.text}
    </Text>
  );
}

/** A name that may break after the signs that join its words. */
const breaking = (name: string): ReactNode =>
  name.split(/(?<=[_.])/).map((part, position) => (
    <Fragment key={position}>
      {part}
      <wbr />
    </Fragment>
  ));

function IdLine({ id, note }: { id: string; note: string }) {
  return (
    <Group justify="space-between" wrap="nowrap">
      <Stack gap={0} style={{ minWidth: 0 }}>
        <Text ff="monospace" fz={13} truncate title={id}>
          {id}
        </Text>
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      </Stack>
      <CopyIcon value={id} label={`Copy the id ${id}`} />
    </Group>
  );
}
