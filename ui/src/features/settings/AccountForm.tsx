import { Alert, Button, Group, Paper, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type AccountOut, updateAccount } from '~/api/generated';
import * as read from '~/api/queries';
import { notifyDone, notifyFailed } from '~/components/notify';

const SHORTEST = 10;

/** One's own name, address and password. */
export function AccountForm({ account }: { account: AccountOut | null }) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: {
      name: account?.name ?? '',
      email: account?.email ?? '',
      password: '',
      current_password: '',
    },
    validate: {
      email: (value) => (value.includes('@') ? null : 'An email address.'),
      password: (value) =>
        value !== '' && value.length < SHORTEST
          ? `At least ${SHORTEST} characters; a sentence is fine.`
          : null,
      current_password: (value, { password }) =>
        password !== '' && account?.has_password && value === '' ? 'Type the password you have now.' : null,
    },
  });
  const save = useMutation({
    mutationFn: ({ name, email, password, current_password }: typeof form.values) =>
      body(
        updateAccount({
          body: {
            name,
            email,
            ...(password !== '' && { password }),
            ...(current_password !== '' && { current_password }),
          },
          throwOnError: true,
        }),
      ),
    onSuccess: async (_, { password }) => {
      notifyDone(password === '' ? 'Saved.' : 'Saved. Every other session of yours has ended.');
      form.setFieldValue('password', '');
      form.setFieldValue('current_password', '');
      form.resetDirty();
      await queries.invalidateQueries({ queryKey: read.session.queryKey });
    },
    onError: (error) => notifyFailed('Your account was not changed', error),
  });
  if (account === null) {
    return <Alert color="gray">You are using an API token, which belongs to no account.</Alert>;
  }
  return (
    <Paper maw={560} component="form" onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <TextInput label="Name" autoComplete="name" {...form.getInputProps('name')} />
        <TextInput
          label="Email"
          type="email"
          autoComplete="email"
          required
          {...form.getInputProps('email')}
        />
        {!account.has_password && (
          <Text c="dimmed">
            You have no password yet: you came by a one-time link. Set one to sign in again without it.
          </Text>
        )}
        <PasswordInput
          label={account.has_password ? 'New password' : 'Password'}
          description={account.has_password ? 'Leave it empty to keep the one you have.' : undefined}
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        {account.has_password && (
          <PasswordInput
            label="Current password"
            description="Needed to change the password or the address."
            autoComplete="current-password"
            {...form.getInputProps('current_password')}
          />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            Save account
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
