import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { NewOrStored } from '~/components/NewOrStored';
import { TemplateEditor } from '~/features/templates/TemplateEditor';

const route = getRouteApi('/emails/$id');

export function TemplateScreen() {
  const { id } = route.useParams();
  return (
    <NewOrStored id={id} fresh={<TemplateEditor key="new" template={null} />} one={read.template}>
      {(template) => <TemplateEditor key={template.id} template={template} />}
    </NewOrStored>
  );
}
