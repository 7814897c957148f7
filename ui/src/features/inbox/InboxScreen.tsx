import { Grid, Paper, Text } from '@mantine/core';
import { IconInbox } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import type { InboxItem } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PageHeader } from '~/components/PageHeader';
import { Time } from '~/components/Time';
import { MailView } from '~/features/inbox/MailView';
import classes from '~/features/inbox/InboxScreen.module.css';

const route = getRouteApi('/inbox');

export function InboxScreen() {
  const { mail } = route.useSearch();
  const query = useInfiniteQuery(read.inbox);
  const settings = useQuery(read.settings);
  const elsewhere = settings.data?.channel.provider === 'smtp';
  return (
    <>
      <PageHeader
        title="Inbox"
        description={
          elsewhere
            ? 'Mail goes out by SMTP now. Here is what was sent while there was no mail account.'
            : 'With no mail account everything is sent here: real mails, rendered, with working links. Nobody outside receives any.'
        }
      />
      <Loaded query={query}>
        {({ pages }) => {
          const mails = pages.flatMap(({ items }) => items);
          const chosen = mail ?? mails[0]?.id;
          if (chosen === undefined) return <NoMail />;
          return (
            <Grid gap="lg">
              <Grid.Col span={{ base: 12, md: 4 }}>
                <Paper p={0} component="nav" aria-label="Mails" className={classes.list}>
                  {mails.map((item) => (
                    <MailRow key={item.id} mail={item} chosen={item.id === chosen} />
                  ))}
                </Paper>
                <MoreRows query={query} shown={mails.length} total={pages[0]?.total} noun="mail" />
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 8 }}>
                <MailView key={chosen} id={chosen} />
              </Grid.Col>
            </Grid>
          );
        }}
      </Loaded>
    </>
  );
}

function MailRow({ mail, chosen }: { mail: InboxItem; chosen: boolean }) {
  return (
    <Link
      to="/inbox"
      search={{ mail: mail.id }}
      className={classes.row}
      data-chosen={chosen || undefined}
      aria-current={chosen ? 'true' : undefined}
    >
      <span className={classes.line}>
        <Text component="span" size="xs" c="dimmed" truncate>
          {mail.recipient}
        </Text>
        <Time at={mail.received_at} size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }} />
      </span>
      <Text component="span" display="block" fw={600} truncate>
        {mail.subject || 'No subject'}
      </Text>
      <Text component="span" size="xs" c="dimmed" lineClamp={2}>
        {mail.message_id === null && 'Test · '}
        {excerpt(mail.snippet)}
      </Text>
    </Link>
  );
}

/** The server cuts a snippet anywhere; this ends it with a whole word. */
function excerpt(snippet: string): string {
  return snippet.length < 100 ? snippet : `${snippet.slice(0, snippet.lastIndexOf(' '))} …`;
}

function NoMail() {
  return (
    <EmptyState
      icon={<IconInbox size={26} />}
      title="No mail yet"
      actions={
        <>
          <LinkButton to="/workflows">Make a workflow</LinkButton>
          <LinkButton to="/emails/$id" params={{ id: 'new' }} variant="default">
            Write an email and send a test
          </LinkButton>
        </>
      }
    >
      Mail appears here the moment a workflow or a test sends it. This list refreshes by itself.
    </EmptyState>
  );
}
