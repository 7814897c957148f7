import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type ErrorComponentProps,
} from '@tanstack/react-router';
import { MESSAGE_STATUSES } from '~/components/StatusBadge';
import { NotFound } from '~/components/NotFound';
import { Problem } from '~/components/Problem';
import { Shell } from '~/components/Shell';
import { choice, filters, number, parseSearch, stringifySearch, text } from '~/search';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const at = <T extends string>(path: T) => ({ getParentRoute: () => root, path });

const peopleFilter = filters({ search: text, rule: number });
const profileView = filters({
  tab: choice('timeline', 'messages', 'why', 'people'),
  show: choice('calls', 'events', 'messages'),
  rule: number,
});

const overview = createRoute({
  ...at('/'),
  component: lazyRouteComponent(() => import('~/features/overview/OverviewScreen'), 'OverviewScreen'),
});
const events = createRoute({
  ...at('/events'),
  validateSearch: filters({ name: text, user: text, text }),
  component: lazyRouteComponent(() => import('~/features/events/EventsScreen'), 'EventsScreen'),
});
const users = createRoute({
  ...at('/users'),
  validateSearch: peopleFilter,
  component: lazyRouteComponent(() => import('~/features/people/PeopleScreen'), 'UsersScreen'),
});
const user = createRoute({
  ...at('/users/$id'),
  validateSearch: profileView,
  component: lazyRouteComponent(() => import('~/features/people/UserScreen'), 'UserScreen'),
});
const companies = createRoute({
  ...at('/companies'),
  validateSearch: peopleFilter,
  component: lazyRouteComponent(() => import('~/features/people/PeopleScreen'), 'CompaniesScreen'),
});
const company = createRoute({
  ...at('/companies/$id'),
  validateSearch: profileView,
  component: lazyRouteComponent(() => import('~/features/people/CompanyScreen'), 'CompanyScreen'),
});
const rules = createRoute({
  ...at('/rules'),
  validateSearch: filters({ search: text, archived: choice('shown') }),
  component: lazyRouteComponent(() => import('~/features/rules/RulesScreen'), 'RulesScreen'),
});
const rule = createRoute({
  ...at('/rules/$id'),
  validateSearch: filters({ tab: choice('members'), example: text }),
  component: lazyRouteComponent(() => import('~/features/rules/RuleScreen'), 'RuleScreen'),
});
const computedTraits = createRoute({
  ...at('/computed-traits'),
  validateSearch: filters({ search: text }),
  component: lazyRouteComponent(
    () => import('~/features/computed/ComputedTraitsScreen'),
    'ComputedTraitsScreen',
  ),
});
const computedTrait = createRoute({
  ...at('/computed-traits/$id'),
  validateSearch: filters({ example: text }),
  component: lazyRouteComponent(
    () => import('~/features/computed/ComputedTraitScreen'),
    'ComputedTraitScreen',
  ),
});
const workflows = createRoute({
  ...at('/workflows'),
  validateSearch: filters({ search: text }),
  component: lazyRouteComponent(() => import('~/features/workflows/WorkflowsScreen'), 'WorkflowsScreen'),
});
const workflow = createRoute({
  ...at('/workflows/$id'),
  validateSearch: filters({ tab: choice('people'), rule: number, template: number }),
  component: lazyRouteComponent(() => import('~/features/workflows/WorkflowScreen'), 'WorkflowScreen'),
});
const emails = createRoute({
  ...at('/emails'),
  validateSearch: filters({ search: text }),
  component: lazyRouteComponent(() => import('~/features/templates/TemplatesScreen'), 'TemplatesScreen'),
});
const email = createRoute({
  ...at('/emails/$id'),
  component: lazyRouteComponent(() => import('~/features/templates/TemplateScreen'), 'TemplateScreen'),
});
const inbox = createRoute({
  ...at('/inbox'),
  validateSearch: filters({ mail: number }),
  component: lazyRouteComponent(() => import('~/features/inbox/InboxScreen'), 'InboxScreen'),
});
const messages = createRoute({
  ...at('/messages'),
  validateSearch: filters({ status: choice(...MESSAGE_STATUSES), user: text, workflow: number }),
  component: lazyRouteComponent(() => import('~/features/messages/MessagesScreen'), 'MessagesScreen'),
});
const message = createRoute({
  ...at('/messages/$id'),
  component: lazyRouteComponent(() => import('~/features/messages/MessageScreen'), 'MessageScreen'),
});
const settings = createRoute({
  ...at('/settings'),
  validateSearch: filters({ tab: choice('workspace', 'keys', 'account') }),
  component: lazyRouteComponent(() => import('~/features/settings/SettingsScreen'), 'SettingsScreen'),
});

const routeTree = root.addChildren([
  overview,
  events,
  users,
  user,
  companies,
  company,
  rules,
  rule,
  computedTraits,
  computedTrait,
  workflows,
  workflow,
  emails,
  email,
  inbox,
  messages,
  message,
  settings,
]);

function ScreenProblem({ error, reset }: ErrorComponentProps) {
  return <Problem error={error} retry={reset} />;
}

export const createAppRouter = () =>
  createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultErrorComponent: ScreenProblem,
    defaultNotFoundComponent: NotFound,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
