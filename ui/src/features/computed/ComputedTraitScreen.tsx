import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { NewOrStored } from '~/components/NewOrStored';
import { ComputedTraitEditor } from '~/features/computed/ComputedTraitEditor';
import { FORMULAS } from '~/features/computed/examples';

const route = getRouteApi('/computed-traits/$id');

export function ComputedTraitScreen() {
  const { id } = route.useParams();
  const { example } = route.useSearch();
  const start = FORMULAS.find(({ key }) => key === example);
  return (
    <NewOrStored
      id={id}
      fresh={<ComputedTraitEditor key={`new ${example}`} trait={null} start={start} />}
      one={read.computedTrait}
    >
      {(trait) => <ComputedTraitEditor key={trait.id} trait={trait} />}
    </NewOrStored>
  );
}
