import { Alert, Button, Code, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { messageOf } from '~/api/errors';
import { type KeyCreate, createKey } from '~/api/generated';
import * as read from '~/api/queries';
import { CopyIcon } from '~/components/CopyText';

const KINDS: { value: KeyCreate['kind']; label: string; about: string }[] = [
  { value: 'write', label: 'Write key', about: 'Sends events. For the SDKs in your API.' },
  { value: 'server', label: 'Server key', about: 'Sends events and asks for messages. Keep it on a server.' },
  { value: 'admin', label: 'Admin token', about: 'Everything this page can do. For scripts and CI.' },
];

/** Makes a key and shows its secret once. Closing by accident is not possible while the secret is shown. */
export function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<KeyCreate['kind']>('write');
  const create = useMutation({
    mutationFn: () => body(createKey({ body: { name: name.trim(), kind }, throwOnError: true })),
    onSuccess: () => queries.invalidateQueries({ queryKey: read.keys.queryKey }),
  });
  const secret = create.data?.secret;
  const close = () => {
    onClose();
    create.reset();
    setName('');
    setKind('write');
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={secret ? 'Copy the key now' : 'New key'}
      closeOnClickOutside={!secret}
      closeOnEscape={!secret}
      size="lg"
    >
      {secret ? (
        <Stack>
          <Alert color="amber" icon={<IconKey size={20} />}>
            This is the only time it is shown. Only a fingerprint of it is stored.
          </Alert>
          <Group wrap="nowrap">
            <Code block style={{ flex: 1, overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} fz={14} p="sm">
              {secret}
            </Code>
            <CopyIcon value={secret} label="Copy the key" />
          </Group>
          <Group justify="flex-end">
            <Button onClick={close}>I have copied it</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            create.mutate();
          }}
        >
          <Stack>
            <TextInput
              label="Name"
              placeholder="Production API"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              maxLength={200}
              required
              data-autofocus
            />
            <Radio.Group label="Kind" value={kind} onChange={(value) => setKind(value as KeyCreate['kind'])}>
              <Stack gap="xs" mt={6}>
                {KINDS.map(({ value, label, about }) => (
                  <Radio key={value} value={value} label={label} description={about} />
                ))}
              </Stack>
            </Radio.Group>
            {create.isError && (
              <Text c="red" role="alert">
                {messageOf(create.error)}
              </Text>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending} disabled={name.trim() === ''}>
                Create the key
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
