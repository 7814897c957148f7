import { Badge, Button, Grid, Group, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { TemplateOut } from '~/api/generated';
import { isConflict } from '~/api/errors';
import * as read from '~/api/queries';
import { ConflictNotice } from '~/components/ConflictNotice';
import { notifyDone, notifyFailed } from '~/components/notify';
import { PageHeader } from '~/components/PageHeader';
import { StatusBadge } from '~/components/StatusBadge';
import { UnsavedGuard } from '~/components/UnsavedGuard';
import { PreviewPane } from '~/features/templates/PreviewPane';
import { TemplateForm } from '~/features/templates/TemplateForm';
import { TemplateMenu } from '~/features/templates/TemplateMenu';
import { TestSend } from '~/features/templates/TestSend';
import { usePreview } from '~/features/templates/usePreview';
import { useTemplateDraft } from '~/features/templates/useTemplateDraft';

/** An email as code with its rendering beside it; `template` is null for a new one. */
export function TemplateEditor({ template }: { template: TemplateOut | null }) {
  const navigate = useNavigate();
  const { base, draft, edit, editContent, changed, save, reload } = useTemplateDraft(template);
  const [chosen, setUser] = useState<string | null | undefined>(undefined);
  const newest = useInfiniteQuery(read.people('user', {}));
  if (chosen === undefined && newest.data) {
    setUser(newest.data.pages[0]?.items[0]?.id ?? null); // the user seen last, until somebody is chosen
  }
  const user = chosen ?? null;
  const preview = usePreview(draft.content, user);
  const [dialog, { open, close }] = useDisclosure();
  const status = (base?.published_version ?? null) === null ? 'draft' : 'published';
  const ahead = base !== null && base.published_version !== base.latest_version;
  const named = draft.name.trim() !== '' && draft.content.subject.trim() !== '';
  const publishable =
    named && preview.problem === null && !preview.stale && (changed || ahead || base === null);
  const store = (publish: boolean) =>
    save.mutate(publish, {
      onSuccess: (saved) => {
        notifyDone(publish ? `“${saved.name}” is published.` : `“${saved.name}” is saved as a draft.`);
        if (base === null) {
          const params = { id: String(saved.id) };
          void navigate({ to: '/emails/$id', params, replace: true, ignoreBlocker: true });
        }
      },
      onError: (error) => {
        if (!isConflict(error) || base === null) notifyFailed(publish ? 'Not published' : 'Not saved', error);
      },
      onSettled: close,
    });

  return (
    <>
      <UnsavedGuard changed={changed} />
      <PageHeader
        title={base?.name ?? 'New email'}
        badge={
          <Group gap={6}>
            <StatusBadge status={status} />
            {status === 'published' && ahead && <Badge color="amber">newer draft</Badge>}
          </Group>
        }
        actions={
          <>
            {base && <TemplateMenu template={base} onRestore={(content) => edit({ content })} />}
            <TestSend content={draft.content} user={user} disabled={preview.problem !== null} />
            <Button
              variant="default"
              disabled={!changed || draft.name.trim() === ''}
              loading={save.isPending && !dialog}
              onClick={() => store(false)}
            >
              Save draft
            </Button>
            <Button disabled={!publishable} onClick={open}>
              Publish…
            </Button>
          </>
        }
      />
      {base !== null && isConflict(save.error) && (
        <ConflictNotice noun="email" onReload={() => void reload()} />
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <TemplateForm draft={draft} edit={edit} editContent={editContent} problem={preview.problem} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <PreviewPane preview={preview} user={user} setUser={setUser} />
        </Grid.Col>
      </Grid>
      <Modal opened={dialog} onClose={close} title={`Publish “${draft.name}”?`}>
        <Text>Workflows that send this email use this version from their next send on.</Text>
        {preview.good && preview.good.warnings.length > 0 && (
          <Text mt="sm" c="dimmed">
            It has warnings: {preview.good.warnings.join(' ')}
          </Text>
        )}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            Keep editing
          </Button>
          <Button loading={save.isPending} onClick={() => store(true)} data-autofocus>
            Publish
          </Button>
        </Group>
      </Modal>
    </>
  );
}
