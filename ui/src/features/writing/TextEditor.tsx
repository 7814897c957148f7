import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { Alert, Stack, Text } from '@mantine/core';
import type { EditorView } from '@codemirror/view';
import { useEffect, useMemo, useState } from 'react';
import { CodeEditor } from '~/components/CodeEditor';
import { Problem } from '~/components/Problem';
import { type Ask, ruleCompletion } from '~/features/writing/completion';
import { ruleLanguage } from '~/features/writing/language';
import type { TextProblem } from '~/features/writing/textProblem';
import type { TextCheck } from '~/features/writing/useTextCheck';

interface TextEditorProps {
  label: string;
  description: string;
  placeholder: string;
  text: string;
  onChange: (text: string) => void;
  check: Pick<TextCheck<unknown>, 'problem' | 'failure'>;
  ask: Ask;
}

/** A rule's or formula's text, underlined where the server stops understanding it. */
export function TextEditor({ label, description, placeholder, text, onChange, check, ask }: TextEditorProps) {
  const [view, setView] = useState<EditorView | null>(null);
  const extensions = useMemo(() => [ruleLanguage, ruleCompletion(ask)], [ask]);
  const { problem } = check;
  useEffect(() => {
    if (!view) return;
    const length = view.state.doc.length;
    const found: Diagnostic[] =
      problem && problem.from <= length
        ? [
            {
              from: problem.from,
              to: Math.min(problem.to, length),
              severity: 'error',
              message: problem.message,
            },
          ]
        : [];
    view.dispatch(setDiagnostics(view.state, found));
  }, [view, problem, text]);
  return (
    <Stack gap="sm">
      <CodeEditor
        label={label}
        description={description}
        value={text}
        onChange={onChange}
        extensions={extensions}
        minHeight="112px"
        maxHeight="420px"
        invalid={problem !== null}
        placeholder={placeholder}
        onCreate={setView}
      />
      {problem && <ProblemText problem={problem} />}
      {check.failure !== null && <Problem error={check.failure} />}
    </Stack>
  );
}

/** The first of what was expected and how many more there are, as the server says it. */
const SOME_OF_THEM = / Expected (?:(?! Did you mean ).)* or \d+ others\./;

function ProblemText({ problem }: { problem: TextProblem }) {
  const { message, expected } = problem;
  const short = message.replace(SOME_OF_THEM, ''); // all of them are listed below
  return (
    <Alert color="red" p="sm" title={short}>
      {(short !== message || !expected.every((word) => message.includes(word))) && (
        <Text>
          What can stand here:{' '}
          <Text span ff="monospace" fz={13}>
            {expected.join(', ')}
          </Text>
        </Text>
      )}
    </Alert>
  );
}
