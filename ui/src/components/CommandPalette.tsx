import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import {
  IconFilter,
  IconMail,
  IconMathFunction,
  IconPlus,
  IconRoute,
  IconSearch,
  IconUser,
} from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import * as read from '~/api/queries';
import { SCREENS } from '~/components/navigation';

const LIMIT = 6;

/** People are found a moment after typing, when Spotlight has made its choice among nothing: Enter takes the first. */
function takeFirst(): void {
  if (document.querySelector('[data-action][data-selected]')) return;
  document.querySelector<HTMLElement>('[data-action]')?.click();
}

/** Ctrl+K: go to a screen, a rule, a computed trait, a workflow, an email or a person, or start something new. */
export function CommandPalette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [opened, setOpened] = useState(false);
  const [search] = useDebouncedValue(query.trim(), 200);
  const when = { enabled: opened };
  const rules = useQuery({ ...read.rules, ...when });
  const computed = useQuery({ ...read.computedTraits, ...when });
  const workflows = useQuery({ ...read.workflows, ...when });
  const templates = useQuery({ ...read.templates, ...when });
  const people = useInfiniteQuery({
    ...read.people('user', { search }),
    enabled: opened && search.length > 0,
    placeholderData: keepPreviousData,
  });

  const go = (to: string) => () => void navigate({ to });
  const screens: SpotlightActionData[] = SCREENS.map(({ to, label, icon: Icon, about }) => ({
    id: `screen ${to}`,
    label,
    description: about,
    leftSection: <Icon size={20} stroke={1.6} />,
    onClick: go(to),
  }));
  const create: SpotlightActionData[] = [
    { id: 'new rule', label: 'New rule', onClick: go('/rules/new') },
    { id: 'new computed trait', label: 'New computed trait', onClick: go('/computed-traits/new') },
    { id: 'new workflow', label: 'New workflow', onClick: go('/workflows/new') },
    { id: 'new email', label: 'New email', onClick: go('/emails/new') },
  ].map((action) => ({ ...action, leftSection: <IconPlus size={20} stroke={1.6} /> }));
  const named = (items: { id: number; name: string }[], path: string, Icon: typeof IconRoute) =>
    items.map(({ id, name }) => ({
      id: `${path} ${id}`,
      label: name,
      leftSection: <Icon size={20} stroke={1.6} />,
      onClick: go(`${path}/${id}`),
    }));
  const found: SpotlightActionData[] =
    search === ''
      ? []
      : (people.data?.pages[0]?.items ?? []).slice(0, LIMIT).map((person) => ({
          id: `user ${person.id}`,
          label: person.name ?? person.email ?? person.id,
          description: person.id,
          keywords: [search, person.email ?? '', person.id],
          leftSection: <IconUser size={20} stroke={1.6} />,
          onClick: () => void navigate({ to: '/users/$id', params: { id: person.id } }),
        }));
  const groups: SpotlightActionGroupData[] = [
    { group: 'People', actions: found },
    { group: 'Screens', actions: screens },
    { group: 'Rules', actions: named(rules.data?.items ?? [], '/rules', IconFilter) },
    {
      group: 'Computed traits',
      actions: named(computed.data?.items ?? [], '/computed-traits', IconMathFunction),
    },
    { group: 'Workflows', actions: named(workflows.data?.items ?? [], '/workflows', IconRoute) },
    { group: 'Emails', actions: named(templates.data?.items ?? [], '/emails', IconMail) },
    { group: 'Create', actions: create },
  ].filter(({ actions }) => actions.length > 0);

  return (
    <Spotlight
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpened(true)}
      onSpotlightClose={() => setOpened(false)}
      shortcut="mod + K"
      tagsToIgnore={[]}
      triggerOnContentEditable
      nothingFound="Nothing has that name. Try a screen, a rule, an email or a person."
      highlightQuery
      attributes={{ content: { 'aria-label': 'Search and go' } }}
      scrollable
      maxHeight={440}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Results' } }}
      searchProps={{
        leftSection: <IconSearch size={20} />,
        placeholder: 'Go to a screen, a rule, a person …',
        'aria-label': 'Search and go',
        onKeyDown: (event) => event.key === 'Enter' && takeFirst(),
      }}
    />
  );
}
