import { Alert, SimpleGrid, Stack } from '@mantine/core';
import { IconSparkles } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Overview } from '~/api/generated';
import * as read from '~/api/queries';
import { LinkButton, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { DemoButton } from '~/features/overview/DemoButton';
import { FirstEvent } from '~/features/overview/FirstEvent';
import { EventsPerMinute, MessagesPerDay } from '~/features/overview/OverviewCharts';
import { NextSteps } from '~/features/overview/NextSteps';
import { RecentMessages } from '~/features/overview/RecentMessages';
import { StatCards } from '~/features/overview/StatCards';

export function OverviewScreen() {
  const overview = useQuery(read.overview);
  return (
    <>
      <PageHeader
        title="Overview"
        description="What your customers do with your API, and what they hear from you about it."
        actions={
          overview.data?.first_event_at && (
            <>
              <DemoButton />
              <LinkButton to="/events" variant="default">
                Watch live events
              </LinkButton>
            </>
          )
        }
      />
      <Loaded query={overview}>{(data) => <OverviewBody data={data} />}</Loaded>
    </>
  );
}

function OverviewBody({ data }: { data: Overview }) {
  const [waited] = useState(data.first_event_at === null); // when the screen was opened
  if (data.first_event_at === null) return <FirstEvent snippets={data.snippets} />;
  return (
    <Stack gap="lg">
      {waited && (
        <Alert color="green" icon={<IconSparkles size={20} />} title="Your first event arrived" role="status">
          Everything that follows shows up within a second.{' '}
          <TextLink to="/events">See it in the live events</TextLink>
        </Alert>
      )}
      <StatCards data={data} />
      <NextSteps data={data} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <EventsPerMinute points={data.events_per_minute} />
        <MessagesPerDay points={data.messages_per_day} />
      </SimpleGrid>
      <RecentMessages messages={data.recent_messages} />
    </Stack>
  );
}
