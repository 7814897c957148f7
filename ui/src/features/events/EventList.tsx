import { Badge, Group, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { memo, useState } from 'react';
import type { EventOut } from '~/api/generated';
import { JsonView } from '~/components/JsonView';
import { TextLink } from '~/components/LinkButton';
import classes from '~/features/events/EventList.module.css';
import { callStatus, summary } from '~/features/events/feed';
import { clockTime, exactTime } from '~/format';

const CHUNK = 64;

/**
 * Thousands of events, newest first. They are rendered in chunks by offset: an arrival re-renders one chunk only, and
 * the browser lays out only the chunks in view.
 */
export function EventList({ events }: { events: EventOut[] }) {
  const chunks = new Map<number, EventOut[]>();
  for (const event of events) {
    const chunk = Math.floor(event.offset / CHUNK);
    const members = chunks.get(chunk);
    if (members) members.push(event);
    else chunks.set(chunk, [event]);
  }
  return (
    <div className={classes.list}>
      {[...chunks].map(([chunk, members]) => (
        <EventChunk key={chunk} events={members} />
      ))}
    </div>
  );
}

const EventChunk = memo(
  ({ events }: { events: EventOut[] }) => (
    <ul className={classes.chunk} style={{ containIntrinsicSize: `auto ${events.length * 45}px` }}>
      {events.map((event) => (
        <EventRow key={event.offset} event={event} />
      ))}
    </ul>
  ),
  (before, after) =>
    before.events.length === after.events.length && before.events[0]?.offset === after.events[0]?.offset,
);
EventChunk.displayName = 'EventChunk';

const EventRow = memo(({ event }: { event: EventOut }) => {
  const [open, setOpen] = useState(false);
  const status = callStatus(event);
  const who = event.user_id ?? event.anonymous_id ?? event.company_id;
  return (
    <li className={classes.row}>
      <UnstyledButton className={classes.line} onClick={() => setOpen(!open)} aria-expanded={open}>
        <IconChevronRight size={15} className={classes.chevron} data-open={open || undefined} aria-hidden />
        <Text
          component="span"
          size="xs"
          c="dimmed"
          className={classes.time}
          title={exactTime(event.timestamp)}
        >
          {clockTime(event.received_at)}
        </Text>
        <Text component="span" fw={600} truncate className={classes.name}>
          {event.name}
        </Text>
        <Text component="span" truncate className={classes.summary}>
          {summary(event)}
        </Text>
        <Group component="span" gap={6} wrap="nowrap" className={classes.tags}>
          {status !== undefined && status >= 400 && (
            <Badge component="span" color={status >= 500 ? 'red' : 'amber'}>
              {status}
            </Badge>
          )}
          {event.late && (
            <Badge component="span" color="gray">
              late
            </Badge>
          )}
          <Text component="span" size="xs" c="dimmed" truncate maw={150}>
            {who}
          </Text>
        </Group>
      </UnstyledButton>
      {open && <EventDetails event={event} />}
    </li>
  );
});
EventRow.displayName = 'EventRow';

function EventDetails({ event }: { event: EventOut }) {
  const { offset, ...stored } = event;
  return (
    <div className={classes.details}>
      <Group gap="lg" mb="sm">
        {event.user_id && (
          <TextLink to="/users/$id" params={{ id: event.user_id }}>
            Profile of {event.user_id}
          </TextLink>
        )}
        {event.company_id && (
          <TextLink to="/companies/$id" params={{ id: event.company_id }}>
            Company {event.company_id}
          </TextLink>
        )}
        <TextLink to="/events" search={{ name: event.name }}>
          Only {event.name}
        </TextLink>
        {event.user_id && (
          <TextLink to="/events" search={{ user: event.user_id }}>
            Only this user
          </TextLink>
        )}
      </Group>
      <JsonView value={stored} label={`Event ${offset}`} />
    </div>
  );
}
