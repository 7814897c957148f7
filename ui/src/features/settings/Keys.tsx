import { Badge, Button, Code, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type KeyOut, deleteKey } from '~/api/generated';
import * as read from '~/api/queries';
import { askFirst } from '~/components/confirm';
import { EmptyState } from '~/components/EmptyState';
import { Loaded } from '~/components/Loaded';
import { notifyDone, notifyFailed } from '~/components/notify';
import { Time } from '~/components/Time';
import { NewKey } from '~/features/settings/NewKey';

/** Keys of clients and servers; a key's secret is seen once, when it is made. */
export function Keys() {
  const query = useQuery(read.keys);
  const [opened, { open, close }] = useDisclosure();
  return (
    <Stack>
      <Group justify="space-between">
        <Text c="dimmed" maw={560}>
          A write key may send events and nothing else. A server key may also ask for messages. An admin token
          may do everything that this page can.
        </Text>
        <Button leftSection={<IconPlus size={16} />} onClick={open}>
          New key
        </Button>
      </Group>
      <NewKey opened={opened} onClose={close} />
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={<IconKey size={26} />} title="No keys">
              Create a write key to send events from your API.
            </EmptyState>
          ) : (
            <Paper p={0}>
              <KeyTable keys={items} />
            </Paper>
          )
        }
      </Loaded>
    </Stack>
  );
}

const COLORS: Record<KeyOut['kind'], string> = { write: 'petrol', server: 'violet', admin: 'red' };

function KeyTable({ keys }: { keys: KeyOut[] }) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: (key: KeyOut) => deleteKey({ path: { key_id: key.id }, throwOnError: true }),
    onSuccess: async (_, key) => {
      notifyDone(`“${key.name}” no longer works.`);
      await queries.invalidateQueries({ queryKey: read.keys.queryKey });
    },
    onError: (error) => notifyFailed('The key was not revoked', error),
  });
  const ask = (key: KeyOut) =>
    askFirst({
      title: `Revoke “${key.name}”?`,
      body: 'It stops working at once, and whatever uses it is refused. This cannot be undone.',
      action: 'Revoke the key',
      onConfirm: () => revoke.mutate(key),
    });
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th>Begins with</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th>Created</Table.Th>
            <Table.Th>Action</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td fw={550}>{key.name}</Table.Td>
              <Table.Td>
                <Badge color={COLORS[key.kind]}>{key.kind}</Badge>
              </Table.Td>
              <Table.Td>
                <Code>{key.prefix}…</Code>
              </Table.Td>
              <Table.Td>
                {key.used_at === null ? <Text c="dimmed">never</Text> : <Time at={key.used_at} />}
              </Table.Td>
              <Table.Td>
                <Time at={key.created_at} />
              </Table.Td>
              <Table.Td>
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="red"
                  onClick={() => ask(key)}
                  aria-label={`Revoke ${key.name}`}
                >
                  Revoke
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
