import { Button, Center, Text } from '@mantine/core';
import { plural } from '~/format';

interface MoreRowsProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  shown: number;
  total?: number;
  noun: string;
  nouns?: string;
}

/** The end of a list that is read in pages: how much is shown, and a button for more. */
export function MoreRows({ query, shown, total, noun, nouns = `${noun}s` }: MoreRowsProps) {
  if (shown === 0) return null;
  return (
    <Center mt="md" style={{ gap: 14 }}>
      <Text c="dimmed" size="xs" className="numeric">
        {total !== undefined && total > shown
          ? `${shown} of ${plural(total, noun, nouns)}`
          : plural(shown, noun, nouns)}
      </Text>
      {query.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </Center>
  );
}
