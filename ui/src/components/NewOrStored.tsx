import { type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';

interface NewOrStoredProps<T, K extends QueryKey> {
  id: string; // of the address: a number, or `new`
  fresh: ReactNode;
  one: (id: number) => UseQueryOptions<T, Error, T, K>;
  children: (stored: T) => ReactNode;
}

/** An editor's screen: empty under `/new`, else with what is stored under the number in the address. */
export function NewOrStored<T, K extends QueryKey>({ id, fresh, ...stored }: NewOrStoredProps<T, K>) {
  if (id === 'new') return fresh;
  return /^\d+$/.test(id) ? <Stored key={id} id={Number(id)} {...stored} /> : <NotFound />;
}

type StoredProps<T, K extends QueryKey> = Omit<NewOrStoredProps<T, K>, 'id' | 'fresh'> & { id: number };

function Stored<T, K extends QueryKey>({ id, one, children }: StoredProps<T, K>) {
  const query = useQuery(one(id));
  return <Loaded query={query}>{children}</Loaded>;
}
