/** What the page reads, one entry a screen's need; keys start with the noun, so a write refreshes all of it. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { body } from '~/api/client';
import * as api from '~/api/generated';
import type { MessageOut, RuleOut } from '~/api/generated';

const must = { throwOnError: true } as const;
const PAGE = 50;

/** Options of a list that is read page by page with the server's cursor. */
function pages<T extends { next_cursor: string | null }>(
  key: readonly unknown[],
  read: (cursor: string | undefined) => Promise<T>,
  every?: number,
) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: T) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    ...(every !== undefined && { refetchInterval: every }),
  });
}

export const session = queryOptions({
  queryKey: ['session'],
  queryFn: () => body(api.getSession(must)),
  staleTime: 60_000,
});

export const overview = queryOptions({
  queryKey: ['overview'],
  queryFn: () => body(api.getOverview(must)),
  refetchInterval: 5_000,
});

export const demo = queryOptions({
  queryKey: ['demo'],
  queryFn: () => body(api.getDemo(must)),
  refetchInterval: 5_000,
});

export type Kind = 'user' | 'company';

export interface PeopleFilter {
  search?: string;
  rule_id?: number;
}

export const people = (kind: Kind, filter: PeopleFilter) =>
  pages(['people', kind, filter], (cursor) => {
    const query = { ...filter, limit: PAGE, cursor };
    return body(kind === 'user' ? api.listUsers({ query, ...must }) : api.listCompanies({ query, ...must }));
  });

export const user = (user_id: string) =>
  queryOptions({
    queryKey: ['people', 'user', 'one', user_id],
    queryFn: () => body(api.getUser({ path: { user_id }, ...must })),
    refetchInterval: 10_000,
  });

export const company = (company_id: string) =>
  queryOptions({
    queryKey: ['people', 'company', 'one', company_id],
    queryFn: () => body(api.getCompany({ path: { company_id }, ...must })),
    refetchInterval: 10_000,
  });

export const companyUsers = (company_id: string) =>
  pages(['people', 'company', 'users', company_id], (cursor) =>
    body(api.listCompanyUsers({ path: { company_id }, query: { cursor, limit: PAGE }, ...must })),
  );

export const subjectEvents = (kind: Kind, id: string) =>
  infiniteQueryOptions({
    queryKey: ['people', kind, 'events', id],
    queryFn: ({ pageParam }) => {
      const query = { limit: 100, before_offset: pageParam };
      return body(
        kind === 'user'
          ? api.listUserEvents({ path: { user_id: id }, query, ...must })
          : api.listCompanyEvents({ path: { company_id: id }, query, ...must }),
      );
    },
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
  });

export const userMessages = (user_id: string) =>
  pages(['messages', 'user', user_id], (cursor) =>
    body(api.listUserMessages({ path: { user_id }, query: { cursor, limit: PAGE }, ...must })),
  );

export const explanation = (kind: Kind, id: string, rule_id: number) =>
  queryOptions({
    queryKey: ['people', kind, 'explain', id, rule_id],
    queryFn: () =>
      body(
        kind === 'user'
          ? api.explainUser({ path: { user_id: id }, query: { rule_id }, ...must })
          : api.explainCompany({ path: { company_id: id }, query: { rule_id }, ...must }),
      ),
    refetchInterval: 10_000,
  });

/** How often to look again, in ms: often while something is on its way into force. */
const again = (underway: boolean | undefined): number => (underway ? 1_500 : 10_000);
const isFilling = ({ status, filled }: RuleOut): boolean => status === 'active' && !filled;

const ruleList = (archived: boolean) =>
  queryOptions({
    queryKey: ['rules', 'list', { archived }],
    queryFn: () => body(api.listRules({ query: { archived }, ...must })),
    refetchInterval: ({ state }) => again(state.data?.items.some(isFilling)),
  });
export const rules = ruleList(false);
export const rulesWithArchived = ruleList(true);

export const rule = (rule_id: number) =>
  queryOptions({
    queryKey: ['rules', 'one', rule_id],
    queryFn: () => body(api.getRule({ path: { rule_id }, ...must })),
    refetchInterval: ({ state }) => again(state.data && isFilling(state.data)),
  });

export const rulePromql = (rule_id: number, revision: number) =>
  queryOptions({
    queryKey: ['rules', 'promql', rule_id, revision],
    queryFn: () => body(api.getRulePromql({ path: { rule_id }, ...must })),
    staleTime: Number.POSITIVE_INFINITY, // a saved revision never changes
  });

export const ruleMembers = (rule_id: number) =>
  pages(
    ['rules', 'members', rule_id],
    (cursor) => body(api.listRuleMembers({ path: { rule_id }, query: { cursor, limit: PAGE }, ...must })),
    10_000,
  );

export const computedTraits = queryOptions({
  queryKey: ['computed', 'list'],
  queryFn: () => body(api.listComputedTraits(must)),
  refetchInterval: ({ state }) => again(state.data?.items.some(({ filled }) => !filled)),
});

export const computedTrait = (trait_id: number) =>
  queryOptions({
    queryKey: ['computed', 'one', trait_id],
    queryFn: () => body(api.getComputedTrait({ path: { trait_id }, ...must })),
    refetchInterval: ({ state }) => again(state.data?.filled === false),
  });

export const templates = queryOptions({
  queryKey: ['templates', 'list'],
  queryFn: () => body(api.listTemplates(must)),
});

export const template = (template_id: number) =>
  queryOptions({
    queryKey: ['templates', 'one', template_id],
    queryFn: () => body(api.getTemplate({ path: { template_id }, ...must })),
  });

export const workflows = queryOptions({
  queryKey: ['workflows', 'list'],
  queryFn: () => body(api.listWorkflows(must)),
  refetchInterval: 10_000,
});

export const workflow = (workflow_id: number) =>
  queryOptions({
    queryKey: ['workflows', 'one', workflow_id],
    queryFn: () => body(api.getWorkflow({ path: { workflow_id }, ...must })),
    refetchInterval: 10_000,
  });

export const enrollments = (workflow_id: number) =>
  pages(
    ['workflows', 'enrollments', workflow_id],
    (cursor) => body(api.listEnrollments({ path: { workflow_id }, query: { cursor, limit: PAGE }, ...must })),
    5_000,
  );

export interface MessageFilter {
  status?: MessageOut['status'];
  user_id?: string;
  workflow_id?: number;
}

export const messages = (filter: MessageFilter) =>
  pages(
    ['messages', 'list', filter],
    (cursor) => body(api.listMessages({ query: { ...filter, cursor, limit: PAGE }, ...must })),
    5_000,
  );

export const message = (message_id: number) =>
  queryOptions({
    queryKey: ['messages', 'one', message_id],
    queryFn: () => body(api.getMessage({ path: { message_id }, ...must })),
    refetchInterval: 5_000,
  });

export const inbox = pages(
  ['inbox', 'list'],
  (cursor) => body(api.listInbox({ query: { cursor, limit: PAGE }, ...must })),
  3_000,
);

export const inboxMail = (mail_id: number) =>
  queryOptions({
    queryKey: ['inbox', 'one', mail_id],
    queryFn: () => body(api.getInboxMail({ path: { mail_id }, ...must })),
    staleTime: Number.POSITIVE_INFINITY, // a sent mail never changes
  });

export const keys = queryOptions({ queryKey: ['keys'], queryFn: () => body(api.listKeys(must)) });
export const settings = queryOptions({ queryKey: ['settings'], queryFn: () => body(api.getSettings(must)) });
