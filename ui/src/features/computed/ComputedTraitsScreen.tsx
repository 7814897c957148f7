import { Group, Stack, Table, Text } from '@mantine/core';
import { IconMathFunction, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ComputedTraitOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchedList } from '~/components/SearchedList';
import { Time } from '~/components/Time';
import { ComputingBadge } from '~/features/computed/ComputingBadge';
import { FORMULAS } from '~/features/computed/examples';
import { Examples } from '~/features/writing/Examples';
import { kindNouns } from '~/format';

const route = getRouteApi('/computed-traits');

export function ComputedTraitsScreen() {
  const { search } = route.useSearch();
  const navigate = route.useNavigate();
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
            <SearchedList
              items={items}
              search={search}
              onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
              label="Search computed traits"
              textOf={({ name, description, text }) => `${name} ${description} ${text}`}
              none="No computed trait has that in its name, description or formula."
            >
              {(shown) => <TraitTable traits={shown} />}
            </SearchedList>
          )
        }
      </Loaded>
    </>
  );
}

function TraitTable({ traits }: { traits: ComputedTraitOut[] }) {
  return (
    <ListTable heads={['Trait', 'Formula', 'Whose', 'Changed']}>
      {traits.map(({ id, name, description, text, subject_kind, filled, error, retry_at, updated_at }) => (
        <Table.Tr key={id}>
          <Table.Td>
            <Group gap={6} wrap="nowrap">
              <RowLink to="/computed-traits/$id" params={{ id: String(id) }}>
                {name}
              </RowLink>
              {!filled && <ComputingBadge error={error} retryAt={retry_at} />}
            </Group>
            <Text size="xs" c="dimmed">
              {description}
            </Text>
          </Table.Td>
          <Table.Td data-wide>
            <Text ff="monospace" fz={12.5} style={{ overflowWrap: 'anywhere' }}>
              {text}
            </Text>
          </Table.Td>
          <Table.Td>{kindNouns(subject_kind)}</Table.Td>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>
            <Time at={updated_at} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
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
      <Examples examples={FORMULAS} path="/computed-traits/new" />
    </Stack>
  );
}
