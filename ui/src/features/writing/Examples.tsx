import { Paper, SimpleGrid, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Example } from '~/features/writing/written';
import classes from '~/features/writing/Examples.module.css';

interface ExamplesProps {
  examples: Example[];
  path: '/rules/new' | '/computed-traits/new';
  columns?: number;
}

/** Cards to start from; each opens an editor that is filled in. */
export function Examples({ examples, path, columns = 2 }: ExamplesProps) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: columns }}>
      {examples.map(({ key, name, title = name, about, text }) => (
        <Paper
          key={key}
          component={Link}
          to={`${path}?example=${key}`}
          className={classes.example}
          aria-label={`Start from the example: ${title}`}
        >
          <Title order={3}>{title}</Title>
          <Text c="dimmed">{about}</Text>
          <Text ff="monospace" fz={12.5} className={classes.text}>
            {text}
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
