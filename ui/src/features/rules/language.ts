/** The rule language as the editor sees it: colours and completion. The grammar itself is the server's. */
import { autocompletion, type Completion, type CompletionContext } from '@codemirror/autocomplete';
import { StreamLanguage } from '@codemirror/language';

const GROUPS = /^(all of|any of|none of|at least \d+ of)\b/;
const PHRASES =
  /^(count of|distinct|sum of|avg of|min of|max of|p50 of|p90 of|p95 of|p99 of|days active of|ratio of|first|last|time since first|time since last|in the last|within the next|within|known for at least|in segment|not in segment|starts with|ends with|contains|matches regex|matches|not in|exists|missing|where|and|did|then|not|for|to|ever|today|this week|this month|this billing period|since|between|in|of|its average over the previous|if|then|else|min|max|round|floor|ceil|abs|date|now)\b/;
const UNITS = /^(minutes?|hours?|days?|weeks?|months?)\b/;

export const ruleLanguage = StreamLanguage.define({
  name: 'rule',
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^\d+(\.\d+)?%?/)) return 'number';
    if (stream.match(/^(true|false|null)\b/)) return 'bool';
    if (stream.match(GROUPS)) return 'controlKeyword';
    if (stream.match(UNITS)) return 'unit';
    if (stream.match(PHRASES)) return 'keyword';
    if (stream.match(/^(!=|<=|>=|=|<|>)/)) return 'operatorKeyword';
    if (stream.match(/^[A-Za-z_$*][\w.$*-]*/)) return 'variableName';
    stream.next();
    return null;
  },
});

const WORDS: Completion[] = [
  { label: 'count of ', detail: 'how many events', boost: 2 },
  { label: 'days active of ', detail: 'on how many days' },
  { label: 'distinct ', detail: 'how many different values' },
  { label: 'sum of ', detail: 'total of a property' },
  { label: 'time since last ', detail: 'how long ago' },
  { label: 'time since first ', detail: 'how long ago' },
  { label: 'where ', detail: 'only events like this' },
  { label: 'and ', detail: 'one more property' },
  { label: 'in the last 24 hours', detail: 'window' },
  { label: 'in the last 7 days', detail: 'window' },
  { label: 'ever', detail: 'window' },
  { label: 'known for at least 0 days', detail: 'newcomers too' },
  { label: 'all of (', detail: 'every condition' },
  { label: 'any of (', detail: 'one is enough' },
  { label: 'none of (', detail: 'not one of them' },
].map((word) => ({ ...word, type: 'keyword' }));

/** What has been seen: names, properties and traits offered while typing. */
export interface Vocabulary {
  events: string[];
  properties: string[];
  traits: string[];
}

const quoted = (name: string) => (/^[A-Za-z_$][\w.$]*$/.test(name) ? name : `"${name}"`);

export function ruleCompletion({ events, properties, traits }: Vocabulary) {
  const seen: Completion[] = [
    ...events.map((name) => ({ label: name, apply: quoted(name), type: 'class', detail: 'event', boost: 1 })),
    ...properties.map((name) => ({ label: name, apply: quoted(name), type: 'property', detail: 'property' })),
    ...traits.map((name) => ({ label: name, apply: quoted(name), type: 'variable', detail: 'trait' })),
  ];
  const source = (context: CompletionContext) => {
    const word = context.matchBefore(/[\w.$]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    return { from: word.from, options: [...seen, ...WORDS], validFor: /^[\w.$]*$/ };
  };
  return autocompletion({ override: [source], icons: false });
}
