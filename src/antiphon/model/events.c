/* Loops over a list of events that are too hot for Python: columns, digests, and what each event means to the rules.
 *
 * `event_columns.py` calls them with the interpreter's lock held. What they need of Python's stable ABI is declared here, so that
 * no headers of Python have to be there to build this. Every function returns a number below 0 with an exception set when
 * Python raised one.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

typedef struct object PyObject;
extern PyObject PyUnicode_Type, PyFloat_Type, PyLong_Type, _Py_NoneStruct;
extern PyObject *PyList_GetItem(PyObject *, ptrdiff_t);
extern ptrdiff_t PyList_Size(PyObject *);
extern PyObject *PyDict_GetItemWithError(PyObject *, PyObject *);
extern PyObject *PyObject_GetAttr(PyObject *, PyObject *);
extern PyObject *PyObject_Type(PyObject *);
extern PyObject *PyUnicode_InternFromString(const char *);
extern const char *PyUnicode_AsUTF8AndSize(PyObject *, ptrdiff_t *);
extern int PyUnicode_CompareWithASCIIString(PyObject *, const char *);
extern PyObject *PyBytes_FromStringAndSize(const char *, ptrdiff_t);
extern int PySet_Contains(PyObject *, PyObject *);
extern long long PyLong_AsLongLong(PyObject *);
extern double PyLong_AsDouble(PyObject *);
extern double PyFloat_AsDouble(PyObject *);
extern PyObject *PyErr_Occurred(void);
extern void PyErr_Clear(void);
extern void Py_DecRef(PyObject *);

enum { NOBODY = -1, UNKNOWN = -2, FAILED = -1 };

/* -- reading events --------------------------------------------------------------------------------------------------------- */

enum { ID, TYPE, NAME, TIMESTAMP, RECEIVED_AT, SOURCE, USER, DEVICE, COMPANY, PROPERTIES, WEIGHT, FLAGS, FIELDS };
static const char *const FIELD_NAMES[FIELDS] = {
    "id", "type", "name", "timestamp", "received_at", "source",
    "user_id", "anonymous_id", "company_id", "properties", "weight", "flags",
};
static PyObject *names[FIELDS];

static int ready(void) {
    for (int i = 0; i < FIELDS; i++)
        if (!names[i] && !(names[i] = PyUnicode_InternFromString(FIELD_NAMES[i]))) return FAILED;
    return 0;
}

static int whole(PyObject *event, int field, int64_t *value) {
    PyObject *found = PyObject_GetAttr(event, names[field]);
    if (!found) return FAILED;
    *value = PyLong_AsLongLong(found);
    Py_DecRef(found);
    return *value == -1 && PyErr_Occurred() ? FAILED : 0;
}

/* The slot of the id that a field has; NOBODY if it has none, UNKNOWN if `places` does not have the id. */
static int place(PyObject *event, int field, PyObject *places, int64_t *slot) {
    PyObject *id = PyObject_GetAttr(event, names[field]);
    if (!id) return FAILED;
    *slot = NOBODY;
    if (id != &_Py_NoneStruct) {
        PyObject *found = PyDict_GetItemWithError(places, id);
        *slot = found ? PyLong_AsLongLong(found) : UNKNOWN;
    }
    Py_DecRef(id);
    return PyErr_Occurred() ? FAILED : 0;
}

/* Fill the columns of `events`; how many of them are about a subject that is not in the places. */
int64_t columns(
    PyObject *events, PyObject *users, PyObject *devices, PyObject *companies,
    int64_t *slot, int64_t *company, int64_t *at, int64_t *received, double *weight, int64_t *flags, uint8_t *call
) {
    int64_t unknown = 0;
    const ptrdiff_t count = PyList_Size(events);
    if (count < 0 || ready()) return FAILED;
    for (ptrdiff_t i = 0; i < count; i++) {
        PyObject *event = PyList_GetItem(events, i);
        if (place(event, USER, users, slot + i)) return FAILED;
        if (slot[i] == NOBODY && place(event, DEVICE, devices, slot + i)) return FAILED;
        if (place(event, COMPANY, companies, company + i)) return FAILED;
        if (whole(event, TIMESTAMP, at + i) || whole(event, RECEIVED_AT, received + i) || whole(event, FLAGS, flags + i))
            return FAILED;
        PyObject *found = PyObject_GetAttr(event, names[WEIGHT]);
        if (!found) return FAILED;
        weight[i] = PyFloat_AsDouble(found);
        Py_DecRef(found);
        if (weight[i] == -1 && PyErr_Occurred()) return FAILED;
        if (!(found = PyObject_GetAttr(event, names[TYPE]))) return FAILED;
        call[i] = PyUnicode_CompareWithASCIIString(found, "track") != 0;
        Py_DecRef(found);
        unknown += slot[i] == UNKNOWN || company[i] == UNKNOWN;
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

static int take_text(Hash *hash, PyObject *event, int field) {
    ptrdiff_t size;
    PyObject *text = PyObject_GetAttr(event, names[field]);
    if (!text) return FAILED;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes) take(hash, bytes, (size_t)size);
    Py_DecRef(text);
    return bytes ? 0 : FAILED;
}

/* Write the digest of each event's source and id, `size` (at most LONGEST) bytes each. */
int64_t digests(PyObject *events, uint8_t *out, int64_t size) {
    const ptrdiff_t count = PyList_Size(events);
    if (count < 0 || ready()) return FAILED;
    for (ptrdiff_t i = 0; i < count; i++) {
        PyObject *event = PyList_GetItem(events, i);
        Hash hash = {.length = 0, .filled = 0};
        uint8_t whole_digest[LONGEST];
        memcpy(hash.state, START, sizeof START);
        hash.state[0] ^= 0x01010000 ^ (uint64_t)size;
        if (take_text(&hash, event, SOURCE)) return FAILED;
        take(&hash, "", 1);
        if (take_text(&hash, event, ID)) return FAILED;
        hash.length += hash.filled;
        memset(hash.block + hash.filled, 0, BLOCK - hash.filled);
        compress(&hash, 1);
        for (int byte = 0; byte < LONGEST; byte++) whole_digest[byte] = (uint8_t)(hash.state[byte / 8] >> 8 * (byte % 8));
        memcpy(out + i * size, whole_digest, (size_t)size);
    }
    return count;
}

/* -- meanings --------------------------------------------------------------------------------------------------------------- */

/* One property that tells events of a name apart: which class a value is in, see `selectors.Truths`. */
typedef struct {
    PyObject *name, *texts, *named; /* texts: text -> class, numbers too if count is -1; named: the texts that predicates name, or NULL if all matter */
    int64_t other, missing;         /* the classes of a text that is not named, and of no value */
    const double *numbers;          /* operands, ascending */
    int64_t count;                  /* of them; -1 if numbers must be looked at one by one */
    const int64_t *between;         /* [2 count + 1]: the class of a number below, at, above ... each; UNKNOWN if not met */
} Property;

typedef struct {
    const Property *properties;
    int64_t count;
    PyObject *meanings; /* the classes of the properties, four bytes each -> meaning */
} Name;

enum { MOST_PROPERTIES = 256, NOT_HERE = -2 };
static const double EXACT = 1e15; /* as `values.EXACT_INTEGER`: below, an integer is a float exactly */

static int64_t class_of_number(const Property *p, double value) {
    if (p->count < 0 || !(value > -EXACT && value < EXACT)) return UNKNOWN;
    int64_t low = 0, high = p->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (p->numbers[middle] < value) low = middle + 1;
        else high = middle;
    }
    return p->between[2 * low + (low < p->count && p->numbers[low] == value)];
}

/* The class of a value; UNKNOWN if Python must find it. */
static int64_t class_of(const Property *p, PyObject *value) {
    if (!value || value == &_Py_NoneStruct) return p->missing;
    PyObject *type = PyObject_Type(value);
    Py_DecRef(type); /* the value keeps it alive */
    if (type == &PyUnicode_Type) {
        PyObject *found = PyDict_GetItemWithError(p->texts, value);
        if (found) return PyLong_AsLongLong(found);
        if (p->named && PySet_Contains(p->named, value) == 0) return p->other;
        return UNKNOWN;
    }
    if (p->count < 0 && (type == &PyFloat_Type || type == &PyLong_Type)) {
        PyObject *found = PyDict_GetItemWithError(p->texts, value);
        return found ? PyLong_AsLongLong(found) : UNKNOWN;
    }
    if (type == &PyFloat_Type) return class_of_number(p, PyFloat_AsDouble(value));
    if (type == &PyLong_Type) {
        const double number = PyLong_AsDouble(value);
        if (number == -1 && PyErr_Occurred()) {
            PyErr_Clear(); /* too large for a float: Python looks at it */
            return UNKNOWN;
        }
        return class_of_number(p, number);
    }
    return UNKNOWN;
}

static int meaning_of(PyObject *event, PyObject *places, const Name *const *known, int64_t *out) {
    uint32_t classes[MOST_PROPERTIES];
    PyObject *text = PyObject_GetAttr(event, names[NAME]);
    if (!text) return FAILED;
    PyObject *index = PyDict_GetItemWithError(places, text);
    Py_DecRef(text);
    *out = NOT_HERE;
    if (!index) return PyErr_Occurred() ? FAILED : 0;
    const Name *name = known[PyLong_AsLongLong(index)];
    if (name->count > MOST_PROPERTIES) return 0;
    if (name->count) {
        PyObject *properties = PyObject_GetAttr(event, names[PROPERTIES]);
        if (!properties) return FAILED;
        for (int64_t i = 0; i < name->count; i++) {
            PyObject *value = PyDict_GetItemWithError(properties, name->properties[i].name);
            const int64_t found = class_of(name->properties + i, value);
            if (found < 0) {
                Py_DecRef(properties);
                return PyErr_Occurred() ? FAILED : 0;
            }
            classes[i] = (uint32_t)found;
        }
        Py_DecRef(properties);
    }
    PyObject *key = PyBytes_FromStringAndSize((const char *)classes, 4 * name->count);
    if (!key) return FAILED;
    PyObject *found = PyDict_GetItemWithError(name->meanings, key);
    Py_DecRef(key);
    if (found) *out = PyLong_AsLongLong(found);
    return PyErr_Occurred() ? FAILED : 0;
}

/* Write the meaning of each event, NOT_HERE where Python must find it; how many those are. `places`: name -> index in `known`. */
int64_t meanings(PyObject *events, PyObject *places, const Name *const *known, int64_t *out) {
    int64_t missing = 0;
    const ptrdiff_t count = PyList_Size(events);
    if (count < 0 || ready()) return FAILED;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (meaning_of(PyList_GetItem(events, i), places, known, out + i)) return FAILED;
        missing += out[i] == NOT_HERE;
    }
    return missing;
}
