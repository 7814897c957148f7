import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';
import { TemplateEditor } from '~/features/templates/TemplateEditor';

const route = getRouteApi('/emails/$id');

export function TemplateScreen() {
  const { id } = route.useParams();
  if (id === 'new') return <TemplateEditor key="new" template={null} />;
  return /^\d+$/.test(id) ? <StoredTemplate id={Number(id)} /> : <NotFound />;
}

function StoredTemplate({ id }: { id: number }) {
  const query = useQuery(read.template(id));
  return (
    <Loaded query={query}>{(template) => <TemplateEditor key={template.id} template={template} />}</Loaded>
  );
}
