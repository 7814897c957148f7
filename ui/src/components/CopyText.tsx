import { ActionIcon, Box, Code, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

export function CopyIcon({ value, label = 'Copy' }: { value: string; label?: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon
            variant="default"
            size="md"
            onClick={copy}
            aria-label={copied ? 'Copied' : label}
            color={copied ? 'green' : undefined}
          >
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A block of code with a copy button on it. */
export function Snippet({ code, label }: { code: string; label: string }) {
  return (
    <Box pos="relative">
      <Box pos="absolute" top={8} right={8} style={{ zIndex: 1 }}>
        <CopyIcon value={code} label={`Copy ${label}`} />
      </Box>
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label={label}
        p="md"
        pr={52}
        fz={13}
        style={{ background: 'var(--antiphon-sunken)', overflowX: 'auto', lineHeight: 1.6 }}
      >
        {code}
      </Code>
    </Box>
  );
}
