import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { type RuleOut, createRule, setRuleStatus, updateRule } from '~/api/generated';
import * as read from '~/api/queries';
import type { Example } from '~/features/rules/examples';

export interface Draft {
  name: string;
  description: string;
  text: string;
  subject_kind: RuleOut['subject_kind'];
}

interface Switch {
  status?: RuleOut['status'];
  messageMembers?: boolean; // those who match already when it is switched on are messaged too
}

const draftOf = (rule: RuleOut | null, start?: Example): Draft => ({
  name: rule?.name ?? start?.name ?? '',
  description: rule?.description ?? start?.about ?? '',
  text: rule?.text ?? start?.text ?? '',
  subject_kind: rule?.subject_kind ?? start?.subject_kind ?? 'user',
});

/**
 * What is being written, against what is stored. `base` is the rule as it was read: its revision goes with each save,
 * so that a newer one is never overwritten, even when the list behind the editor refreshes.
 */
export function useRuleDraft(rule: RuleOut | null, start?: Example) {
  const queries = useQueryClient();
  const [base, setBase] = useState(rule);
  const [draft, setDraft] = useState(() => draftOf(rule, start));
  const stored = draftOf(base);
  const changed =
    base === null
      ? draft.text.trim() !== '' || draft.name.trim() !== ''
      : draft.name !== stored.name || draft.description !== stored.description || draft.text !== stored.text;

  const take = async (saved: RuleOut) => {
    setBase(saved);
    setDraft(draftOf(saved));
    queries.setQueryData(read.rule(saved.id).queryKey, saved);
    await queries.invalidateQueries({ queryKey: ['rules'] });
  };
  const write = (): Promise<RuleOut> => {
    const { name, description, text, subject_kind } = draft;
    if (base === null) {
      return body(createRule({ body: { name, description, text, subject_kind }, throwOnError: true }));
    }
    const change = { name, description, text, revision: base.revision };
    return body(updateRule({ path: { rule_id: base.id }, body: change, throwOnError: true }));
  };
  const save = useMutation({
    mutationFn: async ({ status, messageMembers = false }: Switch) => {
      let saved = changed || base === null ? await write() : base;
      if (status !== undefined && status !== saved.status) {
        await take(saved); // what is saved stays saved, even if the switch fails
        const change = { status, revision: saved.revision, message_members: messageMembers };
        saved = await body(setRuleStatus({ path: { rule_id: saved.id }, body: change, throwOnError: true }));
      }
      await take(saved);
      return saved;
    },
  });
  const reload = async () => {
    if (base === null) return;
    const latest = await queries.fetchQuery({ ...read.rule(base.id), staleTime: 0 });
    save.reset();
    setBase(latest);
    setDraft(draftOf(latest));
  };
  const edit = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  return { base, draft, edit, changed, textChanged: draft.text !== stored.text, save, reload };
}
