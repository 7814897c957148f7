import { Button, Group, Modal, Stack, TagsInput, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconSend } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { messageOf } from '~/api/errors';
import { type TemplateContent, testSendTemplate } from '~/api/generated';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import { StatusBadge } from '~/components/StatusBadge';

interface TestSendProps {
  content: TemplateContent;
  user: string | null;
  disabled: boolean;
}

/** Sends what is in the editor to a few addresses, out of the statistics. */
export function TestSend({ content, user, disabled }: TestSendProps) {
  const queries = useQueryClient();
  const session = useQuery(read.session);
  const [opened, { open, close }] = useDisclosure();
  const [chosen, setChosen] = useState<string[] | null>(null);
  const own = session.data?.account?.email;
  const to = chosen ?? (own ? [own] : []);
  const send = useMutation({
    mutationFn: () => body(testSendTemplate({ body: { content, to, user_id: user }, throwOnError: true })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['inbox'] }),
  });
  const start = () => {
    send.reset();
    open();
  };
  return (
    <>
      <Button variant="default" leftSection={<IconSend size={16} />} disabled={disabled} onClick={start}>
        Send test
      </Button>
      <Modal opened={opened} onClose={close} title="Send a test">
        <Stack>
          <TagsInput
            label="To"
            description="Up to five addresses. Test mails count nowhere."
            value={to}
            onChange={setChosen}
            maxTags={5}
            splitChars={[',', ' ', ';']}
            acceptValueOnBlur
            data-autofocus
          />
          {session.data?.workspace.sandbox && (
            <Text c="dimmed">
              In the sandbox it lands in the <TextLink to="/inbox">Inbox</TextLink>.
            </Text>
          )}
          <div role="status">
            {send.data?.items.map(({ recipient, outcome, detail }) => (
              <Group key={recipient} gap="xs">
                <StatusBadge status={outcome} />
                <Text>{recipient}</Text>
                <Text c="dimmed" size="xs">
                  {detail}
                </Text>
              </Group>
            ))}
            {send.isError && <Text c="red">{messageOf(send.error)}</Text>}
          </div>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Close
            </Button>
            <Button loading={send.isPending} disabled={to.length === 0} onClick={() => send.mutate()}>
              Send test
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
