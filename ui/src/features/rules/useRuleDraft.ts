import { useMutation } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type RuleOut, createRule, setRuleStatus, updateRule } from '~/api/generated';
import * as read from '~/api/queries';
import { useDraft } from '~/components/useDraft';
import { type Example, draftOf, started } from '~/features/writing/written';

interface Switch {
  status?: RuleOut['status'];
  messageMembers?: boolean; // those who match already when it is switched on are messaged too
}

/** A rule's draft against the revision it was read at. */
export function useRuleDraft(rule: RuleOut | null, start?: Example) {
  const kept = useDraft({
    stored: rule,
    draftOf,
    blank: started(),
    start: started(start),
    one: read.rule,
    all: ['rules'],
  });
  const { base, draft, written, changed, take, takeLatest } = kept;
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
    await takeLatest();
    save.reset();
  };
  return { ...kept, textChanged: draft.text !== written.text, save, reload };
}
