import type { Example } from '~/features/writing/written';

/** Computed traits to start from; `plan_limit` is a trait that the company's group calls set. */
export const FORMULAS: Example[] = [
  {
    key: 'score',
    name: 'engagement_score',
    title: 'Engagement score',
    about: 'Calls of the last week and active days of the last month, at most 100.',
    text: 'min(100, count of api_call in the last 7 days + 5 * days active of api_call in the last 30 days)',
    subject_kind: 'user',
  },
  {
    key: 'used',
    name: 'used_event_count',
    title: 'Used event count',
    about: 'How many successful calls somebody has made in all.',
    text: 'count of api_call where status < 400 ever',
    subject_kind: 'user',
  },
  {
    key: 'quota',
    name: 'quota_share',
    title: 'Quota share',
    about: 'How much of its monthly limit a company has used: 0.8 is 80 %.',
    text: 'round(count of api_call this month / plan_limit, 4)',
    subject_kind: 'company',
  },
  {
    key: 'runout',
    name: 'quota_runs_out',
    title: 'Day of quota run-out',
    about: 'The day on which the limit is reached if the company goes on as in the last week.',
    text: 'today + (plan_limit - count of api_call this month) / (count of api_call in the last 7 days / 7)',
    subject_kind: 'company',
  },
];
