import { useMutation } from '@tanstack/react-query';
import { body } from '~/api/client';
import {
  type TemplateContent,
  type TemplateOut,
  createTemplate,
  publishTemplate,
  updateTemplate,
} from '~/api/generated';
import * as read from '~/api/queries';
import { useDraft } from '~/components/useDraft';
import { STARTER } from '~/features/templates/starter';

export interface Draft {
  name: string;
  topic: string;
  content: TemplateContent;
}

const draftOf = ({ name, topic, content }: TemplateOut): Draft => ({ name, topic, content });
const BLANK: Draft = { name: '', topic: '', content: STARTER };

/** An email's draft against the revision it was read at. */
export function useTemplateDraft(template: TemplateOut | null) {
  const kept = useDraft({
    stored: template,
    draftOf,
    blank: BLANK,
    one: read.template,
    all: read.templates.queryKey,
  });
  const { base, draft, setDraft, changed, take, takeLatest } = kept;
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
    await takeLatest();
    save.reset();
  };
  const editContent = (change: Partial<TemplateContent>) =>
    setDraft((before) => ({ ...before, content: { ...before.content, ...change } }));
  return { ...kept, editContent, save, reload };
}
