import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUser } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import * as read from '~/api/queries';

interface UserPickerProps {
  user: string | null;
  setUser: (user: string | null) => void;
}

/** As whom the email is rendered: any real user, found by name, email or id. */
export function UserPicker({ user, setUser }: UserPickerProps) {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), 200);
  const query = useInfiniteQuery(read.people('user', search ? { search } : {}));
  const found = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const data = found.map(({ id, name, email }) => ({ value: id, label: email ?? name ?? id }));
  if (user !== null && !data.some(({ value }) => value === user)) data.unshift({ value: user, label: user });
  return (
    <Select
      label="Seen by"
      placeholder="nobody in particular"
      leftSection={<IconUser size={16} />}
      data={data}
      value={user}
      onChange={setUser}
      onSearchChange={(next) => {
        if (!data.some(({ label }) => label === next)) setTyped(next);
      }}
      filter={({ options }) => options}
      nothingFoundMessage="No user has that name, email or id."
      searchable
      clearable
      style={{ flex: '1 1 220px' }}
      maw={360}
    />
  );
}
