import { CloseButton, Group, Paper, Select } from '@mantine/core';
import { IconBuilding, IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Kind } from '~/api/queries';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PageHeader } from '~/components/PageHeader';
import { SearchInput } from '~/components/SearchInput';
import { ProfileTable } from '~/features/people/ProfileTable';

interface Filter {
  search?: string;
  rule?: number;
}

interface PeopleProps {
  kind: Kind;
  filter: Filter;
  setFilter: (change: Filter) => void;
}

const WORDS = {
  user: {
    title: 'Users',
    one: 'user',
    many: 'users',
    about: 'Everybody who has been seen, with what is known of them.',
  },
  company: {
    title: 'Companies',
    one: 'company',
    many: 'companies',
    about: 'The accounts that your users belong to; their behaviour is that of their people.',
  },
} as const;

const usersRoute = getRouteApi('/users');
const companiesRoute = getRouteApi('/companies');

export function UsersScreen() {
  const navigate = usersRoute.useNavigate();
  const setFilter = (change: Filter) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return <People kind="user" filter={usersRoute.useSearch()} setFilter={setFilter} />;
}

export function CompaniesScreen() {
  const navigate = companiesRoute.useNavigate();
  const setFilter = (change: Filter) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return <People kind="company" filter={companiesRoute.useSearch()} setFilter={setFilter} />;
}

function People({ kind, filter, setFilter }: PeopleProps) {
  const words = WORDS[kind];
  const rules = useQuery(read.rules);
  const query = useInfiniteQuery({
    ...read.people(kind, { search: filter.search, rule_id: filter.rule }),
    refetchInterval: 10_000,
  });
  const choices = (rules.data?.items ?? [])
    .filter(({ subject_kind, status }) => subject_kind === kind && status === 'active')
    .map(({ id, name }) => ({ value: String(id), label: name }));
  return (
    <>
      <PageHeader title={words.title} description={words.about} />
      <Group mb="md" gap="sm">
        <SearchInput
          label={`Search ${words.many} by name, email or id`}
          value={filter.search}
          onSearch={(search) => setFilter({ search })}
          style={{ flex: '2 1 260px' }}
        />
        <Select
          aria-label="In the rule"
          placeholder="In any rule or none"
          data={choices}
          value={filter.rule === undefined ? null : String(filter.rule)}
          onChange={(rule) => setFilter({ rule: rule === null ? undefined : Number(rule) })}
          rightSection={
            filter.rule !== undefined && (
              <CloseButton size="sm" aria-label="Any rule" onClick={() => setFilter({ rule: undefined })} />
            )
          }
          rightSectionPointerEvents={filter.rule === undefined ? 'none' : 'all'}
          searchable
          style={{ flex: '1 1 200px' }}
        />
      </Group>
      <Loaded query={query}>
        {({ pages }) => {
          const found = pages.flatMap(({ items }) => items);
          if (found.length === 0)
            return <Nobody kind={kind} filtered={Boolean(filter.search ?? filter.rule)} />;
          return (
            <>
              <Paper p={0} className={query.isPlaceholderData ? 'stale' : undefined}>
                <ProfileTable kind={kind} profiles={found} />
              </Paper>
              <MoreRows
                query={query}
                shown={found.length}
                total={pages[0]?.total}
                noun={words.one}
                nouns={words.many}
              />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Nobody({ kind, filtered }: { kind: Kind; filtered: boolean }) {
  const words = WORDS[kind];
  const icon = kind === 'user' ? <IconUsers size={26} /> : <IconBuilding size={26} />;
  if (filtered) {
    return (
      <EmptyState icon={icon} title={`No ${words.one} matches`}>
        The search looks in names, emails and ids. Try fewer letters, or take the rule away.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={icon}
      title={`No ${words.many} yet`}
      actions={
        <LinkButton to="/" variant="light">
          Show me the code
        </LinkButton>
      }
    >
      {kind === 'user'
        ? 'A user appears with the first event that carries a user id. An identify call adds name, email and plan.'
        : 'A company appears with the first group call, or with an event that carries a company id.'}
    </EmptyState>
  );
}
