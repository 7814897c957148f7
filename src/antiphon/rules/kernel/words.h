/* Words of 64 bits in few bytes, as blocks are stored: most of their bytes are 0.
 *
 * A word is a byte that says which of its eight bytes, the lowest first, are not 0, and those bytes. After a word of 0 comes how
 * many more such words follow it.
 */
#include <stdint.h>

enum { MOST_BYTES = 9, MOST_ZEROS = 255 }; /* that a word takes; that are counted after a word of 0 */

/* Write `count` words to `out`; the bytes written. */
static int64_t pack_words(const int64_t *words, int64_t count, uint8_t *out) {
    uint8_t *at = out;
    for (int64_t i = 0; i < count; i++) {
        uint64_t word = (uint64_t)words[i];
        uint8_t *mask = at++;
        *mask = 0;
        for (int bit = 0; word; bit++, word >>= 8) {
            if (word & 0xFF) {
                *mask |= (uint8_t)(1 << bit);
                *at++ = (uint8_t)word;
            }
        }
        if (*mask == 0) {
            int64_t more = 0;
            while (more < MOST_ZEROS && i + 1 < count && words[i + 1] == 0) more++, i++;
            *at++ = (uint8_t)more;
        }
    }
    return at - out;
}

/* How many words `size` bytes hold, written to `out` unless it is NULL; -1 for bytes that hold none. */
static int64_t unpack_words(const uint8_t *data, int64_t size, int64_t *out) {
    int64_t count = 0;
    for (int64_t at = 0; at < size; count++) {
        const uint8_t mask = data[at++];
        uint64_t word = 0;
        for (int bit = 0; bit < 8; bit++) {
            if (mask >> bit & 1) {
                if (at == size) return -1;
                word |= (uint64_t)data[at++] << 8 * bit;
            }
        }
        if (out) out[count] = (int64_t)word;
        if (mask == 0) {
            if (at == size) return -1;
            for (int more = data[at++]; more > 0; more--) {
                count++;
                if (out) out[count] = 0;
            }
        }
    }
    return count;
}
