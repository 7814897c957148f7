/* Reading MessagePack as the log has it: what the next value is, and where it ends. Every read is checked against the end of the
 * bytes: broken ones give a number below 0, never a crash.
 */
#include <stdint.h>
#include <string.h>

enum { NIL, FALSE, TRUE, INTEGER, UNSIGNED, FLOAT, TEXT, LIST, MAP };
enum { TRUNCATED = -1, FOREIGN = -2, MISPLACED = -3 };

typedef struct {
    const uint8_t *data;
    int64_t at, end;
} Reader;

static inline uint64_t big_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

/* What the next value is (or an error) and its integer or length; the body of a TEXT or FLOAT is wholly there. */
static inline int head(Reader *in, int64_t *number) {
    *number = 0;
    if (in->at >= in->end) return TRUNCATED;
    const uint8_t first = in->data[in->at++];
    int kind, size = 0;
    if (first < 0x80) {
        *number = first;
        return INTEGER;
    } else if (first >= 0xE0) {
        *number = (int64_t)first - 256;
        return INTEGER;
    } else if (first < 0x90) {
        *number = first & 0x0F;
        return MAP;
    } else if (first < 0xA0) {
        *number = first & 0x0F;
        return LIST;
    } else if (first < 0xC0) {
        *number = first & 0x1F;
        kind = TEXT;
    } else if (first == 0xC0) {
        return NIL;
    } else if (first == 0xC2) {
        return FALSE;
    } else if (first == 0xC3) {
        return TRUE;
    } else if (first == 0xCA || first == 0xCB) {
        *number = first == 0xCA ? 4 : 8;
        kind = FLOAT;
    } else if (first >= 0xCC && first <= 0xD3) {
        size = 1 << ((first - 0xCC) & 3);
        kind = INTEGER;
    } else if (first >= 0xD9 && first <= 0xDB) {
        size = 1 << (first - 0xD9);
        kind = TEXT;
    } else if (first >= 0xDC) {
        size = 2 << ((first - 0xDC) & 1);
        kind = first < 0xDE ? LIST : MAP;
    } else {
        return FOREIGN;
    }
    if (size) {
        if (size > in->end - in->at) return TRUNCATED;
        const uint64_t value = big_endian(in->data + in->at, size);
        in->at += size;
        *number = (int64_t)value;
        if (kind == INTEGER && first >= 0xD0) {
            if (size < 8 && value >> (8 * size - 1)) *number -= (int64_t)1 << (8 * size);
        } else if (kind == INTEGER && value >> 63) {
            kind = UNSIGNED;
        }
    }
    if ((kind == TEXT || kind == FLOAT) && *number > in->end - in->at) return TRUNCATED;
    return kind;
}

static inline double fraction(const uint8_t *bytes, int64_t size) {
    const uint64_t bits = big_endian(bytes, (int)size);
    double wide;
    float narrow;
    if (size == 8) {
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    }
    const uint32_t half = (uint32_t)bits;
    memcpy(&narrow, &half, sizeof narrow);
    return narrow;
}
