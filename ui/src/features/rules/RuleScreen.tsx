import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';
import { EXAMPLES } from '~/features/rules/examples';
import { RuleEditor } from '~/features/rules/RuleEditor';

const route = getRouteApi('/rules/$id');

export function RuleScreen() {
  const { id } = route.useParams();
  const { example } = route.useSearch();
  if (id === 'new') {
    const start = EXAMPLES.find(({ key }) => key === example);
    return <RuleEditor key={`new ${example}`} rule={null} start={start} />;
  }
  return /^\d+$/.test(id) ? <StoredRule id={Number(id)} /> : <NotFound />;
}

function StoredRule({ id }: { id: number }) {
  const query = useQuery(read.rule(id));
  return <Loaded query={query}>{(rule) => <RuleEditor key={rule.id} rule={rule} />}</Loaded>;
}
