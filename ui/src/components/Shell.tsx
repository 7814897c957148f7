import {
  ActionIcon,
  AppShell,
  Badge,
  Burger,
  Group,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import * as read from '~/api/queries';
import { AccountMenu } from '~/components/AccountMenu';
import { Brand } from '~/components/Brand';
import { ColorSchemeToggle } from '~/components/ColorSchemeToggle';
import { CommandPalette } from '~/components/CommandPalette';
import { SCREENS } from '~/components/navigation';
import classes from '~/components/Shell.module.css';

/** The frame around every screen: brand, search, navigation. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const { data } = useQuery(read.session);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    main.current?.focus({ preventScroll: true }); // a new screen: screen readers and Tab start in it
    window.scrollTo({ top: 0 });
  }, [pathname]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', md: 'xl' }}
    >
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? 'Close navigation' : 'Open navigation'}
            />
            <Link to="/" className={classes.brand} aria-label="Antiphon, overview">
              <Brand />
            </Link>
            {data?.workspace.sandbox && (
              <Tooltip label="Mail goes to the built-in inbox; nobody outside receives any.">
                <Badge color="amber" component={Link} to="/inbox" className={classes.sandbox}>
                  Sandbox
                </Badge>
              </Tooltip>
            )}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Text c="dimmed" visibleFrom="md" mr="xs" truncate maw={260}>
              {data?.workspace.name}
            </Text>
            <Tooltip label="Search and go (Ctrl K)">
              <ActionIcon variant="default" size="lg" onClick={spotlight.open} aria-label="Search and go">
                <IconSearch size={18} />
              </ActionIcon>
            </Tooltip>
            <ColorSchemeToggle />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Screens">
        <ScrollArea type="never">
          {SCREENS.map(({ to, label, icon: Icon }) => {
            const active = to === '/' ? pathname === '/' : pathname.startsWith(to);
            return (
              <NavLink
                key={to}
                component={Link}
                to={to}
                label={label}
                leftSection={<Icon size={19} stroke={1.7} />}
                active={active}
                aria-current={active ? 'page' : undefined}
                className={classes.link}
                onClick={close}
              />
            );
          })}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <Outlet />
      </AppShell.Main>
      <CommandPalette />
    </AppShell>
  );
}
