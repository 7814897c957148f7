import { Text, type TextProps } from '@mantine/core';
import classes from '~/features/writing/Sentence.module.css';

const GROUP = /\b(all of|any of|none of|at least \d+ of|and|or)\b/gi;

function kindOf(word: string): string | undefined {
  const lower = word.toLowerCase();
  if (lower === 'all of' || lower === 'and') return classes.all;
  if (lower === 'any of' || lower === 'or' || lower.startsWith('at least')) return classes.any;
  return lower === 'none of' ? classes.none : undefined;
}

/** A rule as people say it, with the words that join its conditions coloured. */
export function Sentence({ text, ...props }: { text: string } & TextProps) {
  return (
    <Text {...props}>
      {text.split(GROUP).map((part, position) => (
        <span key={position} className={position % 2 === 1 ? kindOf(part) : undefined}>
          {part}
        </span>
      ))}
    </Text>
  );
}
