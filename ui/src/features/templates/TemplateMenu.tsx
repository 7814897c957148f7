import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconHistory, IconTrash } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type TemplateContent, type TemplateOut, deleteTemplate, getTemplateVersion } from '~/api/generated';
import * as read from '~/api/queries';
import { notifyDone, notifyFailed } from '~/components/notify';
import { useRemoval } from '~/components/useRemoval';
import { exactTime } from '~/format';

interface TemplateMenuProps {
  template: TemplateOut;
  onRestore: (content: TemplateContent) => void;
}

/** Earlier versions, and deletion. */
export function TemplateMenu({ template, onRestore }: TemplateMenuProps) {
  const path = { template_id: template.id };
  const restore = useMutation({
    mutationFn: (version: number) =>
      body(getTemplateVersion({ path: { ...path, version }, throwOnError: true })),
    onSuccess: (content, version) => {
      onRestore(content);
      notifyDone(`Version ${version} is in the editor. Save or publish it to use it.`);
    },
    onError: (error) => notifyFailed('The version could not be read', error),
  });
  const askToDelete = useRemoval({
    made: template,
    noun: 'email',
    body: 'This cannot be undone. An email that a workflow uses is not deleted.',
    remove: () => deleteTemplate({ path, throwOnError: true }),
    list: '/emails',
    queryKey: read.templates.queryKey,
  });
  const versions = [...template.versions].sort((a, b) => b.version - a.version).slice(0, 12);
  return (
    <Menu position="bottom-end" width={300}>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More actions">
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Versions</Menu.Label>
        {versions.map(({ version, created_at }) => (
          <Menu.Item
            key={version}
            leftSection={<IconHistory size={16} />}
            onClick={() => restore.mutate(version)}
          >
            {version} · {exactTime(created_at)}
            {version === template.published_version && ' · published'}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={askToDelete}>
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
