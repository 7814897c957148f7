/* Folding and judging over flat arrays; `library.py` and `tick.py` are its face, `blocks.py` says how a subject's state lies in memory.
 *
 * Plain C without Python or any library, so that any compiler makes it in a second. It allocates nothing: all memory is
 * numpy's. Everything here has a counterpart in Python that means the same (rules/buckets.py, conditions.py, known.py);
 * tests/property/test_kernel_agrees.py holds them equal. After a change, run it with -fsanitize=address,undefined too
 * (libasan preloaded).
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "words.h"

typedef int64_t i64;

#define NEVER (-((i64)1 << 62))
#define FAR ((i64)1 << 62)
#define CLEAN (-1)
#define HEAD 3
#define ROOM 0xFFFFFF
#define WEIGHT_ONE 1048576.0
#define DAY_MS 86400000
#define EPOCH_DAY 719163 /* date(1970, 1, 1).toordinal() */

enum { NEW = 1, MERGED = 2 };
enum { USER, COMPANY, ANONYMOUS, PART };
enum { NEAR = 1024 }; /* neighbouring slots whose soonest timer is kept */
enum { COUNT, EARLIEST, LATEST, OPENS, CLOSES };
enum { MOVES, TODO, MOMENT, WHO }; /* of Found.sizes: how many moves and judgements there are; when, and at whom, work stands */

typedef struct { i64 *words, *free, *top, *sizes; i64 size, kinds; } Arena;
typedef struct {
    i64 *offset; int16_t *size; i64 *first_seen, *last_seen, *recheck_at, *dirty; uint8_t *flags, *kind;
    i64 *soonest; /* by NEAR neighbouring slots: no recheck_at of them is earlier */
} Slots;
typedef struct { i64 *key, *how, *width, *limit; } Metrics;
typedef struct { i64 *metric_start, *metrics, *rule_start, *rules; } Plans;
typedef struct {
    i64 *id, *start, *nodes; double *numbers, *defaults; i64 *frames, *zone_from, *zone_offset;
    i64 count, zones;
} Rules;
typedef struct { i64 *slot, *plan, *at, *weight, *seen; i64 count; } Deeds;
typedef struct {
    i64 *moves, *todo, *sizes, *mark, *touched, *held, *failed; i64 room, rules, conditions;
} Found;

/* -- blocks ------------------------------------------------------------------------------------------------------- */

static i64 floor_div(i64 value, i64 by) {
    i64 whole = value / by;
    return whole - (value % by < 0);
}

/* A block of at least `need` words; -1 when the arena is full. */
static i64 allocate(Arena *arena, i64 need, int16_t *kind) {
    i64 low = 0, high = arena->kinds;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if (arena->sizes[middle] < need) low = middle + 1; else high = middle;
    }
    if (low == arena->kinds) return -1;
    *kind = (int16_t)low;
    i64 place = arena->free[low];
    if (place >= 0) {
        arena->free[low] = arena->words[place];
        return place;
    }
    place = arena->top[0];
    if (place + arena->sizes[low] > arena->size) return -1;
    arena->top[0] = place + arena->sizes[low];
    return place;
}

void release(Arena *arena, Slots *slots, i64 slot) {
    i64 place = slots->offset[slot];
    if (place < 0) return;
    i64 kind = slots->size[slot];
    arena->words[place] = arena->free[kind];
    arena->free[kind] = place;
    slots->offset[slot] = -1;
}

/* The index of a key in a block's directory, or -1 - where it would go. */
static i64 find(const i64 *words, i64 block, i64 key) {
    i64 low = 0, high = words[block];
    const i64 *directory = words + block + HEAD;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if ((directory[middle] >> 32) < key) low = middle + 1; else high = middle;
    }
    return low < words[block] && (directory[low] >> 32) == key ? low : -1 - low;
}

static i64 entry(const i64 *words, i64 block, i64 index) {
    return block + (words[block + HEAD + index] & 0xFFFFFFFF);
}

static i64 entry_size(const i64 *words, i64 place, i64 key) {
    if (key & 1) return 2;
    if (key == 0) return 1 + words[place];
    return 1 + 2 * (words[place] >> 24);
}

/* Give a slot a block with `room` in its directory and `extra` words to spare; -1 when the arena is full. */
static i64 move(Arena *arena, Slots *slots, i64 slot, i64 room, i64 extra) {
    i64 *words = arena->words, old = slots->offset[slot], count = 0, need = HEAD + room + extra;
    if (old >= 0) {
        count = words[old];
        for (i64 i = 0; i < count; i++) need += entry_size(words, entry(words, old, i), words[old + HEAD + i] >> 32);
    }
    int16_t kind;
    i64 block = allocate(arena, need, &kind), used = HEAD + room;
    if (block < 0) return -1;
    words[block] = count;
    words[block + 1] = room;
    for (i64 i = 0; i < count; i++) {
        i64 place = entry(words, old, i), key = words[old + HEAD + i] >> 32, size = entry_size(words, place, key);
        memcpy(words + block + used, words + place, size * sizeof(i64));
        words[block + HEAD + i] = key << 32 | used;
        used += size;
    }
    words[block + 2] = used;
    release(arena, slots, slot);
    slots->offset[slot] = block;
    slots->size[slot] = kind;
    return block;
}

/* Add an entry of `size` words, all 0, under a key that is not there; where they lie, -1 when the arena is full. */
static i64 insert(Arena *arena, Slots *slots, i64 slot, i64 key, i64 size) {
    i64 *words = arena->words, block = slots->offset[slot];
    if (block < 0) block = move(arena, slots, slot, 4, size);
    else if (words[block] == words[block + 1]) {
        i64 room = words[block + 1];
        block = move(arena, slots, slot, room + (room >> 1 > 4 ? room >> 1 : 4), size);
    } else if (words[block + 2] + size > arena->sizes[slots->size[slot]])
        block = move(arena, slots, slot, words[block + 1], size);
    if (block < 0) return -1;
    i64 count = words[block], used = words[block + 2], index = -1 - find(words, block, key);
    i64 *directory = words + block + HEAD;
    memmove(directory + index + 1, directory + index, (count - index) * sizeof(i64));
    directory[index] = key << 32 | used;
    words[block] = count + 1;
    words[block + 2] = used + size;
    memset(words + block + used, 0, size * sizeof(i64));
    return block + used;
}

static void drop(i64 *words, i64 block, i64 index) {
    i64 *directory = words + block + HEAD, count = --words[block];
    memmove(directory + index, directory + index + 1, (count - index) * sizeof(i64));
}

static i64 entry_of(Arena *arena, Slots *slots, i64 slot, i64 key) {
    i64 block = slots->offset[slot];
    if (block < 0) return -1;
    i64 index = find(arena->words, block, key);
    return index < 0 ? -1 : entry(arena->words, block, index);
}

/* -- rings -------------------------------------------------------------------------------------------------------- */

static i64 lower_bound(const i64 *numbers, i64 count, i64 bucket) {
    i64 low = 0, high = count;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if (numbers[middle] < bucket) low = middle + 1; else high = middle;
    }
    return low;
}

static i64 together(i64 how, i64 left, i64 right) {
    if (how == COUNT) return left + right;
    return (how == EARLIEST) == (left < right) ? left : right;
}

/* Give a ring room for so many buckets. */
static i64 widen(Arena *arena, Slots *slots, i64 slot, i64 key, i64 room) {
    i64 *words = arena->words, block = slots->offset[slot], size = 1 + 2 * room;
    if (words[block + 2] + size > arena->sizes[slots->size[slot]]) {
        block = move(arena, slots, slot, words[block + 1], size);
        if (block < 0) return -1;
    }
    i64 index = find(words, block, key), old = entry(words, block, index), used = words[block + 2], new = block + used;
    i64 count = words[old] & ROOM, before = words[old] >> 24;
    words[new] = count | room << 24;
    memcpy(words + new + 1, words + old + 1, count * sizeof(i64));
    memcpy(words + new + 1 + room, words + old + 1 + before, count * sizeof(i64));
    words[block + HEAD + index] = key << 32 | used;
    words[block + 2] = used + size;
    return new;
}

/* Bring a value into a bucket of a slot's ring; a bucket more than `limit` before the newest is left out. */
static int ring_add(Arena *arena, Slots *slots, i64 slot, i64 key, i64 how, i64 limit, i64 bucket, i64 value) {
    i64 *words = arena->words, place = entry_of(arena, slots, slot, key);
    if (place < 0) {
        place = insert(arena, slots, slot, key, 3);
        if (place < 0) return -1;
        words[place] = 1 | (i64)1 << 24;
        words[place + 1] = bucket;
        words[place + 2] = value;
        return 0;
    }
    i64 count = words[place] & ROOM, room = words[place] >> 24, at = count;
    i64 *numbers = words + place + 1, *values = numbers + room;
    if (count == 0) { /* never left so, but what is read from disk is not trusted */
        numbers[0] = bucket; values[0] = value;
        words[place] = 1 | room << 24;
        return 0;
    }
    i64 newest = numbers[count - 1];
    if (bucket == newest) {
        values[count - 1] = together(how, values[count - 1], value);
        return 0;
    }
    if (bucket > newest) {
        i64 gone = numbers[0] < bucket - limit ? lower_bound(numbers, count, bucket - limit) : 0;
        if (gone) {
            count -= gone;
            memmove(numbers, numbers + gone, count * sizeof(i64));
            memmove(values, values + gone, count * sizeof(i64));
        }
        at = count;
    } else {
        if (bucket < newest - limit) return 0;
        at = lower_bound(numbers, count, bucket);
        if (numbers[at] == bucket) {
            values[at] = together(how, values[at], value);
            return 0;
        }
    }
    if (count == room) {
        room = room * 2 < room + 32 ? room * 2 : room + 32;
        place = widen(arena, slots, slot, key, room);
        if (place < 0) return -1;
        numbers = words + place + 1;
        values = numbers + room;
    }
    memmove(numbers + at + 1, numbers + at, (count - at) * sizeof(i64));
    memmove(values + at + 1, values + at, (count - at) * sizeof(i64));
    numbers[at] = bucket;
    values[at] = value;
    words[place] = (count + 1) | room << 24;
    return 0;
}

/* -- missing follow-ups: see follow_ups.py, and layout.py for how they lie in a ring --------------------------------- */

#define MOST_STEPS 1600

static void drop_buckets(i64 *words, i64 place, i64 from, i64 many) {
    i64 count = words[place] & ROOM, room = words[place] >> 24, *numbers = words + place + 1, *values = numbers + room;
    memmove(numbers + from, numbers + from + many, (count - from - many) * sizeof(i64));
    memmove(values + from, values + from + many, (count - from - many) * sizeof(i64));
    words[place] = (count - many) | room << 24;
}

static int follow_up(Arena *arena, Slots *slots, i64 slot, i64 key, i64 how, i64 width, i64 instant) {
    i64 *words = arena->words, place = entry_of(arena, slots, slot, key), step = floor_div(instant, width);
    int closed = place >= 0 && words[place + 1] < 0;
    if (how == CLOSES) {
        if (ring_add(arena, slots, slot, key, LATEST, FAR, -1, instant)) return -1;
        place = entry_of(arena, slots, slot, key);
        i64 count = words[place] & ROOM, last = words[place + 1 + (words[place] >> 24)];
        i64 gone = lower_bound(words + place + 2, count - 1, 2 * floor_div(last, width));
        if (gone) drop_buckets(words, place, 1, gone);
        return 0;
    }
    if (closed && step < floor_div(words[place + 1 + (words[place] >> 24)], width)) return 0;
    if (ring_add(arena, slots, slot, key, EARLIEST, FAR, 2 * step, instant)) return -1;
    if (ring_add(arena, slots, slot, key, LATEST, FAR, 2 * step + 1, instant)) return -1;
    place = entry_of(arena, slots, slot, key);
    if ((words[place] & ROOM) - closed > 2 * MOST_STEPS) drop_buckets(words, place, closed + 2, 2);
    return 0;
}

/* -- conditions: columns of a node, see nodes.py ------------------------------------------------------------------- */

enum {
    OP, END, KEY, OTHER, WINDOW, WIDTH, LENGTH, FRAME, COMPARE, MISSING, TARGET, KNOWN, KNOWN_FOR, LEAST, NEGATED, FROM,
    TO, BASELINE, BUCKETS, COLUMNS
};
enum { GROUP, NUMBER_OF, SHARE, AGE, TEST, DATE, UNANSWERED };
enum { EVER, SLIDING, CALENDAR };
enum { EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST };
enum { KNOWN_ANYHOW, KNOWN_AFTER, KNOWN_SINCE_START };
enum { FIRST, START, NEXT, NEXT_AT, AFTER_AT, FRAME_COLUMNS };
#define LEVELS 12
#define LOOKAHEAD 48

typedef struct { int truth; i64 flip; } Verdict;

static int holds(i64 compare, double left, double right) {
    switch (compare) {
    case AT_LEAST: return left >= right;
    case LESS: return left < right;
    case MORE: return left > right;
    case AT_MOST: return left <= right;
    case EQUAL: return left == right;
    default: return left != right;
    }
}

static i64 first_bucket(const i64 *node, const i64 *frames, i64 now) {
    if (node[WINDOW] == SLIDING) return floor_div(now - node[LENGTH], node[WIDTH]);
    return node[WINDOW] == CALENDAR ? frames[node[FRAME] * FRAME_COLUMNS + FIRST] : 0;
}

static i64 gone_at(const i64 *node, const i64 *frames, i64 bucket) {
    if (node[WINDOW] == SLIDING) return (bucket + 1) * node[WIDTH] + node[LENGTH];
    if (node[WINDOW] == EVER) return FAR;
    const i64 *frame = frames + node[FRAME] * FRAME_COLUMNS;
    return bucket < frame[NEXT] ? frame[NEXT_AT] : frame[AFTER_AT];
}

/* What a rule reads of the traits; NaN when it is missing. */
static double input_of(const i64 *words, const double *defaults, i64 block, i64 index) {
    if (block >= 0 && words[block] > 0 && (words[block + HEAD] >> 32) == 0) {
        i64 place = entry(words, block, 0);
        if (index < words[place]) {
            double value;
            memcpy(&value, words + place + 1 + index, sizeof value);
            return value;
        }
    }
    return defaults[index];
}

typedef struct { const i64 *numbers, *values; i64 start, count; } Ring;

/* The buckets of a ring that a node's window covers. */
static Ring ring_in(const i64 *words, i64 place, const i64 *node, const i64 *frames, i64 now) {
    Ring ring = {0, 0, 0, 0};
    if (place < 0) return ring;
    ring.count = words[place] & ROOM;
    ring.numbers = words + place + 1;
    ring.values = ring.numbers + (words[place] >> 24);
    ring.start = lower_bound(ring.numbers, ring.count, first_bucket(node, frames, now));
    return ring;
}

static Verdict count_flip(const i64 *words, const i64 *frames, const i64 *node, i64 place, i64 now, double target) {
    i64 compare = node[COMPARE], total = 0;
    Ring ring = ring_in(words, place, node, frames, now);
    for (i64 at = ring.start; at < ring.count; at++) total += ring.values[at];
    Verdict found = {holds(compare, total / WEIGHT_ONE, target), FAR};
    if (node[WINDOW] == EVER || (!found.truth && compare >= MORE)) return found; /* what shrinks does not come to be more */
    for (i64 at = ring.start; at < ring.count; at++) {
        total -= ring.values[at];
        i64 instant = gone_at(node, frames, ring.numbers[at]);
        if (at + 1 < ring.count && gone_at(node, frames, ring.numbers[at + 1]) == instant) continue;
        if (holds(compare, total / WEIGHT_ONE, target) != found.truth) {
            found.flip = instant;
            break;
        }
    }
    return found;
}

/* A count against a percentage of its own mean over the windows before; see baselines.py. */
static Verdict baseline_flip(const i64 *words, const i64 *node, i64 place, i64 now, double percent) {
    i64 first = first_bucket(node, 0, now), periods = node[BASELINE], before = periods * node[BUCKETS], compare = node[COMPARE];
    i64 count = place < 0 ? 0 : words[place] & ROOM;
    const i64 *numbers = words + place + 1, *values = numbers + (place < 0 ? 0 : words[place] >> 24);
    i64 here = count ? lower_bound(numbers, count, first) : 0, there = count ? lower_bound(numbers, count, first - before) : 0;
    i64 current = 0, earlier = 0;
    for (i64 at = here; at < count; at++) current += values[at];
    for (i64 at = there; at < here; at++) earlier += values[at];
    Verdict found = {0, FAR};
    found.truth = holds(compare, current / WEIGHT_ONE, earlier / WEIGHT_ONE / periods * percent / 100.0);
    for (int looked = 0; here < count || there < count; looked++) {
        /* the next bucket to pass out of the current window, or out of the last one before it */
        i64 edge = here < count ? numbers[here] + 1 : numbers[there] + 1 + before;
        if (numbers[there] + 1 + before < edge) edge = numbers[there] + 1 + before;
        for (; here < count && numbers[here] < edge; here++) {
            current -= values[here];
            earlier += values[here];
        }
        for (; there < here && numbers[there] < edge - before; there++) earlier -= values[there];
        if (looked == LOOKAHEAD
            || holds(compare, current / WEIGHT_ONE, earlier / WEIGHT_ONE / periods * percent / 100.0) != found.truth) {
            found.flip = gone_at(node, 0, edge - 1);
            break;
        }
    }
    return found;
}

static int share_holds(const i64 *node, i64 upper, i64 lower, double target) {
    return lower ? holds(node[COMPARE], (double)upper / (double)lower, target) : node[MISSING] != 0;
}

static Verdict share_flip(
    const i64 *words, const i64 *frames, const i64 *node, i64 above, i64 below, i64 now, double target
) {
    Verdict found = {node[MISSING] != 0, FAR};
    Ring low = ring_in(words, below, node, frames, now), high = ring_in(words, above, node, frames, now);
    if (low.start == low.count) return found; /* nothing to divide by is a missing value */
    i64 upper = 0, lower = 0;
    for (i64 at = high.start; at < high.count; at++) upper += high.values[at];
    for (i64 at = low.start; at < low.count; at++) lower += low.values[at];
    found.truth = share_holds(node, upper, lower, target);
    if (node[WINDOW] == EVER) return found;
    while (low.start < low.count || high.start < high.count) {
        i64 bucket = low.start < low.count ? low.numbers[low.start] : high.numbers[high.start];
        if (high.start < high.count && high.numbers[high.start] < bucket) bucket = high.numbers[high.start];
        i64 instant = gone_at(node, frames, bucket);
        for (; low.start < low.count && gone_at(node, frames, low.numbers[low.start]) == instant; low.start++)
            lower -= low.values[low.start];
        for (; high.start < high.count && gone_at(node, frames, high.numbers[high.start]) == instant; high.start++)
            upper -= high.values[high.start];
        if (share_holds(node, upper, lower, target) != found.truth) {
            found.flip = instant;
            break;
        }
    }
    return found;
}

static Verdict age_flip(const i64 *words, const i64 *frames, const i64 *node, i64 place, i64 now, double target) {
    Verdict found = {node[MISSING] != 0, FAR};
    Ring ring = ring_in(words, place, node, frames, now);
    if (ring.start == ring.count) return found;
    /* The newest bucket's latest event stays until that bucket goes; the oldest one's earliest until that one goes. */
    i64 at = node[OTHER] ? ring.count - 1 : ring.start, event_at = ring.values[at];
    i64 end = gone_at(node, frames, ring.numbers[at]);
    found.truth = holds(node[COMPARE], (double)(now - event_at), target);
    found.flip = end;
    for (i64 later = 0; later < 2; later++) {
        i64 instant = event_at + (i64)target + later;
        if (instant > now && instant < end
            && holds(node[COMPARE], (double)(instant - event_at), target) != found.truth) {
            found.flip = instant;
            break;
        }
    }
    return found;
}

/* A truth that also asks that the subject be known for long enough: until then it is false. */
static Verdict known(const i64 *frames, const i64 *node, i64 first_seen, i64 now, Verdict found) {
    if (node[KNOWN] == KNOWN_ANYHOW || !found.truth) return found;
    Verdict not_yet = {0, FAR};
    if (first_seen == NEVER) return not_yet;
    i64 since = first_seen + node[KNOWN_FOR];
    if (node[KNOWN] == KNOWN_SINCE_START) {
        const i64 *frame = frames + node[FRAME] * FRAME_COLUMNS;
        since = first_seen;
        if (first_seen > frame[START]) since = first_seen <= frame[NEXT_AT] ? frame[NEXT_AT] : frame[AFTER_AT];
    }
    if (now >= since) return found;
    not_yet.flip = since;
    return not_yet;
}

static Verdict date_flip(const i64 *node, double date, i64 now) {
    Verdict found = {0, FAR};
    if (isnan(date)) return found;
    i64 start = (i64)date + node[FROM];
    if (now < start) {
        found.flip = start;
    } else if (node[TO] == FAR) {
        found.truth = 1;
    } else if (now <= (i64)date + node[TO]) {
        found.truth = 1;
        found.flip = (i64)date + node[TO] + 1;
    }
    return found;
}

static Verdict unanswered(const i64 *words, i64 place, i64 now, i64 wait) {
    Verdict found = {0, FAR};
    if (place < 0) return found;
    i64 count = words[place] & ROOM, closed = NEVER, at = 0;
    const i64 *numbers = words + place + 1, *values = numbers + (words[place] >> 24);
    if (count && numbers[0] < 0) closed = values[at++];
    for (; at + 1 < count; at += 2) {
        i64 open = values[at] >= closed ? values[at] : values[at + 1];
        if (open < closed) continue;
        if (now >= open + wait) found.truth = 1;
        else found.flip = open + wait;
        return found;
    }
    return found;
}

static Verdict leaf(
    Arena *arena, Slots *slots, const Rules *rules, i64 slot, const i64 *node, const double *numbers, i64 now
) {
    const i64 *words = arena->words, *frames = rules->frames;
    i64 block = slots->offset[slot];
    if (node[OP] == TEST) {
        Verdict found = {input_of(words, rules->defaults, block, node[TARGET]) == 1.0, FAR};
        return found;
    }
    if (node[OP] == DATE) return date_flip(node, input_of(words, rules->defaults, block, node[TARGET]), now);
    if (node[OP] == UNANSWERED) return unanswered(words, entry_of(arena, slots, slot, node[KEY]), now, (i64)numbers[0]);
    double target = numbers[0];
    if (node[TARGET] >= 0) target = input_of(words, rules->defaults, block, node[TARGET]) * numbers[1] / 100.0;
    Verdict found = {node[MISSING] != 0, FAR};
    if (isnan(target)) return known(frames, node, slots->first_seen[slot], now, found);
    i64 place = entry_of(arena, slots, slot, node[KEY]);
    if (node[OP] == NUMBER_OF && node[BASELINE]) found = baseline_flip(words, node, place, now, numbers[1]);
    else if (node[OP] == NUMBER_OF) found = count_flip(words, frames, node, place, now, target);
    else if (node[OP] == SHARE)
        found = share_flip(words, frames, node, place, entry_of(arena, slots, slot, node[OTHER]), now, target);
    else found = age_flip(words, frames, node, place, now, target);
    return known(frames, node, slots->first_seen[slot], now, found);
}

/* The value at `rank` (from 0) of the first `count` in ascending order; they are put in another order. */
static i64 smallest(i64 *values, i64 count, i64 rank) {
    for (i64 at = 0; at <= rank; at++) {
        i64 least = at;
        for (i64 other = at + 1; other < count; other++)
            if (values[other] < values[least]) least = other;
        i64 kept = values[at];
        values[at] = values[least];
        values[least] = kept;
    }
    return values[rank];
}

/* A rule's truth and when to look again; see conditions.AtLeastOf for groups. */
static Verdict judge_rule(Arena *arena, Slots *slots, const Rules *rules, i64 slot, i64 rule, i64 now, Found *found) {
    struct { i64 node, held, failed, turning, turned; } levels[LEVELS], *level = levels - 1;
    i64 at = rules->start[rule];
    for (;;) {
        const i64 *node = rules->nodes + at * COLUMNS;
        if (node[OP] == GROUP) {
            level++;
            level->node = at++;
            level->held = level->failed = level->turning = level->turned = 0;
            continue;
        }
        Verdict one = leaf(arena, slots, rules, slot, node, rules->numbers + at * 2, now);
        at++;
        for (;;) {
            if (level < levels) return one;
            const i64 *group = rules->nodes + level->node * COLUMNS;
            i64 *held = found->held + (level - levels) * found->conditions;
            i64 *failed = found->failed + (level - levels) * found->conditions;
            if (one.flip != FAR) {
                if (one.truth) held[level->turning++] = one.flip;
                else failed[level->turned++] = one.flip;
            } else if (one.truth) level->held++;
            else level->failed++;
            int yes = group[NEGATED] == 0;
            one.flip = FAR;
            if (level->held >= group[LEAST]) one.truth = yes;
            else if (level->failed > group[OTHER]) one.truth = !yes;
            else if (at < group[END]) break;
            else {
                i64 excess = level->held + level->turning - group[LEAST];
                if (excess >= 0) {
                    one.truth = yes;
                    if (excess < level->turning) one.flip = smallest(held, level->turning, excess);
                } else {
                    one.truth = !yes;
                    if (-excess <= level->turned) one.flip = smallest(failed, level->turned, -excess - 1);
                }
            }
            at = group[END];
            level--;
        }
    }
}

/* One rule for one slot, for tests: truth, and in `flip` when to look again. */
int verdict_of(Arena *arena, Slots *slots, Rules *rules, Found *found, i64 slot, i64 rule, i64 now, i64 *flip) {
    Verdict one = judge_rule(arena, slots, rules, slot, rule, now, found);
    *flip = one.flip;
    return one.truth;
}

/* -- a tick --------------------------------------------------------------------------------------------------------- */

static void set_recheck(Slots *slots, i64 slot, i64 at) {
    slots->recheck_at[slot] = at;
    if (at < slots->soonest[slot / NEAR]) slots->soonest[slot / NEAR] = at;
}

void refresh_recheck(Arena *arena, Slots *slots, i64 slot) {
    i64 block = slots->offset[slot], soonest = FAR, *words = arena->words;
    if (block >= 0)
        for (i64 i = 0; i < words[block]; i++)
            if ((words[block + HEAD + i] >> 32) & 1) {
                i64 at = words[entry(words, block, i) + 1];
                if (at < soonest) soonest = at;
            }
    set_recheck(slots, slot, soonest);
}

/* Remember a verdict; note it when the subject entered or left. */
static int settle(Arena *arena, Slots *slots, const Rules *rules, i64 slot, i64 rule, Verdict one, Found *found) {
    i64 key = rules->id[rule] * 2 + 1, place = entry_of(arena, slots, slot, key), *words = arena->words;
    if (place < 0) {
        if (!one.truth && one.flip == FAR) return 0; /* most rules, for most people: nothing to remember */
        place = insert(arena, slots, slot, key, 2);
        if (place < 0) return -1;
        words[place + 1] = FAR;
    }
    i64 old = words[place], before = words[place + 1];
    words[place + 1] = one.flip;
    if (one.truth != (int)(old & 1)) {
        i64 episode = (old >> 1) + (one.truth ? 1 : 0), *move = found->moves + found->sizes[MOVES]++ * 5;
        words[place] = episode * 2 + one.truth;
        move[0] = slot;
        move[1] = rule;
        move[2] = episode;
        move[3] = one.truth;
        move[4] = found->sizes[MOMENT];
    }
    if (one.flip <= slots->recheck_at[slot]) set_recheck(slots, slot, one.flip);
    else if (before == slots->recheck_at[slot]) refresh_recheck(arena, slots, slot);
    return 0;
}

static int judge(Arena *arena, Slots *slots, const Rules *rules, i64 slot, i64 rule, i64 now, Found *found) {
    if (rules->start[rule] < 0 || (slots->flags[slot] & MERGED)) {
        i64 *todo = found->todo + found->sizes[TODO]++ * 2;
        todo[0] = slot;
        todo[1] = rule;
        return 0;
    }
    return settle(arena, slots, rules, slot, rule, judge_rule(arena, slots, rules, slot, rule, now, found), found);
}

/* Have a slot judged by a rule as soon as timers are looked at. */
static int postpone(Arena *arena, Slots *slots, i64 slot, i64 rule_id) {
    i64 key = rule_id * 2 + 1, place = entry_of(arena, slots, slot, key);
    if (place < 0) place = insert(arena, slots, slot, key, 2);
    if (place < 0) return -1;
    arena->words[place + 1] = 0;
    set_recheck(slots, slot, 0);
    return 0;
}

static i64 local_day(const Rules *rules, i64 instant) {
    i64 low = 0, high = rules->zones;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if (rules->zone_from[middle] <= instant) low = middle + 1; else high = middle;
    }
    return floor_div(instant + rules->zone_offset[low ? low - 1 : 0], DAY_MS) + EPOCH_DAY;
}

static int fold(
    Arena *arena, Slots *slots, const Metrics *metrics, const Plans *plans, const Rules *rules, i64 slot, i64 plan,
    i64 instant, i64 weight
) {
    for (i64 i = plans->metric_start[plan]; i < plans->metric_start[plan + 1]; i++) {
        i64 metric = plans->metrics[i], width = metrics->width[metric], how = metrics->how[metric], bucket = 0;
        if (how >= OPENS) {
            if (follow_up(arena, slots, slot, metrics->key[metric], how, width, instant)) return -1;
            continue;
        }
        if (width > 0) bucket = floor_div(instant, width);
        else if (width == -1) bucket = local_day(rules, instant);
        else if (width == -2) bucket = floor_div(instant, DAY_MS) + EPOCH_DAY;
        i64 value = how == COUNT ? weight : instant;
        if (ring_add(arena, slots, slot, metrics->key[metric], how, metrics->limit[metric], bucket, value)) return -1;
    }
    return 0;
}

static i64 touch(const Plans *plans, i64 plan, i64 stamp, Found *found, i64 many) {
    for (i64 i = plans->rule_start[plan]; i < plans->rule_start[plan + 1]; i++) {
        i64 rule = plans->rules[i];
        if (found->mark[rule] != stamp) {
            found->mark[rule] = stamp;
            found->touched[many++] = rule;
        }
    }
    return many;
}

static int is_full(const Found *found) {
    return found->sizes[MOVES] + found->rules > found->room || found->sizes[TODO] + found->rules > found->room;
}

/* Fold the deeds of one slot, from `at` on up to `end`, and judge it by what they touch; the deed after them, -1 when the
 * arena is full. */
static i64 absorb_slot(
    Arena *arena, Slots *slots, const Metrics *metrics, const Plans *plans, const Rules *rules, const Deeds *deeds,
    Found *found, i64 at, i64 end, const i64 *first, const i64 *earlier, i64 now, i64 position, i64 judging
) {
    i64 slot = deeds->slot[at], many = 0, stamp = ++found->mark[found->rules];
    int moved = 0;
    for (; at < end && deeds->slot[at] == slot; at++) {
        i64 seen = deeds->seen[at], plan = deeds->plan[at];
        if (seen != NEVER) {
            if (seen > slots->last_seen[slot]) slots->last_seen[slot] = seen;
            if (slots->first_seen[slot] == NEVER || seen < slots->first_seen[slot]) {
                slots->first_seen[slot] = seen;
                moved = 1;
            }
        }
        if (fold(arena, slots, metrics, plans, rules, slot, plan, deeds->at[at], deeds->weight[at])) return -1;
        many = touch(plans, plan, stamp, found, many);
    }
    if (slots->kind[slot] == PART) return at; /* stored with whose part it is */
    if (slots->dirty[slot] == CLEAN) slots->dirty[slot] = position;
    int new = slots->flags[slot] & NEW;
    slots->flags[slot] &= (uint8_t)~NEW;
    if (slots->kind[slot] >= ANONYMOUS) return at;
    if (new) many = touch(plans, first[slots->kind[slot]], stamp, found, many);
    if (moved) many = touch(plans, earlier[slots->kind[slot]], stamp, found, many);
    for (i64 i = 0; i < many; i++) {
        i64 rule = found->touched[i];
        int failed = judging ? judge(arena, slots, rules, slot, rule, now, found)
                             : postpone(arena, slots, slot, rules->id[rule]);
        if (failed) return -1;
    }
    return at;
}

/* Fold deeds from `at` on, slot by slot, and judge each slot by what they touch. The deed that comes next when there is no
 * more room in `found`, else their number; -1 when the arena is full. `first` and `earlier` are plans by kind: the rules for
 * somebody new, and for somebody known for longer now. Without `judging` rules are only noted as due (a replay). */
i64 absorb(
    Arena *arena, Slots *slots, Metrics *metrics, Plans *plans, Rules *rules, Deeds *deeds, Found *found, i64 at,
    const i64 *first, const i64 *earlier, i64 now, i64 position, i64 judging
) {
    found->sizes[MOMENT] = now;
    while (at < deeds->count && at >= 0) {
        if (is_full(found)) return at;
        at = absorb_slot(
            arena, slots, metrics, plans, rules, deeds, found, at, deeds->count, first, earlier, now, position, judging
        );
    }
    return at;
}

/* Judge a slot by the rules whose time has come; judgements of rules that are gone are dropped. */
static int judge_slot(Arena *arena, Slots *slots, const Rules *rules, Found *found, i64 slot, i64 now, i64 position) {
    i64 *words = arena->words, many = 0, block = slots->offset[slot];
    for (i64 i = 0; block >= 0 && i < words[block];) {
        i64 key = words[block + HEAD + i] >> 32;
        if (key & 1) {
            i64 rule = lower_bound(rules->id, rules->count, key >> 1);
            if (rule == rules->count || rules->id[rule] != key >> 1) {
                drop(words, block, i);
                continue;
            }
            if (words[entry(words, block, i) + 1] <= now) found->touched[many++] = rule;
        }
        i++;
    }
    refresh_recheck(arena, slots, slot);
    if (slots->dirty[slot] == CLEAN) slots->dirty[slot] = position;
    for (i64 i = 0; i < many; i++)
        if (judge(arena, slots, rules, slot, found->touched[i], now, found)) return -1;
    return 0;
}

/* Judge slots by the rules whose time has come. See `absorb` for the result. */
i64 judge_due(
    Arena *arena, Slots *slots, Rules *rules, Found *found, const i64 *due, i64 count, i64 at, i64 now, i64 position
) {
    found->sizes[MOMENT] = now;
    for (; at < count; at++) {
        if (is_full(found)) return at;
        if (judge_slot(arena, slots, rules, found, due[at], now, position)) return -1;
    }
    return at;
}

/* -- a stretch of time: subjects that have nothing to do with each other, each lived through by itself ---------------- */

#define MOST_AGAIN 100000

/* Let time pass for a slot up to `until` (not included): its timers fire at their own instants. 1 when Python comes first,
 * for MOMENT and WHO: there are judgements left to it, or (`eager`) moves, or no more room. -1 when the arena is full, -2
 * when an instant does not come to its end. */
static int pass(
    Arena *arena, Slots *slots, const Rules *rules, Found *found, i64 slot, i64 until, i64 position, i64 eager
) {
    for (i64 again = 0; slots->recheck_at[slot] < until; again++) {
        if (is_full(found)) return 1;
        if (again && slots->recheck_at[slot] > found->sizes[MOMENT]) again = 0;
        if (again == MOST_AGAIN) return -2;
        found->sizes[WHO] = slot;
        found->sizes[MOMENT] = slots->recheck_at[slot];
        if (judge_slot(arena, slots, rules, found, slot, slots->recheck_at[slot], position)) return -1;
        if (found->sizes[TODO] || (eager && found->sizes[MOVES])) return 1;
    }
    return 0;
}

/* Live through deeds from `at` on: those of one `who` (the slot that is judged by them) lie together and in order of the instant
 * at which they were received (`when`), and its timers fire between them. The deed that comes next when Python comes first
 * (see `pass`; or because it must fold into what it keeps before the deed, which has `folds`), else their number; below 0 as
 * `pass`. */
i64 live(
    Arena *arena, Slots *slots, Metrics *metrics, Plans *plans, Rules *rules, Deeds *deeds, Found *found, i64 at,
    const i64 *who, const i64 *when, const i64 *folds, const i64 *first, const i64 *earlier, i64 position, i64 eager
) {
    while (at < deeds->count) {
        i64 one = who[at], now = when[at], end = at;
        int stopped = is_full(found) ? 1 : pass(arena, slots, rules, found, one, now, position, eager);
        if (stopped) return stopped < 0 ? stopped : at;
        found->sizes[WHO] = one;
        found->sizes[MOMENT] = now;
        for (; end < deeds->count && who[end] == one && when[end] == now; end++)
            if (folds[end]) return at;
        while (at < end) {
            at = absorb_slot(
                arena, slots, metrics, plans, rules, deeds, found, at, end, first, earlier, now, position, 1
            );
            if (at < 0) return -1;
        }
        if (found->sizes[TODO] || (eager && found->sizes[MOVES])) return at;
        stopped = pass(arena, slots, rules, found, one, now + 1, position, eager);
        if (stopped) return stopped < 0 ? stopped : at;
    }
    return at;
}

/* Let time pass for slots from the `at`-th on, for each up to its own instant (not included). The one that comes next when
 * Python comes first, see `pass`, else their number; below 0 as `pass`. */
i64 pass_time(
    Arena *arena, Slots *slots, Rules *rules, Found *found, const i64 *chosen, const i64 *until, i64 count, i64 at,
    i64 position, i64 eager
) {
    for (; at < count; at++) {
        int stopped = pass(arena, slots, rules, found, chosen[at], until[at], position, eager);
        if (stopped) return stopped < 0 ? stopped : at;
    }
    return at;
}

/* Remember verdicts that Python came to: rows of (slot, rule, truth, when to look again). */
int settle_all(Arena *arena, Slots *slots, Rules *rules, Found *found, const i64 *verdicts, i64 count) {
    for (i64 i = 0; i < count; i++, verdicts += 4) {
        Verdict one = {verdicts[2] != 0, verdicts[3]};
        if (settle(arena, slots, rules, verdicts[0], verdicts[1], one, found)) return -1;
    }
    return 0;
}

/* -- single things, for Python -------------------------------------------------------------------------------------- */

/* Put `count` buckets in a ring over what was there; none takes it away. */
int put_ring(
    Arena *arena, Slots *slots, i64 slot, i64 key, const i64 *numbers, const i64 *values, i64 count
) {
    i64 *words = arena->words, block = slots->offset[slot];
    i64 index = block < 0 ? -1 : find(words, block, key);
    if (index >= 0) drop(words, block, index);
    if (!count) return 0;
    i64 place = insert(arena, slots, slot, key, 1 + 2 * count);
    if (place < 0) return -1;
    words[place] = count | count << 24;
    memcpy(words + place + 1, numbers, count * sizeof(i64));
    memcpy(words + place + 1 + count, values, count * sizeof(i64));
    return 0;
}

/* Bring whole rings into those of slots: row i is (slot, key, bucket, value), `how` and `limit` are the same for all. */
int merge_rings(Arena *arena, Slots *slots, const i64 *rows, i64 count, i64 how, i64 limit) {
    for (i64 i = 0; i < count; i++, rows += 4)
        if (ring_add(arena, slots, rows[0], rows[1], how, limit, rows[2], rows[3])) return -1;
    return 0;
}

/* Say how a rule judged a slot, over what was there; it is due to be judged again at once. */
int set_judgement(Arena *arena, Slots *slots, i64 slot, i64 rule_id, i64 episode, i64 member) {
    i64 key = rule_id * 2 + 1, place = entry_of(arena, slots, slot, key);
    if (place < 0) place = insert(arena, slots, slot, key, 2);
    if (place < 0) return -1;
    arena->words[place] = episode * 2 + member;
    arena->words[place + 1] = 0;
    return 0;
}

/* Forget how a rule (or, with rule_id -1, all rules) judged slots. */
void forget_judgements(Arena *arena, Slots *slots, const i64 *chosen, i64 count, i64 rule_id) {
    for (i64 i = 0; i < count; i++) {
        i64 block = slots->offset[chosen[i]], *words = arena->words;
        if (block < 0) continue;
        for (i64 at = words[block] - 1; at >= 0; at--) {
            i64 key = words[block + HEAD + at] >> 32;
            if ((key & 1) && (rule_id < 0 || key >> 1 == rule_id)) drop(words, block, at);
        }
        refresh_recheck(arena, slots, chosen[i]);
    }
}

/* Drop, from the chosen slots, rings whose key is not among `keys` (ascending): what no rule uses any more. */
void drop_unknown(Arena *arena, Slots *slots, const i64 *chosen, i64 count, const i64 *keys, i64 many) {
    for (i64 i = 0; i < count; i++) {
        i64 block = slots->offset[chosen[i]], *words = arena->words;
        if (block < 0) continue;
        for (i64 at = words[block] - 1; at >= 0; at--) {
            i64 key = words[block + HEAD + at] >> 32, where = lower_bound(keys, many, key);
            if (!(key & 1) && key && (where == many || keys[where] != key)) drop(words, block, at);
        }
    }
}

/* Set what rules read of the traits of the chosen slots, a row of `width` each. */
int set_inputs(Arena *arena, Slots *slots, const i64 *chosen, i64 count, const double *inputs, i64 width) {
    i64 *words = arena->words;
    for (i64 i = 0; i < count; i++) {
        i64 block = slots->offset[chosen[i]], index = block < 0 ? -1 : find(words, block, 0);
        if (index >= 0 && words[entry(words, block, index)] != width) {
            drop(words, block, index);
            index = -1;
        }
        i64 place = index < 0 ? insert(arena, slots, chosen[i], 0, 1 + width) : entry(words, block, index);
        if (place < 0) return -1;
        words[place] = width;
        memcpy(words + place + 1, inputs + i * width, width * sizeof(double));
    }
    return 0;
}

/* Give slots the blocks that `copy_blocks` packed, which begin at `starts` in `content` (one more: the end); none where there are no
 * bytes. -1 when the arena is full, -2 for bytes that hold no block. */
int put_blocks(Arena *arena, Slots *slots, const i64 *chosen, i64 count, const uint8_t *content, const i64 *starts) {
    for (i64 i = 0; i < count; i++) {
        const uint8_t *data = content + starts[i];
        i64 bytes = starts[i + 1] - starts[i], size = bytes ? unpack_words(data, bytes, NULL) : 0;
        if (!bytes) continue;
        if (size < HEAD) return -2;
        release(arena, slots, chosen[i]);
        int16_t kind;
        i64 place = allocate(arena, size, &kind);
        if (place < 0) return -1;
        unpack_words(data, bytes, arena->words + place);
        if (arena->words[place + 2] != size) return -2;
        slots->offset[chosen[i]] = place;
        slots->size[chosen[i]] = kind;
        refresh_recheck(arena, slots, chosen[i]);
    }
    return 0;
}

enum { AHEAD = 4, FETCHED = 64 }; /* blocks; and words of each, the usual block's */

/* Have a block's words brought near: slots of one bucket lie anywhere. */
static void fetch(const Arena *arena, i64 block) {
    for (i64 word = 0; block >= 0 && word < FETCHED; word += 8) __builtin_prefetch(arena->words + block + word);
}

/* Where the blocks of the chosen slots, packed, begin, one after the other (one more: the end), and the blocks themselves; with
 * `content` NULL as if each took as many bytes as it can. */
void copy_blocks(Arena *arena, Slots *slots, const i64 *chosen, i64 count, i64 *starts, uint8_t *content) {
    starts[0] = 0;
    for (i64 i = 0; i < count; i++) {
        if (i + AHEAD < count) fetch(arena, slots->offset[chosen[i + AHEAD]]);
        i64 block = slots->offset[chosen[i]], size = block < 0 ? 0 : arena->words[block + 2];
        i64 bytes = content ? pack_words(arena->words + block, size, content + starts[i]) : size * MOST_BYTES;
        starts[i + 1] = starts[i] + bytes;
    }
}

/* The words of a packed block, see `unpack_words`. */
i64 unpack(const uint8_t *data, i64 size, i64 *out) {
    return unpack_words(data, size, out);
}
