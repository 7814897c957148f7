import type { ProfileOut } from '~/api/generated';

const SHOWN_ELSEWHERE = new Set([
  'company',
  'company_id',
  'name',
  'email',
  'first_name',
  'last_name',
  'firstName',
  'lastName',
  'avatar',
]);
const PREFERRED = ['plan', 'role', 'status', 'country'];

/** The traits worth a column: those that most of these profiles have, well-known ones first, at most `most`. */
export function traitColumns(profiles: ProfileOut[], most = 3): string[] {
  const seen = new Map<string, number>();
  for (const { traits } of profiles) {
    for (const [trait, value] of Object.entries(traits)) {
      if (!SHOWN_ELSEWHERE.has(trait) && typeof value !== 'object')
        seen.set(trait, (seen.get(trait) ?? 0) + 1);
    }
  }
  const rank = (trait: string) => (PREFERRED.includes(trait) ? PREFERRED.indexOf(trait) : PREFERRED.length);
  return [...seen]
    .sort(([a, timesA], [b, timesB]) => rank(a) - rank(b) || timesB - timesA || a.localeCompare(b))
    .slice(0, most)
    .map(([trait]) => trait);
}
