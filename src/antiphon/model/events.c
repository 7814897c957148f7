/* Loops over packed events that are too hot for Python: where their fields lie, digests, subjects' slots, and what each event means
 * to the rules.
 *
 * Events are MessagePack arrays (see `event.py`). `event_batch.py` calls `walk` and `digests` without the interpreter's lock, and
 * what looks into Python's dicts with it. What they need of Python's stable ABI is declared here, so that no headers of Python have
 * to be there to build this. Every function returns a number below 0 for bytes that are no events, or with an exception set when
 * Python raised one.
 */
#include <stddef.h>

#include "msgpack.h"

typedef struct object PyObject;
extern PyObject *PyDict_GetItemWithError(PyObject *, PyObject *);
extern PyObject *PyUnicode_FromStringAndSize(const char *, ptrdiff_t);
extern PyObject *PyBytes_FromStringAndSize(const char *, ptrdiff_t);
extern PyObject *PyLong_FromLongLong(long long);
extern PyObject *PyFloat_FromDouble(double);
extern int PySet_Contains(PyObject *, PyObject *);
extern long long PyLong_AsLongLong(PyObject *);
extern PyObject *PyErr_Occurred(void);
extern void Py_DecRef(PyObject *);

enum { NOBODY = -1, UNKNOWN = -2, RAISED = -4 };

/* -- where fields lie ------------------------------------------------------------------------------------------------------- */

/* The places of an event: where it begins and ends, and its fields' values; -1 for one that it does not have. */
enum { BEGIN, END, ID, NAME, SOURCE, USER, DEVICE, COMPANY, PROPERTIES, PLACES };
enum { TYPE_FIELD = 1, TIMESTAMP_FIELD = 3, RECEIVED_FIELD = 4, SOURCE_FIELD = 5, WEIGHT_FIELD = 10, FLAGS_FIELD = 11, FIELDS };
static const int PLACE_OF[FIELDS] = {ID, -1, NAME, -1, -1, SOURCE, USER, DEVICE, COMPANY, PROPERTIES, -1, -1};

typedef struct {
    int64_t *places;         /* [rows, PLACES] */
    int64_t *at, *received;  /* [rows]: ms */
    double *weight;          /* [rows] */
    int64_t *flags;          /* [rows] */
    uint8_t *call;           /* [rows]: whether it is no `track` */
    int64_t rows;
} Rows;

static int pass_over(Reader *in) {
    int64_t left = 1, number;
    while (left > 0) {
        const int kind = head(in, &number);
        if (kind < 0) return kind;
        left--;
        if (kind == TEXT || kind == FLOAT) in->at += number;
        else if (kind == LIST) left += number;
        else if (kind == MAP) left += 2 * number;
    }
    return 0;
}

static int walk_field(Reader *in, int64_t field, int64_t *places, int64_t row, const Rows *out) {
    int64_t number;
    const int64_t begins = in->at;
    const int place = field < FIELDS ? PLACE_OF[field] : -1;
    if (field >= FIELDS) return pass_over(in);
    const int kind = head(in, &number);
    if (kind < 0) return kind;
    if (place == PROPERTIES) {
        if (kind != MAP) return MISPLACED;
        places[place] = in->at = begins;
        return pass_over(in);
    }
    if (place >= 0 || field == TYPE_FIELD) {
        if (kind == NIL && place >= USER) return 0;
        if (kind != TEXT) return MISPLACED;
        if (place >= 0) places[place] = begins;
        else out->call[row] = number != 5 || memcmp(in->data + in->at, "track", 5);
        in->at += number;
        return 0;
    }
    if (field == WEIGHT_FIELD && kind == FLOAT) {
        out->weight[row] = fraction(in->data + in->at, number);
        in->at += number;
    } else if (field == WEIGHT_FIELD && kind == UNSIGNED) {
        out->weight[row] = (double)(uint64_t)number;
    } else if (kind != INTEGER) {
        return MISPLACED;
    } else if (field == WEIGHT_FIELD) {
        out->weight[row] = (double)number;
    } else {
        (field == TIMESTAMP_FIELD ? out->at : field == RECEIVED_FIELD ? out->received : out->flags)[row] = number;
    }
    return 0;
}

/* Fill the rows from lists of events, one after another in [0, size); how many there are. */
int64_t walk(const uint8_t *data, int64_t size, const Rows *out) {
    Reader in = {data, 0, size};
    int64_t events, fields, row = 0;
    while (in.at < size) {
        int kind = head(&in, &events);
        if (kind != LIST) return kind < 0 ? kind : MISPLACED;
        if (events > out->rows - row) return MISPLACED;
        for (const int64_t end = row + events; row < end; row++) {
            int64_t *places = out->places + PLACES * row;
            for (int place = 0; place < PLACES; place++) places[place] = -1;
            places[BEGIN] = in.at;
            kind = head(&in, &fields);
            if (kind != LIST) return kind < 0 ? kind : MISPLACED;
            if (fields <= SOURCE_FIELD) return MISPLACED;
            out->weight[row] = 1;
            out->flags[row] = 0;
            for (int64_t field = 0; field < fields; field++) {
                const int failed = walk_field(&in, field, places, row, out);
                if (failed < 0) return failed;
            }
            places[END] = in.at;
        }
    }
    return row;
}

/* The text whose head is at a place that `walk` found. */
static const char *text_at(const uint8_t *data, int64_t place, int64_t *length) {
    Reader in = {data, place, INT64_MAX};
    head(&in, length);
    return (const char *)data + in.at;
}

/* -- slots ------------------------------------------------------------------------------------------------------------------ */

/* The slot of the id at a place; NOBODY if there is none, UNKNOWN if `slots` does not have the id. */
static int slot_of(const uint8_t *data, int64_t place, PyObject *slots, int64_t *slot) {
    int64_t length;
    *slot = NOBODY;
    if (place < 0) return 0;
    const char *text = text_at(data, place, &length);
    PyObject *id = PyUnicode_FromStringAndSize(text, length);
    if (!id) return RAISED;
    PyObject *found = PyDict_GetItemWithError(slots, id);
    Py_DecRef(id);
    *slot = found ? PyLong_AsLongLong(found) : UNKNOWN;
    return !found && PyErr_Occurred() ? RAISED : 0;
}

/* Fill the slots of the subjects of events; how many events are about one that has none. */
int64_t slots(const uint8_t *data, const int64_t *places, int64_t rows, PyObject *users, PyObject *devices, PyObject *companies,
              int64_t *slot, int64_t *company) {
    int64_t unknown = 0;
    for (int64_t row = 0; row < rows; row++, places += PLACES) {
        const int is_user = places[USER] >= 0;
        if (slot_of(data, places[is_user ? USER : DEVICE], is_user ? users : devices, slot + row)) return RAISED;
        if (slot_of(data, places[COMPANY], companies, company + row)) return RAISED;
        unknown += slot[row] == UNKNOWN || company[row] == UNKNOWN;
    }
    return unknown;
}

/* -- digests: BLAKE2b (RFC 7693) of source, a zero byte, id ----------------------------------------------------------------- */

enum { BLOCK = 128, LONGEST = 64 };
static const uint64_t START[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint8_t ORDER[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

typedef struct {
    uint64_t state[8], length;
    uint8_t block[BLOCK];
    size_t filled;
} Hash;

static uint64_t turned(uint64_t value, int bits) { return value >> bits | value << (64 - bits); }

static void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 63);
}

static void compress(Hash *hash, int last) {
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++) {
        m[i] = 0;
        for (int byte = 7; byte >= 0; byte--) m[i] = m[i] << 8 | hash->block[8 * i + byte];
    }
    for (int i = 0; i < 8; i++) {
        v[i] = hash->state[i];
        v[i + 8] = START[i];
    }
    v[12] ^= hash->length;
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = ORDER[round];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) hash->state[i] ^= v[i] ^ v[i + 8];
}

static void take(Hash *hash, const char *bytes, size_t size) {
    while (size) {
        if (hash->filled == BLOCK) { /* more follows, so this block is not the last */
            hash->length += BLOCK;
            compress(hash, 0);
            hash->filled = 0;
        }
        const size_t room = BLOCK - hash->filled, part = size < room ? size : room;
        memcpy(hash->block + hash->filled, bytes, part);
        hash->filled += part;
        bytes += part;
        size -= part;
    }
}

static void take_text(Hash *hash, const uint8_t *data, int64_t place) {
    int64_t length;
    const char *text = text_at(data, place, &length);
    take(hash, text, (size_t)length);
}

/* Write the digest of each event's source and id, `size` (at most LONGEST) bytes each. */
void digests(const uint8_t *data, const int64_t *places, int64_t rows, uint8_t *out, int64_t size) {
    for (int64_t row = 0; row < rows; row++, places += PLACES) {
        Hash hash = {.length = 0, .filled = 0};
        uint8_t whole_digest[LONGEST];
        memcpy(hash.state, START, sizeof START);
        hash.state[0] ^= 0x01010000 ^ (uint64_t)size;
        take_text(&hash, data, places[SOURCE]);
        take(&hash, "", 1);
        take_text(&hash, data, places[ID]);
        hash.length += hash.filled;
        memset(hash.block + hash.filled, 0, BLOCK - hash.filled);
        compress(&hash, 1);
        for (int byte = 0; byte < LONGEST; byte++) whole_digest[byte] = (uint8_t)(hash.state[byte / 8] >> 8 * (byte % 8));
        memcpy(out + row * size, whole_digest, (size_t)size);
    }
}

/* -- meanings --------------------------------------------------------------------------------------------------------------- */

/* One property that tells events of a name apart: which class a value is in, see `selectors.Truths`. */
typedef struct {
    const char *name;
    int64_t length;
    PyObject *texts, *named; /* texts: text -> class, numbers too if count is -1; named: the texts that predicates name, or NULL if all matter */
    int64_t other, missing;  /* the classes of a text that is not named, and of no value */
    const double *numbers;   /* operands, ascending */
    int64_t count;           /* of them; -1 if numbers must be looked at one by one */
    const int64_t *between;  /* [2 count + 1]: the class of a number below, at, above ... each; UNKNOWN if not met */
} Property;

typedef struct {
    const Property *properties;
    int64_t count;
    PyObject *meanings; /* the classes of the properties, four bytes each -> meaning */
} Name;

enum { MOST_PROPERTIES = 256, NOT_HERE = -2 };
static const double EXACT = 1e15; /* as `values.EXACT_INTEGER`: below, an integer is a float exactly */

static int64_t class_of_number(const Property *p, double value) {
    if (!(value > -EXACT && value < EXACT)) return UNKNOWN;
    int64_t low = 0, high = p->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (p->numbers[middle] < value) low = middle + 1;
        else high = middle;
    }
    return p->between[2 * low + (low < p->count && p->numbers[low] == value)];
}

/* The class of a text or a number that is looked up; takes over `value`. UNKNOWN if Python must find it. */
static int64_t class_of_one(const Property *p, PyObject *value, int is_text) {
    if (!value) return RAISED;
    PyObject *found = PyDict_GetItemWithError(p->texts, value);
    int64_t class = found ? PyLong_AsLongLong(found) : UNKNOWN;
    if (!found && PyErr_Occurred()) class = RAISED;
    else if (!found && is_text && p->named) {
        const int among = PySet_Contains(p->named, value);
        class = among < 0 ? RAISED : among ? UNKNOWN : p->other;
    }
    Py_DecRef(value);
    return class;
}

/* The class of the next value, which is passed over. */
static int64_t class_of(const Property *p, Reader *in) {
    int64_t number;
    const int64_t begins = in->at;
    const int kind = head(in, &number);
    const uint8_t *body = in->data + in->at;
    if (kind == NIL) return p->missing;
    if (kind == TEXT) {
        in->at += number;
        return class_of_one(p, PyUnicode_FromStringAndSize((const char *)body, number), 1);
    }
    if (kind == FLOAT || kind == INTEGER) {
        if (kind == FLOAT) in->at += number;
        const double value = kind == FLOAT ? fraction(body, number) : (double)number;
        if (p->count >= 0) return class_of_number(p, value);
        return class_of_one(p, kind == FLOAT ? PyFloat_FromDouble(value) : PyLong_FromLongLong(number), 0);
    }
    in->at = begins;
    pass_over(in);
    return UNKNOWN;
}

static int is_named(const Property *p, const uint8_t *key, int64_t length) {
    return p->length == length && !memcmp(p->name, key, (size_t)length);
}

/* Note the classes of the properties at a place; of one that is there twice the last counts. */
static int64_t classes_of(const Name *name, const uint8_t *data, int64_t place, int64_t *classes) {
    for (int64_t i = 0; i < name->count; i++) classes[i] = name->properties[i].missing;
    if (place < 0) return 0;
    Reader in = {data, place, INT64_MAX};
    int64_t count, length;
    for (head(&in, &count); count > 0; count--) {
        if (head(&in, &length) != TEXT) return MISPLACED;
        const uint8_t *key = in.data + in.at;
        int64_t i = 0;
        in.at += length;
        while (i < name->count && !is_named(name->properties + i, key, length)) i++;
        if (i == name->count) pass_over(&in);
        else if ((classes[i] = class_of(name->properties + i, &in)) == RAISED) return RAISED;
    }
    return 0;
}

static int64_t meaning_of(const Name *name, const uint8_t *data, int64_t place, int64_t *out) {
    int64_t classes[MOST_PROPERTIES];
    uint32_t signature[MOST_PROPERTIES];
    if (name->count > MOST_PROPERTIES) return 0;
    const int64_t failed = classes_of(name, data, place, classes);
    if (failed) return failed;
    for (int64_t i = 0; i < name->count; i++) {
        if (classes[i] < 0) return 0;
        signature[i] = (uint32_t)classes[i];
    }
    PyObject *key = PyBytes_FromStringAndSize((const char *)signature, 4 * name->count);
    if (!key) return RAISED;
    PyObject *found = PyDict_GetItemWithError(name->meanings, key);
    Py_DecRef(key);
    if (found) *out = PyLong_AsLongLong(found);
    return !found && PyErr_Occurred() ? RAISED : 0;
}

/* Write the meaning of each event, NOT_HERE where Python must find it; how many those are. `names`: name -> index in `known`. */
int64_t meanings(const uint8_t *data, const int64_t *places, int64_t rows, PyObject *names, const Name *const *known, int64_t *out) {
    int64_t missing = 0, length, last_length = -1;
    const char *last = NULL; /* neighbours mostly have one name */
    const Name *name = NULL;
    for (int64_t row = 0; row < rows; row++, places += PLACES) {
        const char *text = text_at(data, places[NAME], &length);
        if (length != last_length || memcmp(text, last, (size_t)length)) {
            PyObject *key = PyUnicode_FromStringAndSize(text, length);
            if (!key) return RAISED;
            PyObject *index = PyDict_GetItemWithError(names, key);
            Py_DecRef(key);
            if (!index && PyErr_Occurred()) return RAISED;
            name = index ? known[PyLong_AsLongLong(index)] : NULL;
            last = text;
            last_length = length;
        }
        out[row] = NOT_HERE;
        if (name) {
            const int64_t failed = meaning_of(name, data, places[PROPERTIES], out + row);
            if (failed) return failed;
        }
        missing += out[row] == NOT_HERE;
    }
    return missing;
}
