import { Badge, Group, Table, Text } from '@mantine/core';
import { IconMail, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { TemplateSummary } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchedList } from '~/components/SearchedList';
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
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={<IconMail size={26} />} title="Write your first email" actions={create}>
              It starts from a mail that works in every client. You see it rendered as any of your users while
              you write, and can send yourself a test. Workflows only send what is published.
            </EmptyState>
          ) : (
            <SearchedList
              items={items}
              search={search}
              onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
              label="Search emails"
              textOf={({ name, subject }) => `${name} ${subject}`}
              none="No email has that in its name or subject."
            >
              {(shown) => <TemplateTable templates={shown} />}
            </SearchedList>
          )
        }
      </Loaded>
    </>
  );
}

function TemplateTable({ templates }: { templates: TemplateSummary[] }) {
  return (
    <ListTable heads={['Email', 'Status', { right: 'Version' }, 'Changed']}>
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
          <Table.Td ta="right" data-label="version">
            {published_version ?? '–'}
          </Table.Td>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>
            <Time at={updated_at} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
