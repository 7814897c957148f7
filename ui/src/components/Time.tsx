import { Text, type TextProps, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { exactTime, relativeTime } from '~/format';

interface TimeProps extends TextProps {
  at: number | null | undefined;
}

/** "3 minutes ago", kept current, with the exact time on hover and for screen readers. */
export function Time({ at, ...text }: TimeProps) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 15_000);
    return () => clearInterval(timer);
  }, []);
  if (at === null || at === undefined) return <Text {...text}>–</Text>;
  return (
    <Tooltip label={exactTime(at)}>
      <Text component="time" dateTime={new Date(at).toISOString()} {...text}>
        {relativeTime(at, now)}
      </Text>
    </Tooltip>
  );
}
