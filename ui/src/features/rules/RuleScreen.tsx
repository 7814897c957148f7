import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { NewOrStored } from '~/components/NewOrStored';
import { EXAMPLES } from '~/features/rules/examples';
import { RuleEditor } from '~/features/rules/RuleEditor';

const route = getRouteApi('/rules/$id');

export function RuleScreen() {
  const { id } = route.useParams();
  const { example } = route.useSearch();
  const start = EXAMPLES.find(({ key }) => key === example);
  return (
    <NewOrStored
      id={id}
      fresh={<RuleEditor key={`new ${example}`} rule={null} start={start} />}
      one={read.rule}
    >
      {(rule) => <RuleEditor key={rule.id} rule={rule} />}
    </NewOrStored>
  );
}
