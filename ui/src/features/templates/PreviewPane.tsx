import {
  Alert,
  Badge,
  Center,
  Group,
  Loader,
  Paper,
  SegmentedControl,
  Stack,
  Tabs,
  Text,
} from '@mantine/core';
import { IconAlertTriangle, IconDeviceDesktop, IconDeviceMobile } from '@tabler/icons-react';
import { useState } from 'react';
import { Snippet } from '~/components/CopyText';
import { type PreviewState, placeOf } from '~/features/templates/preview';
import { UserPicker } from '~/features/templates/UserPicker';
import { bytes, duration } from '~/format';
import classes from '~/features/templates/PreviewPane.module.css';

interface PreviewPaneProps {
  preview: PreviewState & { stale: boolean };
  user: string | null;
  setUser: (user: string | null) => void;
}

const WIDTHS = { desktop: 640, mobile: 375 } as const;

/** The email as somebody will see it; while the code has an error, the last good rendering stays. */
export function PreviewPane({ preview, user, setUser }: PreviewPaneProps) {
  const { good, problem, stale } = preview;
  const [width, setWidth] = useState<keyof typeof WIDTHS>('desktop');
  return (
    <Stack gap="sm" component="section" aria-label="Preview">
      <Group justify="space-between" align="flex-end">
        <UserPicker user={user} setUser={setUser} />
        <SegmentedControl
          aria-label="Width of the preview"
          value={width}
          onChange={(next) => setWidth(next as keyof typeof WIDTHS)}
          data={[
            { value: 'desktop', label: <IconDeviceDesktop size={17} aria-label="Desktop" /> },
            { value: 'mobile', label: <IconDeviceMobile size={17} aria-label="Mobile" /> },
          ]}
        />
      </Group>
      {problem && (
        <Alert
          color="red"
          icon={<IconAlertTriangle size={20} />}
          title={placeOf(problem) || 'This cannot be rendered'}
        >
          <Text style={{ overflowWrap: 'anywhere' }}>{problem.message}</Text>
          {good && (
            <Text c="dimmed" mt={4}>
              Below is the last version that could be rendered.
            </Text>
          )}
        </Alert>
      )}
      {good?.warnings.map((warning) => (
        <Alert key={warning} color="amber" p="xs">
          {warning}
        </Alert>
      ))}
      {good ? (
        <Paper
          p={0}
          className={problem !== null || stale ? classes.old : undefined}
          style={{ overflow: 'hidden' }}
        >
          <Stack gap={2} px="md" py="sm" className={classes.head}>
            <Text fw={650} style={{ overflowWrap: 'anywhere' }}>
              {good.subject || 'No subject'}
            </Text>
            <Text size="xs" c="dimmed" lineClamp={1}>
              {good.preview_text || 'No preview text: mail programs show the first words instead'}
            </Text>
          </Stack>
          <Tabs defaultValue="html" keepMounted={false}>
            <Tabs.List px="sm">
              <Tabs.Tab value="html">As seen</Tabs.Tab>
              <Tabs.Tab value="text">Plain text</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="html" className={classes.stage}>
              {/* No scripts, no origin: what an author or a trait puts in cannot reach the page. */}
              <iframe
                title={`Preview of the email at ${width} width`}
                sandbox=""
                srcDoc={good.html}
                className={classes.frame}
                style={{ maxWidth: WIDTHS[width] }}
              />
            </Tabs.Panel>
            <Tabs.Panel value="text" p="md">
              <Snippet code={good.text} label="Plain text of the email" />
            </Tabs.Panel>
          </Tabs>
        </Paper>
      ) : (
        <Center h={320}>{problem ? null : <Loader aria-label="Rendering" />}</Center>
      )}
      {good && (
        <Group gap="xs">
          <Badge color={good.clipped ? 'red' : 'gray'} tt="none" className="numeric">
            {bytes(good.size_bytes)}
          </Badge>
          {good.clipped && <Text c="red">Gmail cuts a mail off at 102 kB: shorten it.</Text>}
          <Text size="xs" c="dimmed">
            rendered in {duration(good.took_ms)}
          </Text>
        </Group>
      )}
    </Stack>
  );
}
