import { Badge, Group, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { IconMathFunction, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ComputedTraitOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { Time } from '~/components/Time';
import { FORMULAS } from '~/features/computed/examples';
import classes from '~/features/rules/RulesScreen.module.css';

export function ComputedTraitsScreen() {
  const query = useQuery(read.computedTraits);
  return (
    <>
      <PageHeader
        title="Computed traits"
        description="Scores, counts, shares and dates made of what people do, kept up to date on every profile."
        actions={
          <LinkButton to="/computed-traits/$id" params={{ id: 'new' }} leftSection={<IconPlus size={16} />}>
            New computed trait
          </LinkButton>
        }
      />
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <NoTraits />
          ) : (
            <Paper p={0}>
              <TraitTable traits={items} />
            </Paper>
          )
        }
      </Loaded>
    </>
  );
}

function TraitTable({ traits }: { traits: ComputedTraitOut[] }) {
  return (
    <Table.ScrollContainer minWidth={680}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Trait</Table.Th>
            <Table.Th>Formula</Table.Th>
            <Table.Th>Of</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {traits.map(({ id, name, description, text, subject_kind, filled, updated_at }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <RowLink to="/computed-traits/$id" params={{ id: String(id) }}>
                    {name}
                  </RowLink>
                  {!filled && <Badge color="petrol">computing</Badge>}
                </Group>
                <Text size="xs" c="dimmed">
                  {description}
                </Text>
              </Table.Td>
              <Table.Td>
                <Text ff="monospace" fz={12.5} style={{ overflowWrap: 'anywhere' }}>
                  {text}
                </Text>
              </Table.Td>
              <Table.Td>{subject_kind === 'user' ? 'users' : 'companies'}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={updated_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function NoTraits() {
  return (
    <Stack gap="lg">
      <EmptyState icon={<IconMathFunction size={26} />} title="Compute your first trait">
        A formula over what somebody did and what is known of them becomes a trait of every profile: for
        rules, for emails, for your eyes. Start from one of these; it opens with the values that people have
        right now.
      </EmptyState>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {FORMULAS.map(({ key, title, about, text }) => (
          <Paper
            key={key}
            component={Link}
            to={`/computed-traits/new?example=${key}`}
            className={classes.example}
            aria-label={`Start from the example: ${title}`}
          >
            <Title order={3}>{title}</Title>
            <Text c="dimmed">{about}</Text>
            <Text ff="monospace" fz={12.5} className={classes.text}>
              {text}
            </Text>
          </Paper>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
