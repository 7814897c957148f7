import { html } from '@codemirror/lang-html';
import { liquid } from '@codemirror/lang-liquid';
import { setDiagnostics } from '@codemirror/lint';
import type { EditorView } from '@codemirror/view';
import { Button, Group, Menu, SegmentedControl, Stack, Tabs, TextInput } from '@mantine/core';
import { IconBraces } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { TemplateContent } from '~/api/generated';
import { CodeEditor } from '~/components/CodeEditor';
import type { PreviewProblem } from '~/features/templates/preview';
import { MERGE_TAGS } from '~/features/templates/starter';
import type { Draft } from '~/features/templates/useTemplateDraft';

const MARKUP = [liquid({ base: html({ matchClosingTags: true, autoCloseTags: true }) })];
const PLAIN = [liquid()];

interface TemplateFormProps {
  draft: Draft;
  edit: (change: Partial<Draft>) => void;
  editContent: (change: Partial<TemplateContent>) => void;
  problem: PreviewProblem | null;
}

/** Name, subject, preview text and the code of the body. */
export function TemplateForm({ draft, edit, editContent, problem }: TemplateFormProps) {
  const { content } = draft;
  const [part, setPart] = useState<'body' | 'text'>('body');
  const [view, setView] = useState<EditorView | null>(null);
  const errorIn = (field: string) => (problem?.where === field ? problem.message : undefined);
  const line = problem?.where === part || (problem?.where === null && part === 'body') ? problem.line : null;
  const message = problem?.message ?? '';
  const code = content[part];

  useEffect(() => {
    if (!view) return;
    const { doc } = view.state;
    const marked = line === null ? null : doc.line(Math.max(1, Math.min(line, doc.lines)));
    const diagnostics = marked
      ? [{ from: marked.from, to: marked.to, severity: 'error' as const, message }]
      : [];
    view.dispatch(setDiagnostics(view.state, diagnostics));
  }, [view, line, message, code]);

  const insert = (tag: string) => {
    if (!view) return;
    view.dispatch(view.state.replaceSelection(tag));
    view.focus();
  };
  return (
    <Stack>
      <Group grow align="flex-start">
        <TextInput
          label="Name"
          description="For you and your colleagues"
          placeholder="Help with client errors"
          value={draft.name}
          onChange={(event) => edit({ name: event.currentTarget.value })}
          maxLength={200}
          required
        />
        <TextInput
          label="Topic"
          description="What can be unsubscribed from"
          placeholder="product-help"
          value={draft.topic}
          onChange={(event) => edit({ topic: event.currentTarget.value })}
          maxLength={100}
        />
      </Group>
      <TextInput
        label="Subject"
        value={content.subject}
        onChange={(event) => editContent({ subject: event.currentTarget.value })}
        error={errorIn('subject')}
        maxLength={998}
        required
      />
      <TextInput
        label="Preview text"
        description="Shown after the subject in a list of mails"
        value={content.preview_text}
        onChange={(event) => editContent({ preview_text: event.currentTarget.value })}
        error={errorIn('preview_text')}
        maxLength={998}
      />
      <Tabs value={part} onChange={(next) => setPart(next === 'text' ? 'text' : 'body')} keepMounted={false}>
        <Group justify="space-between" align="center" mb="xs">
          <Tabs.List>
            <Tabs.Tab value="body">Body</Tabs.Tab>
            <Tabs.Tab value="text">Plain text</Tabs.Tab>
          </Tabs.List>
          <Group gap="xs">
            <SegmentedControl
              aria-label="Language of the body"
              size="xs"
              data={[
                { value: 'mjml', label: 'MJML' },
                { value: 'html', label: 'HTML' },
              ]}
              value={content.language}
              onChange={(language) => editContent({ language: language as TemplateContent['language'] })}
            />
            <Menu position="bottom-end">
              <Menu.Target>
                <Button size="xs" variant="default" leftSection={<IconBraces size={15} />}>
                  Insert
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {MERGE_TAGS.map(({ label, tag }) => (
                  <Menu.Item key={label} onClick={() => insert(tag)}>
                    {label}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
        <Tabs.Panel value="body" tabIndex={-1}>
          <CodeEditor
            label="Body"
            labelHidden
            value={content.body}
            onChange={(next) => editContent({ body: next })}
            extensions={MARKUP}
            lineNumbers
            minHeight="420px"
            maxHeight="70vh"
            invalid={line !== null}
            onCreate={setView}
          />
        </Tabs.Panel>
        <Tabs.Panel value="text" tabIndex={-1}>
          <CodeEditor
            label="Plain text"
            labelHidden
            description="Leave it empty, and it is made from the HTML when it is sent."
            value={content.text}
            onChange={(next) => editContent({ text: next })}
            extensions={PLAIN}
            lineNumbers
            minHeight="420px"
            maxHeight="70vh"
            invalid={problem?.where === 'text'}
            onCreate={setView}
          />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
