import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import {
  type WorkflowDefinition,
  type WorkflowOut,
  createWorkflow,
  publishWorkflow,
  updateWorkflow,
} from '~/api/generated';
import * as read from '~/api/queries';
import { NEW_WORKFLOW } from '~/features/workflows/steps';

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A workflow's draft against the revision it was read at; see `useRuleDraft` for why `base` is kept apart. */
export function useWorkflowDraft(workflow: WorkflowOut | null, start: Partial<WorkflowDefinition>) {
  const queries = useQueryClient();
  const [base, setBase] = useState(workflow);
  const [name, setName] = useState(workflow?.name ?? '');
  const [definition, setDefinition] = useState<WorkflowDefinition>(
    workflow?.definition ?? { ...NEW_WORKFLOW, ...start },
  );
  const changed =
    base === null
      ? name.trim() !== '' || !same(definition, { ...NEW_WORKFLOW, ...start })
      : name !== base.name || !same(definition, base.definition);

  const take = async (saved: WorkflowOut) => {
    setBase(saved);
    setName(saved.name);
    setDefinition(saved.definition);
    queries.setQueryData(read.workflow(saved.id).queryKey, saved);
    await queries.invalidateQueries({ queryKey: ['workflows'] });
  };
  const write = (): Promise<WorkflowOut> => {
    if (base === null) return body(createWorkflow({ body: { name, definition }, throwOnError: true }));
    const change = { name, definition, revision: base.revision };
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
    if (base === null) return;
    const latest = await queries.fetchQuery({ ...read.workflow(base.id), staleTime: 0 });
    save.reset();
    await take(latest);
  };
  return { base, name, setName, definition, setDefinition, changed, save, reload };
}
