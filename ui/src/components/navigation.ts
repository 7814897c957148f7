import {
  IconActivity,
  IconBuilding,
  IconFilter,
  IconInbox,
  IconLayoutDashboard,
  IconMail,
  IconMathFunction,
  IconRoute,
  IconSend,
  IconSettings,
  IconUsers,
} from '@tabler/icons-react';

/** The screens, in the order of the navigation; `about` is what the command palette says of each. */
export const SCREENS = [
  { to: '/', label: 'Overview', icon: IconLayoutDashboard, about: 'What arrives, what is sent, how fast' },
  { to: '/events', label: 'Live events', icon: IconActivity, about: 'Calls and events as they arrive' },
  { to: '/users', label: 'Users', icon: IconUsers, about: 'Profiles, timelines, why and why not' },
  { to: '/companies', label: 'Companies', icon: IconBuilding, about: 'Accounts and the people in them' },
  { to: '/rules', label: 'Rules', icon: IconFilter, about: 'Who should hear from you, and when' },
  {
    to: '/computed-traits',
    label: 'Computed traits',
    icon: IconMathFunction,
    about: 'Scores and counts kept up to date on profiles',
  },
  { to: '/workflows', label: 'Workflows', icon: IconRoute, about: 'What happens when a rule matches' },
  { to: '/emails', label: 'Emails', icon: IconMail, about: 'Templates with preview as a real user' },
  { to: '/inbox', label: 'Inbox', icon: IconInbox, about: 'What was sent in the sandbox' },
  { to: '/messages', label: 'Messages', icon: IconSend, about: 'Every message and what became of it' },
  { to: '/settings', label: 'Settings', icon: IconSettings, about: 'Workspace, keys, account' },
] as const;
