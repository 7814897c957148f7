import { Badge, Button, Center, Chip, Group, Paper, Text, Timeline, UnstyledButton } from '@mantine/core';
import { IconApi, IconBolt, IconFilter, IconMail } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { EventOut, MessageOut } from '~/api/generated';
import type { Kind } from '~/api/queries';
import * as read from '~/api/queries';
import { JsonView } from '~/components/JsonView';
import { RowLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';
import { callStatus, summary } from '~/features/events/feed';
import { type Moment, moments, type Show } from '~/features/people/timeline';
import classes from '~/features/people/SubjectTimeline.module.css';

interface SubjectTimelineProps {
  kind: Kind;
  id: string;
  messages: MessageOut[];
  show: Show | undefined;
  setShow: (show: Show | undefined) => void;
}

const FILTERS: { show: Show; label: string }[] = [
  { show: 'calls', label: 'API calls' },
  { show: 'events', label: 'Events' },
  { show: 'messages', label: 'Messages' },
];

/** What a subject did and heard, newest first; refreshes while it is open. */
export function SubjectTimeline({ kind, id, messages, show, setShow }: SubjectTimelineProps) {
  const events = useInfiniteQuery({ ...read.subjectEvents(kind, id), refetchInterval: 10_000 });
  return (
    <>
      <Group gap="xs" mb="md" role="group" aria-label="What to show">
        {FILTERS.filter((filter) => kind === 'user' || filter.show !== 'messages').map((filter) => (
          <Chip
            key={filter.show}
            size="sm"
            checked={show === filter.show}
            onChange={(checked) => setShow(checked ? filter.show : undefined)}
          >
            {filter.label}
          </Chip>
        ))}
      </Group>
      <Loaded query={events}>
        {({ pages }) => {
          const all = moments(
            pages.flatMap(({ items }) => items),
            messages,
            !events.hasNextPage,
          );
          const shown = show ? all.filter((moment) => moment.kind === show) : all;
          return (
            <>
              <Paper>
                {shown.length === 0 ? (
                  <Text c="dimmed">
                    {all.length === 0
                      ? 'Nothing happened yet.'
                      : 'Nothing of this kind among what is loaded.'}
                  </Text>
                ) : (
                  <Timeline bulletSize={26} lineWidth={2} active={-1}>
                    {shown.map((moment) => (
                      <Timeline.Item key={moment.key} bullet={<Bullet moment={moment} />}>
                        <MomentView moment={moment} />
                      </Timeline.Item>
                    ))}
                  </Timeline>
                )}
              </Paper>
              {events.hasNextPage && (
                <Center mt="md">
                  <Button
                    variant="default"
                    size="xs"
                    loading={events.isFetchingNextPage}
                    onClick={() => void events.fetchNextPage()}
                  >
                    Show older
                  </Button>
                </Center>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Bullet({ moment }: { moment: Moment }) {
  if (moment.kind === 'messages') return <IconMail size={14} aria-label="Message" />;
  if (moment.kind === 'calls') return <IconApi size={15} aria-label="API call" />;
  return moment.event.name.startsWith('segment_') ? (
    <IconFilter size={14} aria-label="Rule" />
  ) : (
    <IconBolt size={14} aria-label="Event" />
  );
}

function MomentView({ moment }: { moment: Moment }) {
  return moment.kind === 'messages' ? <Sent message={moment.message} /> : <Happened event={moment.event} />;
}

function Sent({ message }: { message: MessageOut }) {
  return (
    <>
      <Group gap="xs">
        <RowLink to="/messages/$id" params={{ id: String(message.id) }}>
          “{message.subject ?? message.template_name ?? 'Email'}”
        </RowLink>
        <StatusBadge status={message.status} />
      </Group>
      <Time at={message.sent_at ?? message.created_at} size="xs" c="dimmed" />
    </>
  );
}

/** "Entered “Stuck on 400s”" for what rules did, an event's own name for anything else. */
function titleOf({ name, properties }: EventOut): string {
  const rule = properties['rule'];
  if (name === 'segment_entered' && typeof rule === 'string') return `Entered “${rule}”`;
  if (name === 'segment_left' && typeof rule === 'string') return `Left “${rule}”`;
  return name.replaceAll('_', ' ');
}

function Happened({ event }: { event: EventOut }) {
  const [open, setOpen] = useState(false);
  const status = callStatus(event);
  const isCall = event.name === 'api_call';
  const isRule = event.name.startsWith('segment_');
  const line = summary(event);
  return (
    <>
      <UnstyledButton onClick={() => setOpen(!open)} aria-expanded={open} className={classes.moment}>
        <Group gap="xs" component="span">
          <Text component="span" fw={600} style={{ overflowWrap: 'anywhere' }}>
            {isCall ? line : titleOf(event)}
          </Text>
          {status !== undefined && status >= 400 && (
            <Badge component="span" color={status >= 500 ? 'red' : 'amber'}>
              {status >= 500 ? 'server error' : 'client error'}
            </Badge>
          )}
          {event.late && (
            <Badge component="span" color="gray">
              late
            </Badge>
          )}
        </Group>
        {!isCall && !isRule && line && (
          <Text component="span" display="block" size="xs" c="dimmed" lineClamp={1}>
            {line}
          </Text>
        )}
      </UnstyledButton>
      <Time at={event.timestamp} size="xs" c="dimmed" />
      {open && <JsonView value={event} label={`Event ${event.offset}`} />}
    </>
  );
}
