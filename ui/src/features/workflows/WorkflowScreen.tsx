import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';
import { WorkflowEditor } from '~/features/workflows/WorkflowEditor';

const route = getRouteApi('/workflows/$id');

export function WorkflowScreen() {
  const { id } = route.useParams();
  if (id === 'new') return <WorkflowEditor key="new" workflow={null} />;
  return /^\d+$/.test(id) ? <StoredWorkflow id={Number(id)} /> : <NotFound />;
}

function StoredWorkflow({ id }: { id: number }) {
  const query = useQuery(read.workflow(id));
  return (
    <Loaded query={query}>{(workflow) => <WorkflowEditor key={workflow.id} workflow={workflow} />}</Loaded>
  );
}
