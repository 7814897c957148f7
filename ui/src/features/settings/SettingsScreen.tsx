import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { AccountForm } from '~/features/settings/AccountForm';
import { Keys } from '~/features/settings/Keys';
import { WorkspaceForm } from '~/features/settings/WorkspaceForm';

const route = getRouteApi('/settings');

export function SettingsScreen() {
  const { tab = 'workspace' } = route.useSearch();
  const navigate = route.useNavigate();
  const settings = useQuery(read.settings);
  const session = useQuery(read.session);
  return (
    <>
      <PageHeader title="Settings" />
      <Tabs
        value={tab}
        onChange={(next) => void navigate({ search: { tab: next as typeof tab }, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          <Tabs.Tab value="workspace">Workspace</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
          <Tabs.Tab value="account">Account</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="workspace">
          <Loaded query={settings}>{(data) => <WorkspaceForm key={data.revision} settings={data} />}</Loaded>
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
        <Tabs.Panel value="account">
          <Loaded query={session}>
            {(data) => <AccountForm key={data.account?.email} account={data.account} />}
          </Loaded>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
