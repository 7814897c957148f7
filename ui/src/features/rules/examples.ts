import type { Example } from '~/features/writing/written';

/** Rules to start from; the API events are those that the SDK's middleware captures. */
export const EXAMPLES: Example[] = [
  {
    key: 'errors',
    name: 'Stuck on client errors',
    about: 'Five calls answered with 400 within a day: somebody is trying and failing.',
    text: 'count of api_call where status = 400 in the last 24 hours >= 5',
    subject_kind: 'user',
  },
  {
    key: 'silent',
    name: 'Gone silent',
    about: 'Used the API before, and has not called it for a week.',
    text: 'time since last api_call >= 7 days',
    subject_kind: 'user',
  },
  {
    key: 'newcomer',
    name: 'Signed up, never called',
    about: 'Known for a day or more, and not a single call yet.',
    text: 'count of api_call ever = 0',
    subject_kind: 'user',
  },
  {
    key: 'heavy',
    name: 'Outgrowing the free plan',
    about: 'On the free plan with a thousand calls in a week.',
    text: 'all of (plan = "free"; count of api_call in the last 7 days >= 1000)',
    subject_kind: 'user',
  },
  {
    key: 'servererrors',
    name: 'Company hit by server errors',
    about: 'Twenty failures of ours within an hour, over everybody in the company.',
    text: 'count of api_call where status >= 500 in the last 60 minutes >= 20',
    subject_kind: 'company',
  },
];
