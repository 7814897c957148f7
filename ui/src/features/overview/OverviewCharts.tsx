import { AreaChart, BarChart } from '@mantine/charts';
import { Box, Center, Group, Paper, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { DayCount, MinuteCount } from '~/api/generated';
import { clockTime, count, plural } from '~/format';

const HEIGHT = 220;
const axis = { tick: { fill: 'var(--mantine-color-dimmed)', fontSize: 12 } };

interface ChartCardProps {
  title: string;
  total: string;
  summary: string;
  empty: string | null;
  children: ReactNode;
}

/** A titled chart with its content in words for those who cannot see it. */
function ChartCard({ title, total, summary, empty, children }: ChartCardProps) {
  return (
    <Paper>
      <Group justify="space-between" mb="md">
        <Title order={2}>{title}</Title>
        <Text c="dimmed" className="numeric">
          {total}
        </Text>
      </Group>
      {empty ? (
        <Center h={HEIGHT}>
          <Text c="dimmed">{empty}</Text>
        </Center>
      ) : (
        <Box role="img" aria-label={summary}>
          <div aria-hidden="true" inert>
            {children}
          </div>
        </Box>
      )}
    </Paper>
  );
}

export function EventsPerMinute({ points }: { points: MinuteCount[] }) {
  const data = points.map(({ minute, count: events }) => ({ time: clockTime(minute).slice(0, 5), events }));
  const most = Math.max(0, ...data.map(({ events }) => events));
  const sum = data.reduce((all, { events }) => all + events, 0);
  return (
    <ChartCard
      title="Events per minute"
      total={`${count(sum)} in the last hour`}
      summary={`Events per minute over the last hour: ${plural(sum, 'event')} in all, at most ${count(most)} in a minute.`}
      empty={sum === 0 ? 'Nothing arrived in the last hour.' : null}
    >
      <AreaChart
        h={HEIGHT}
        data={data}
        dataKey="time"
        series={[{ name: 'events', color: 'var(--antiphon-call)' }]}
        curveType="monotone"
        withDots={false}
        strokeWidth={2}
        fillOpacity={0.18}
        gridAxis="x"
        xAxisProps={{ ...axis, minTickGap: 48 }}
        yAxisProps={{ ...axis, width: 44, allowDecimals: false }}
        valueFormatter={count}
      />
    </ChartCard>
  );
}

export function MessagesPerDay({ points }: { points: DayCount[] }) {
  const data = points.map(({ day, sent }) => ({ day: day.slice(5), sent }));
  const sum = data.reduce((all, { sent }) => all + sent, 0);
  return (
    <ChartCard
      title="Messages per day"
      total={`${count(sum)} in ${plural(points.length, 'day')}`}
      summary={`Messages sent per day over the last ${plural(points.length, 'day')}: ${count(sum)} in all.`}
      empty={sum === 0 ? 'Nothing was sent yet. A workflow sends when a rule matches.' : null}
    >
      <BarChart
        h={HEIGHT}
        data={data}
        dataKey="day"
        series={[{ name: 'sent', color: 'var(--antiphon-response)' }]}
        gridAxis="x"
        barProps={{ radius: [4, 4, 0, 0], maxBarSize: 28 }}
        xAxisProps={{ ...axis, minTickGap: 32 }}
        yAxisProps={{ ...axis, width: 44, allowDecimals: false }}
        valueFormatter={count}
      />
    </ChartCard>
  );
}
