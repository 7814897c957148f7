import { Badge, Grid, Paper, Tabs, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { LinkButton, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PageHeader } from '~/components/PageHeader';
import { Time } from '~/components/Time';
import { MessageTable } from '~/features/messages/MessageTable';
import { SubjectFacts } from '~/features/people/SubjectFacts';
import { SubjectTimeline } from '~/features/people/SubjectTimeline';
import { Why } from '~/features/people/Why';
import { count } from '~/format';

const route = getRouteApi('/users/$id');

export function UserScreen() {
  const { id } = route.useParams();
  const { tab = 'timeline', show, rule } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.user(id));
  const messages = useInfiniteQuery({ ...read.userMessages(id), refetchInterval: 10_000 });
  const sent = messages.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Loaded query={query}>
      {({ profile, company, identities, memberships, events, messages: written }) => (
        <>
          <PageHeader
            title={profile.name ?? profile.email ?? profile.id}
            badge={profile.kind === 'anonymous' && <Badge color="gray">anonymous</Badge>}
            description={
              <>
                {profile.name && profile.email && `${profile.email} · `}
                {company && (
                  <>
                    <TextLink to="/companies/$id" params={{ id: company.id }}>
                      {company.name ?? company.id}
                    </TextLink>
                    {' · '}
                  </>
                )}
                last seen <Time at={profile.last_seen} span c="dimmed" />
              </>
            }
            actions={
              <LinkButton to="/events" search={{ user: profile.id }} variant="default">
                Watch live
              </LinkButton>
            }
          />
          <Grid gap="lg">
            <Grid.Col span={{ base: 12, md: 8 }}>
              <Tabs
                value={tab}
                onChange={(next) =>
                  void navigate({
                    search: (before) => ({ ...before, tab: next as typeof tab }),
                    replace: true,
                  })
                }
                keepMounted={false}
              >
                <Tabs.List mb="md">
                  <Tabs.Tab value="timeline">Timeline · {count(events)}</Tabs.Tab>
                  <Tabs.Tab value="messages">Messages · {count(written)}</Tabs.Tab>
                  <Tabs.Tab value="why">Why / why not</Tabs.Tab>
                </Tabs.List>
                <Tabs.Panel value="timeline">
                  <SubjectTimeline
                    kind="user"
                    id={id}
                    messages={sent}
                    show={show}
                    setShow={(next) =>
                      void navigate({ search: (before) => ({ ...before, show: next }), replace: true })
                    }
                  />
                </Tabs.Panel>
                <Tabs.Panel value="messages">
                  <Paper p={sent.length === 0 ? 'md' : 0}>
                    {sent.length === 0 ? (
                      <Text c="dimmed">Nothing was sent to this user. “Why / why not” tells the reason.</Text>
                    ) : (
                      <MessageTable messages={sent} withPerson={false} />
                    )}
                  </Paper>
                  <MoreRows query={messages} shown={sent.length} noun="message" />
                </Tabs.Panel>
                <Tabs.Panel value="why">
                  <Why
                    kind="user"
                    id={id}
                    rule={rule}
                    setRule={(next) =>
                      void navigate({ search: (before) => ({ ...before, rule: next }), replace: true })
                    }
                  />
                </Tabs.Panel>
              </Tabs>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 4 }}>
              <SubjectFacts profile={profile} memberships={memberships} identities={identities} />
            </Grid.Col>
          </Grid>
        </>
      )}
    </Loaded>
  );
}
