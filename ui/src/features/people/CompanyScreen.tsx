import { Grid, Paper, Tabs, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PageHeader } from '~/components/PageHeader';
import { Time } from '~/components/Time';
import { ProfileTable } from '~/features/people/ProfileTable';
import { SubjectFacts } from '~/features/people/SubjectFacts';
import { SubjectTimeline } from '~/features/people/SubjectTimeline';
import { Why } from '~/features/people/Why';
import { count } from '~/format';

const route = getRouteApi('/companies/$id');

export function CompanyScreen() {
  const { id } = route.useParams();
  const { tab = 'timeline', show, rule } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.company(id));
  return (
    <Loaded query={query}>
      {({ profile, memberships, users, events }) => (
        <>
          <PageHeader
            title={profile.name ?? profile.id}
            description={
              <>
                last seen <Time at={profile.last_seen} span c="dimmed" />
              </>
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
                  <Tabs.Tab value="people">Users · {count(users)}</Tabs.Tab>
                  <Tabs.Tab value="why">Why / why not</Tabs.Tab>
                </Tabs.List>
                <Tabs.Panel value="timeline">
                  <SubjectTimeline
                    kind="company"
                    id={id}
                    messages={[]}
                    show={show}
                    setShow={(next) =>
                      void navigate({ search: (before) => ({ ...before, show: next }), replace: true })
                    }
                  />
                </Tabs.Panel>
                <Tabs.Panel value="people">
                  <CompanyPeople id={id} />
                </Tabs.Panel>
                <Tabs.Panel value="why">
                  <Why
                    kind="company"
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
              <SubjectFacts profile={profile} memberships={memberships} />
            </Grid.Col>
          </Grid>
        </>
      )}
    </Loaded>
  );
}

function CompanyPeople({ id }: { id: string }) {
  const query = useInfiniteQuery(read.companyUsers(id));
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const found = pages.flatMap(({ items }) => items);
        if (found.length === 0) return <Text c="dimmed">Nobody is known to belong to this company.</Text>;
        return (
          <>
            <Paper p={0}>
              <ProfileTable kind="user" profiles={found} />
            </Paper>
            <MoreRows query={query} shown={found.length} total={pages[0]?.total} noun="user" />
          </>
        );
      }}
    </Loaded>
  );
}
