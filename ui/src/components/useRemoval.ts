import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { askFirst } from '~/components/confirm';
import { notifyDone, notifyFailed } from '~/components/notify';

interface Removal {
  made: { name: string };
  noun: string;
  body: string;
  remove: () => Promise<unknown>;
  list: '/rules' | '/computed-traits' | '/workflows' | '/emails'; // where one is afterwards
  queryKey: QueryKey; // what showed it
}

/** Gives what a Delete button does: ask, delete, say so, and go back to the list. */
export function useRemoval({ made, noun, body, remove, list, queryKey }: Removal): () => void {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const removal = useMutation({
    mutationFn: remove,
    onSuccess: async () => {
      notifyDone(`“${made.name}” is deleted.`);
      await navigate({ to: list, ignoreBlocker: true });
      await queries.invalidateQueries({ queryKey });
    },
    onError: (error) => notifyFailed(`The ${noun} was not deleted`, error),
  });
  return () =>
    askFirst({
      title: `Delete “${made.name}”?`,
      body,
      action: `Delete the ${noun}`,
      onConfirm: () => removal.mutate(),
    });
}
