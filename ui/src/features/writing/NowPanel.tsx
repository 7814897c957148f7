import { Paper, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { messageOf } from '~/api/errors';
import type { TextCheck } from '~/features/writing/useTextCheck';
import { count, duration } from '~/format';

interface NowPanelProps<P> {
  title: string;
  check: TextCheck<P>;
  nouns: string;
  /** Of how many it is true, and what is said below that number. */
  headline: (preview: P) => { number: number; words: string };
  done: 'Counted' | 'Computed';
  whenEmpty: string;
  whenUnread: string;
  children: (preview: P) => ReactNode;
}

/** What a text comes to right now, over everybody, before anything is saved. Dimmed while out of date. */
export function NowPanel<P extends { of: number; took_ms: number }>(props: NowPanelProps<P>) {
  const { title, check, nouns, headline, done, whenEmpty, whenUnread, children } = props;
  const { preview, stale, empty, problem, previewFailure } = check;
  const shown = empty || !preview ? null : { preview, ...headline(preview) };
  return (
    <Paper component="section" aria-label={title} aria-busy={stale}>
      <Text c="dimmed" fw={500}>
        {title}
      </Text>
      {shown === null ? (
        <Text fz={34} fw={680} lh={1.2} c="dimmed" aria-hidden>
          –
        </Text>
      ) : (
        <div className={stale ? 'stale' : undefined}>
          <Text fz={34} fw={680} lh={1.2} className="numeric" style={{ letterSpacing: '-0.02em' }}>
            {count(shown.number)}
          </Text>
          <Text c="dimmed" className="numeric">
            {shown.words}
          </Text>
          {shown.preview.of === 0 && (
            <Text c="dimmed" mt="xs">
              No {nouns} are known yet. They appear with their first event, and so does this number.
            </Text>
          )}
          {children(shown.preview)}
          <Text size="xs" c="dimmed" mt="md">
            {done} over the stored history in {duration(shown.preview.took_ms)}.
          </Text>
        </div>
      )}
      {empty && <Text c="dimmed">{whenEmpty}</Text>}
      {problem && <Text c="dimmed">{whenUnread}</Text>}
      {shown === null && !empty && !problem && previewFailure === null && (
        <Text c="dimmed">Looking at everybody …</Text>
      )}
      {previewFailure !== null && !problem && (
        <Text c="red" role="alert">
          {messageOf(previewFailure)}
        </Text>
      )}
    </Paper>
  );
}
