import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { SearchInput } from '~/components/SearchInput';

interface SearchedListProps<T> {
  items: T[];
  search: string | undefined;
  onSearch: (search: string | undefined) => void;
  label: string;
  /** What is searched of an item. */
  textOf: (item: T) => string;
  none: string;
  beside?: ReactNode;
  children: (shown: T[]) => ReactNode;
}

/** A list that can be searched, here and by the address; says so when nothing is found. */
export function SearchedList<T>({
  items,
  search,
  onSearch,
  label,
  textOf,
  none,
  beside,
  children,
}: SearchedListProps<T>) {
  const wanted = search?.toLowerCase() ?? '';
  const shown = items.filter((item) => textOf(item).toLowerCase().includes(wanted));
  return (
    <Stack>
      <Group>
        <SearchInput
          label={label}
          value={search}
          onSearch={onSearch}
          maw={360}
          style={{ flex: '1 1 240px' }}
        />
        {beside}
      </Group>
      {shown.length === 0 ? <Text c="dimmed">{none}</Text> : children(shown)}
    </Stack>
  );
}
