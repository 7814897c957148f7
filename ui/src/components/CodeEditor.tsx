import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import CodeMirror, { type Extension } from '@uiw/react-codemirror';
import { Input, useComputedColorScheme } from '@mantine/core';
import { useId, useMemo } from 'react';

interface CodeEditorProps {
  label: string;
  labelHidden?: boolean;
  description?: string;
  value: string;
  onChange: (value: string) => void;
  extensions: Extension[];
  minHeight?: string;
  maxHeight?: string;
  invalid?: boolean;
  lineNumbers?: boolean;
  placeholder?: string;
  onCreate?: (view: EditorView) => void;
}

const palette = {
  light: {
    keyword: '#065f69',
    name: '#1d2b33',
    string: '#8a4b00',
    number: '#5b3fa8',
    comment: '#5f6d75',
    tag: '#0b5ba8',
  },
  dark: {
    keyword: '#7ac2c9',
    name: '#dfe5e8',
    string: '#f2b34c',
    number: '#b9a5f2',
    comment: '#93a0a8',
    tag: '#7fb8ee',
  },
};

function look(scheme: 'light' | 'dark'): Extension[] {
  const colors = palette[scheme];
  const style = HighlightStyle.define([
    {
      tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.modifier],
      color: colors.keyword,
      fontWeight: '600',
    },
    { tag: [tags.string, tags.attributeValue], color: colors.string },
    { tag: [tags.number, tags.bool, tags.null, tags.unit], color: colors.number },
    { tag: [tags.comment, tags.meta], color: colors.comment },
    { tag: [tags.tagName, tags.angleBracket], color: colors.tag },
    { tag: [tags.attributeName, tags.propertyName], color: colors.keyword },
    { tag: [tags.variableName, tags.content], color: colors.name },
  ]);
  const base = EditorView.theme(
    {
      '&': { backgroundColor: 'transparent', fontSize: '13.5px', color: colors.name },
      '&.cm-focused': { outline: 'none' },
      '.cm-content': {
        fontFamily: 'var(--mantine-font-family-monospace)',
        padding: '10px 0',
        caretColor: colors.name,
      },
      '.cm-line': { padding: '0 12px' },
      '.cm-gutters': { backgroundColor: 'transparent', border: 'none', color: 'var(--mantine-color-dimmed)' },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
      '&.cm-focused .cm-activeLine': {
        backgroundColor: 'color-mix(in srgb, var(--antiphon-call) 6%, transparent)',
      },
      '.cm-cursor': { borderLeftColor: colors.name },
      '.cm-placeholder': { color: 'var(--mantine-color-placeholder)' },
      '.cm-tooltip': {
        backgroundColor: 'var(--antiphon-surface)',
        border: '1px solid var(--antiphon-line)',
        borderRadius: '8px',
        overflow: 'hidden',
      },
      '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
        backgroundColor: 'var(--mantine-primary-color-filled)',
        color: '#fff',
      },
      '.cm-lintRange-error': {
        backgroundImage: 'none',
        textDecoration: 'underline wavy var(--mantine-color-error)',
        textUnderlineOffset: '4px',
      },
    },
    { dark: scheme === 'dark' },
  );
  return [base, syntaxHighlighting(style)];
}

/** A text field for code: labelled, themed, and leaving Tab to the keyboard's usual way through the page. */
export function CodeEditor({
  label,
  labelHidden = false,
  description,
  invalid,
  lineNumbers = false,
  extensions,
  onCreate,
  ...editor
}: CodeEditorProps) {
  const scheme = useComputedColorScheme('light');
  const id = useId();
  const all = useMemo(
    () => [
      ...look(scheme),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({
        'aria-labelledby': id,
        tabindex: '0',
        ...(invalid && { 'aria-invalid': 'true' }),
      }),
      ...extensions,
    ],
    [scheme, id, invalid, extensions],
  );
  return (
    <Input.Wrapper
      label={label}
      labelElement="div"
      labelProps={{ id, ...(labelHidden && { className: 'hidden-label' }) }}
      description={description}
    >
      <div
        className="code-frame"
        data-invalid={invalid || undefined}
        style={{ marginTop: description ? 6 : labelHidden ? 0 : 4 }}
      >
        <CodeMirror
          theme="none"
          extensions={all}
          indentWithTab={false}
          basicSetup={{
            lineNumbers,
            foldGutter: false,
            highlightActiveLineGutter: false,
            searchKeymap: lineNumbers,
            syntaxHighlighting: false,
          }}
          onCreateEditor={(view) => onCreate?.(view)}
          {...editor}
        />
      </div>
    </Input.Wrapper>
  );
}
