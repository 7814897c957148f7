import { Sparkline } from '@mantine/charts';
import { Box, Group, Paper, SimpleGrid, Text, useMatches } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Overview } from '~/api/generated';
import { count, duration, plural, shortCount } from '~/format';
import classes from '~/features/overview/StatCards.module.css';

interface StatProps {
  to: '/events' | '/users' | '/messages' | '/workflows';
  label: string;
  value: string;
  note: ReactNode;
  trend?: number[];
  color?: string;
}

function Stat({ to, label, value, note, trend, color = 'var(--antiphon-call)' }: StatProps) {
  const wide = useMatches({ base: false, xs: true });
  return (
    <Paper component={Link} to={to} className={classes.card}>
      <Text c="dimmed" fw={500}>
        {label}
      </Text>
      <Group justify="space-between" align="flex-end" wrap="nowrap" gap="sm" mih={42}>
        <Text className={classes.value}>{value}</Text>
        {wide && trend?.some((point) => point > 0) && (
          <Box className={classes.trend} aria-hidden="true" inert>
            <Sparkline
              h={38}
              data={trend}
              color={color}
              curveType="monotone"
              strokeWidth={2}
              fillOpacity={0.16}
            />
          </Box>
        )}
      </Group>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
    </Paper>
  );
}

/** The figures that matter, each a link to what is behind it. */
export function StatCards({ data }: { data: Overview }) {
  const { messages, time_to_message: time } = data;
  const lastHour = data.events_per_minute.reduce((sum, { count: events }) => sum + events, 0);
  const troubled = messages.failed + messages.uncertain;
  return (
    <SimpleGrid cols={{ base: 2, lg: 4 }} spacing={{ base: 'sm', sm: 'lg' }}>
      <Stat
        to="/events"
        label="Events"
        value={shortCount(data.events_total)}
        note={`${count(lastHour)} in the last hour`}
        trend={data.events_per_minute.map((point) => point.count)}
      />
      <Stat
        to="/users"
        label="Users"
        value={shortCount(data.users)}
        note={`in ${plural(data.companies, 'company', 'companies')}`}
      />
      <Stat
        to="/messages"
        label="Messages sent"
        value={shortCount(messages.sent)}
        note={`${count(messages.queued)} queued · ${count(messages.suppressed)} held back · ${count(troubled)} failed`}
        trend={data.messages_per_day.map((point) => point.sent)}
        color="var(--antiphon-response)"
      />
      <Stat
        to="/messages"
        label="From call to message"
        value={time.p50_ms === null ? '–' : duration(time.p50_ms)}
        note={
          time.p50_ms === null || time.p99_ms === null
            ? 'No call has led to a message yet'
            : `half are faster · 99% within ${duration(time.p99_ms)} · of the last ${count(time.count)}`
        }
      />
    </SimpleGrid>
  );
}
