import { Group, Text } from '@mantine/core';

/** The mark: a call on the left, its response on the right. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#065f69" />
      <g fill="none" strokeLinecap="round" strokeWidth="3">
        <path d="M13.5 8.5a10.6 10.6 0 0 0 0 15" stroke="#fff" />
        <path d="M8.6 12.2a6 6 0 0 0 0 7.6" stroke="#fff" opacity=".55" />
        <path d="M18.5 8.5a10.6 10.6 0 0 1 0 15" stroke="#f2b34c" />
        <path d="M23.4 12.2a6 6 0 0 1 0 7.6" stroke="#f2b34c" opacity=".6" />
      </g>
    </svg>
  );
}

export function Brand() {
  return (
    <Group gap={10} wrap="nowrap">
      <Mark />
      <Text visibleFrom="xs" fw={680} fz={18} style={{ letterSpacing: '-0.01em' }}>
        Antiphon
      </Text>
    </Group>
  );
}
