import { Badge, Button, Group, Paper, Select, Stack, TagsInput, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type SettingsOut, updateSettings } from '~/api/generated';
import { isConflict } from '~/api/errors';
import * as read from '~/api/queries';
import { ConflictNotice } from '~/components/ConflictNotice';
import { notifyDone, notifyFailed } from '~/components/notify';
import { UnsavedGuard } from '~/components/UnsavedGuard';

const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

/** Name, time zone, sender and redaction; where mail goes is shown, because configuration decides it. */
export function WorkspaceForm({ settings }: { settings: SettingsOut }) {
  const queries = useQueryClient();
  const { channel, revision } = settings;
  const form = useForm({
    initialValues: {
      workspace_name: settings.workspace_name,
      time_zone: settings.time_zone,
      sender: settings.sender,
      redact_keys: settings.redact_keys,
    },
    validate: {
      workspace_name: (value) => (value.trim() === '' ? 'Give the workspace a name.' : null),
      sender: (value) => (value.includes('@') ? null : 'An address, such as Acme <hello@acme.dev>.'),
    },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      body(updateSettings({ body: { ...values, revision }, throwOnError: true })),
    onSuccess: async (saved) => {
      notifyDone('The settings are saved.');
      queries.setQueryData(read.settings.queryKey, saved);
      await queries.invalidateQueries({ queryKey: read.session.queryKey });
    },
    onError: (error) => {
      if (!isConflict(error)) notifyFailed('The settings were not saved', error);
    },
  });
  const reload = async () => {
    save.reset();
    await queries.refetchQueries({ queryKey: read.settings.queryKey });
  };
  return (
    <Stack maw={720}>
      <UnsavedGuard changed={form.isDirty()} />
      {isConflict(save.error) && <ConflictNotice noun="page" onReload={() => void reload()} />}
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Paper>
          <Stack>
            <TextInput label="Workspace" required {...form.getInputProps('workspace_name')} />
            <Select
              label="Time zone"
              description="What “today” and “this week” mean, here and in rules."
              data={zones()}
              searchable
              allowDeselect={false}
              limit={200}
              nothingFoundMessage="No such time zone."
              {...form.getInputProps('time_zone')}
            />
            <TextInput
              label="Sender"
              description="The From line of every email."
              placeholder="Acme <hello@acme.dev>"
              required
              {...form.getInputProps('sender')}
            />
            <TagsInput
              label="Never stored"
              description="Properties and traits with these names are removed before anything is written."
              placeholder="password, card_number …"
              splitChars={[',', ' ']}
              acceptValueOnBlur
              {...form.getInputProps('redact_keys')}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
                Save settings
              </Button>
            </Group>
          </Stack>
        </Paper>
      </form>
      <Paper>
        <Group justify="space-between" mb="xs">
          <Title order={2}>Where mail goes</Title>
          <Badge color={channel.provider === 'inbox' ? 'amber' : 'green'}>
            {channel.provider === 'inbox' ? 'Sandbox' : 'SMTP'}
          </Badge>
        </Group>
        {channel.provider === 'inbox' ? (
          <Text c="dimmed">
            Into the built-in Inbox: nobody outside receives anything. To send for real, start the server with
            an SMTP host (antiphon serve --help).
          </Text>
        ) : (
          <Text c="dimmed">
            To {channel.host}
            {channel.port !== null && `, port ${channel.port}`}. This is set by the server’s configuration.
          </Text>
        )}
      </Paper>
    </Stack>
  );
}
