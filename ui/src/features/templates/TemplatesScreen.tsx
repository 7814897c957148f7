import { Badge, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { IconMail, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { TemplateSummary } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchInput } from '~/components/SearchInput';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';

const route = getRouteApi('/emails');

export function TemplatesScreen() {
  const { search } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.templates);
  const create = (
    <LinkButton to="/emails/$id" params={{ id: 'new' }} leftSection={<IconPlus size={16} />}>
      New email
    </LinkButton>
  );
  return (
    <>
      <PageHeader
        title="Emails"
        description="What your workflows send: written in MJML or HTML with Liquid, previewed as a real user."
        actions={create}
      />
      <Loaded query={query}>
        {({ items }) => {
          if (items.length === 0) {
            return (
              <EmptyState icon={<IconMail size={26} />} title="Write your first email" actions={create}>
                It starts from a mail that works in every client. You see it rendered as any of your users
                while you write, and can send yourself a test. Workflows only send what is published.
              </EmptyState>
            );
          }
          const wanted = search?.toLowerCase() ?? '';
          const shown = items.filter(({ name, subject }) =>
            `${name} ${subject}`.toLowerCase().includes(wanted),
          );
          return (
            <Stack>
              <SearchInput
                label="Search emails"
                value={search}
                onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
                maw={360}
              />
              {shown.length === 0 ? (
                <Text c="dimmed">No email has that in its name or subject.</Text>
              ) : (
                <Paper p={0}>
                  <TemplateTable templates={shown} />
                </Paper>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}

function TemplateTable({ templates }: { templates: TemplateSummary[] }) {
  return (
    <Table.ScrollContainer minWidth={620}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Email</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Version</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {templates.map(({ id, name, subject, published_version, latest_version, updated_at }) => (
            <Table.Tr key={id}>
              <Table.Td maw={460}>
                <RowLink to="/emails/$id" params={{ id: String(id) }}>
                  {name}
                </RowLink>
                <Text size="xs" c="dimmed" truncate>
                  {subject || 'No subject yet'}
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <StatusBadge status={published_version === null ? 'draft' : 'published'} />
                  {published_version !== null && published_version !== latest_version && (
                    <Badge color="amber">newer draft</Badge>
                  )}
                </Group>
              </Table.Td>
              <Table.Td ta="right">{published_version ?? '–'}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={updated_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
