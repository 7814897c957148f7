/** The rule language's colours. The grammar itself, and completion from it, are the server's. */
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
    if (stream.match(PHRASES)) return 'keyword'; // before the units: "days active of"
    if (stream.match(UNITS)) return 'unit';
    if (stream.match(/^(!=|<=|>=|=|<|>)/)) return 'operatorKeyword';
    if (stream.match(/^[A-Za-z_$*][\w.$*-]*/)) return 'variableName';
    stream.next();
    return null;
  },
});
