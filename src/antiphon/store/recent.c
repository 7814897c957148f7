/* A table of digests and the offsets they came from, for one block of the log: open addressing, so that a look is one cache miss.
 *
 * `recent_digests.py` calls it, without the interpreter's lock.
 */
#include <stdint.h>

enum { NEW = -1, KNOWN = -2 };

typedef struct {
    uint64_t *digests; /* [room, 2]: those in the table, in the order in which they came */
    int64_t *offsets;  /* [room] */
    int32_t *index;    /* [mask + 1]: one more than a place in `digests`, 0 if free; at least twice as many as there is room for */
    int64_t *count;
    int64_t mask;
    uint64_t seed;     /* secret: nobody can choose ids that lie in one place */
} Table;

/* Note `rows` digests from offset `first` on. `found`: the offset of the same one before, NEW if there is none; KNOWN where `known`
 * (or NULL) says that it is older than the block. Only new ones are added; there must be room for them. */
void note(const Table *table, const uint64_t *digests, int64_t rows, const uint8_t *known, int64_t first, int64_t *found) {
    for (int64_t row = 0; row < rows; row++) {
        const uint64_t high = digests[2 * row], low = digests[2 * row + 1];
        if (known && known[row]) {
            found[row] = KNOWN;
            continue;
        }
        int64_t at = (int64_t)(((low ^ table->seed) * 0x9E3779B97F4A7C15u) >> 32) & table->mask, place;
        while ((place = (int64_t)table->index[at] - 1) >= 0 &&
               (table->digests[2 * place] != high || table->digests[2 * place + 1] != low))
            at = (at + 1) & table->mask;
        found[row] = place >= 0 ? table->offsets[place] : NEW;
        if (place >= 0) continue;
        place = (*table->count)++;
        table->digests[2 * place] = high;
        table->digests[2 * place + 1] = low;
        table->offsets[place] = first + row;
        table->index[at] = (int32_t)place + 1;
    }
}
