import { Stack, Text } from '@mantine/core';
import { RowLink } from '~/components/LinkButton';

interface PersonCellProps {
  id: string;
  name?: string | null;
  email?: string | null;
  kind?: 'user' | 'company';
}

/** Somebody in a table: best name first, the rest below, a link to the profile. */
export function PersonCell({ id, name, email, kind = 'user' }: PersonCellProps) {
  const title = name ?? email ?? id;
  const below = [email, id].find((text) => text && text !== title);
  return (
    <Stack gap={0} maw={280} style={{ whiteSpace: 'nowrap' }}>
      <RowLink to={kind === 'user' ? '/users/$id' : '/companies/$id'} params={{ id }}>
        {title}
      </RowLink>
      {below && (
        <Text size="xs" c="dimmed" truncate>
          {below}
        </Text>
      )}
    </Stack>
  );
}
