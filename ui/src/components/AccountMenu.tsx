import { ActionIcon, Menu, Text } from '@mantine/core';
import { IconLogout, IconSettings, IconUser } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { signOut } from '~/api/generated';
import * as read from '~/api/queries';
import { notifyFailed } from '~/components/notify';

export function AccountMenu() {
  const { data } = useQuery(read.session);
  const leave = useMutation({
    mutationFn: () => signOut({ throwOnError: true }),
    onSuccess: () => window.location.assign('/signin'),
    onError: (error) => notifyFailed('Signing out failed', error),
  });
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label="Account">
          <IconUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text fw={600} c="var(--mantine-color-text)" truncate>
            {data?.account?.name || data?.account?.email || 'API token'}
          </Text>
          <Text size="xs" truncate>
            {data?.account?.email}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item
          renderRoot={(props) => <Link to="/settings" search={{ tab: 'account' }} {...props} />}
          leftSection={<IconSettings size={16} />}
        >
          Account settings
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
