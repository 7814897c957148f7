import { Button, Tooltip } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { startDemo, stopDemo } from '~/api/generated';
import * as read from '~/api/queries';
import { notifyDone, notifyFailed } from '~/components/notify';

/** Starts and stops the simulated customers; absent where this installation has none. */
export function DemoButton({ prominent = false }: { prominent?: boolean }) {
  const queries = useQueryClient();
  const { data } = useQuery(read.demo);
  const running = data?.running ?? false;
  const wanted = useRef(false); // started here, and not stopped here since
  useEffect(() => {
    if (!wanted.current || running) return;
    wanted.current = false;
    notifyFailed(
      'The demo traffic stopped by itself',
      new Error('Its last lines are in the server’s log. Start it again once the cause is gone.'),
    );
  }, [running]);
  const change = useMutation({
    mutationFn: async () => {
      wanted.current = false;
      await (running ? stopDemo({ throwOnError: true }) : startDemo({ throwOnError: true }));
    },
    onSuccess: async () => {
      notifyDone(
        running
          ? 'Demo traffic stopped.'
          : 'Demo traffic started: a few hundred simulated customers call an example API.',
      );
      await queries.invalidateQueries();
      wanted.current = !running;
    },
    onError: (error) => notifyFailed('The demo traffic could not be changed', error),
  });
  if (!data?.available) return null;
  if (!prominent && !running) return null;
  return (
    <Tooltip label="A small example API with simulated customers, ready rules and their emails">
      <Button
        variant={running ? 'default' : 'light'}
        leftSection={running ? <IconPlayerStop size={16} /> : <IconPlayerPlay size={16} />}
        loading={change.isPending}
        onClick={() => change.mutate()}
      >
        {running ? 'Stop demo traffic' : 'Start demo traffic'}
      </Button>
    </Tooltip>
  );
}
