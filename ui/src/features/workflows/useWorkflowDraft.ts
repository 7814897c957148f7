import { useMutation } from '@tanstack/react-query';
import { body } from '~/api/client';
import {
  type WorkflowDefinition,
  type WorkflowOut,
  createWorkflow,
  publishWorkflow,
  updateWorkflow,
} from '~/api/generated';
import * as read from '~/api/queries';
import { useDraft } from '~/components/useDraft';
import { NEW_WORKFLOW } from '~/features/workflows/steps';

interface Draft {
  name: string;
  definition: WorkflowDefinition;
}

const draftOf = ({ name, definition }: WorkflowOut): Draft => ({ name, definition });

/** A workflow's draft against the revision it was read at. */
export function useWorkflowDraft(workflow: WorkflowOut | null, start: Partial<WorkflowDefinition>) {
  const kept = useDraft({
    stored: workflow,
    draftOf,
    blank: { name: '', definition: { ...NEW_WORKFLOW, ...start } },
    one: read.workflow,
    all: ['workflows'],
  });
  const { base, draft, setDraft, changed, take, takeLatest } = kept;
  const write = (): Promise<WorkflowOut> => {
    if (base === null) return body(createWorkflow({ body: draft, throwOnError: true }));
    const change = { ...draft, revision: base.revision };
    return body(updateWorkflow({ path: { workflow_id: base.id }, body: change, throwOnError: true }));
  };
  const save = useMutation({
    mutationFn: async (publish: boolean) => {
      let saved = changed || base === null ? await write() : base;
      await take(saved);
      if (publish) {
        const path = { workflow_id: saved.id };
        saved = await body(publishWorkflow({ path, body: { revision: saved.revision }, throwOnError: true }));
        await take(saved);
      }
      return saved;
    },
  });
  const reload = async () => {
    await takeLatest();
    save.reset();
  };
  const define = (change: (before: WorkflowDefinition) => WorkflowDefinition) =>
    setDraft((before) => ({ ...before, definition: change(before.definition) }));
  return { ...kept, define, save, reload };
}
