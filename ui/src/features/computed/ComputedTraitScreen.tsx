import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { Loaded } from '~/components/Loaded';
import { NotFound } from '~/components/NotFound';
import { ComputedTraitEditor } from '~/features/computed/ComputedTraitEditor';
import { FORMULAS } from '~/features/computed/examples';

const route = getRouteApi('/computed-traits/$id');

export function ComputedTraitScreen() {
  const { id } = route.useParams();
  const { example } = route.useSearch();
  if (id === 'new') {
    const start = FORMULAS.find(({ key }) => key === example);
    return <ComputedTraitEditor key={`new ${example}`} trait={null} start={start} />;
  }
  return /^\d+$/.test(id) ? <StoredTrait id={Number(id)} /> : <NotFound />;
}

function StoredTrait({ id }: { id: number }) {
  const query = useQuery(read.computedTrait(id));
  return <Loaded query={query}>{(trait) => <ComputedTraitEditor key={trait.id} trait={trait} />}</Loaded>;
}
