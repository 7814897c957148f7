import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import {
  type TemplateContent,
  type TemplateOut,
  createTemplate,
  publishTemplate,
  updateTemplate,
} from '~/api/generated';
import * as read from '~/api/queries';
import { STARTER } from '~/features/templates/starter';

export interface Draft {
  name: string;
  topic: string;
  content: TemplateContent;
}

const draftOf = (template: TemplateOut | null): Draft => ({
  name: template?.name ?? '',
  topic: template?.topic ?? '',
  content: template?.content ?? STARTER,
});

/** An email's draft against the revision it was read at; see `useRuleDraft` for why `base` is kept apart. */
export function useTemplateDraft(template: TemplateOut | null) {
  const queries = useQueryClient();
  const [base, setBase] = useState(template);
  const [draft, setDraft] = useState(() => draftOf(template));
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(base));
  const take = async (saved: TemplateOut) => {
    setBase(saved);
    setDraft(draftOf(saved));
    queries.setQueryData(read.template(saved.id).queryKey, saved);
    await queries.invalidateQueries({ queryKey: read.templates.queryKey });
  };
  const write = (): Promise<TemplateOut> => {
    if (base === null) return body(createTemplate({ body: draft, throwOnError: true }));
    const change = { ...draft, revision: base.revision };
    return body(updateTemplate({ path: { template_id: base.id }, body: change, throwOnError: true }));
  };
  const save = useMutation({
    mutationFn: async (publish: boolean) => {
      let saved = changed || base === null ? await write() : base;
      await take(saved);
      if (publish) {
        const path = { template_id: saved.id };
        saved = await body(publishTemplate({ path, body: { revision: saved.revision }, throwOnError: true }));
        await take(saved);
      }
      return saved;
    },
  });
  const reload = async () => {
    if (base === null) return;
    const latest = await queries.fetchQuery({ ...read.template(base.id), staleTime: 0 });
    save.reset();
    await take(latest);
  };
  const edit = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const editContent = (change: Partial<TemplateContent>) =>
    setDraft((before) => ({ ...before, content: { ...before.content, ...change } }));
  return { base, draft, edit, editContent, changed, save, reload };
}
