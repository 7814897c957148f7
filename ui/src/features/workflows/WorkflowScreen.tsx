import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { NewOrStored } from '~/components/NewOrStored';
import { WorkflowEditor } from '~/features/workflows/WorkflowEditor';

const route = getRouteApi('/workflows/$id');

export function WorkflowScreen() {
  const { id } = route.useParams();
  return (
    <NewOrStored id={id} fresh={<WorkflowEditor key="new" workflow={null} />} one={read.workflow}>
      {(workflow) => <WorkflowEditor key={workflow.id} workflow={workflow} />}
    </NewOrStored>
  );
}
