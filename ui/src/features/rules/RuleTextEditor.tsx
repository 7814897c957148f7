import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { Alert, Stack, Text } from '@mantine/core';
import type { EditorView } from '@codemirror/view';
import { useEffect, useMemo, useState } from 'react';
import { CodeEditor } from '~/components/CodeEditor';
import { Problem } from '~/components/Problem';
import { type Ask, ruleCompletion } from '~/features/rules/completion';
import { ruleLanguage } from '~/features/rules/language';
import type { RuleProblem } from '~/features/rules/ruleProblem';
import type { RuleCheck } from '~/features/rules/useRuleCheck';

interface RuleTextEditorProps {
  label?: string;
  description?: string;
  placeholder?: string;
  text: string;
  onChange: (text: string) => void;
  check: Pick<RuleCheck, 'problem' | 'failure'>;
  ask: Ask;
}

/** A rule's or formula's text, underlined where the server stops understanding it. */
export function RuleTextEditor({
  label = 'Rule',
  description = 'One condition, or several in all of ( … ; … ), any of ( … ; … ), none of ( … ; … ). Words and names complete as you type; Ctrl-Space shows what may stand here.',
  placeholder = 'count of api_call where status = 400 in the last 24 hours >= 5',
  text,
  onChange,
  check,
  ask,
}: RuleTextEditorProps) {
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

function ProblemText({ problem }: { problem: RuleProblem }) {
  const { message, expected } = problem;
  const told = expected.every((word) => message.includes(word)); // a short list is in the sentence already
  return (
    <Alert color="red" p="sm" title={message}>
      {!told && (
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
