/* From a request's JSON straight to the log's packed events, for batches that are plain; `plain.py` calls it.
 *
 * What `parse`, `segment`, `steps` and `redact` do to a call one after the other in Python is done here in one pass, for calls
 * in which nothing has to be repaired, refused or guessed. Whatever is not so (a wrong type, a strange number, a route that must
 * be made from a path) gives NOT_PLAIN for the whole request, and Python, which knows every case, takes it from its beginning.
 * The body must be valid UTF-8. Reads are checked against the body's end, writes against the buffer's.
 */
#include <math.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>

typedef struct object PyObject;
extern double PyOS_string_to_double(const char *, char **, PyObject *);
extern PyObject *PyErr_Occurred(void);
extern void PyErr_Clear(void);

enum { NOT_PLAIN = -1 };
enum { NIL, TRUTH, INTEGER, FRACTION, TEXT, LIST, MAP };
enum { DEPTH = 16, MOST_KEYS = 128, MOST_EVENTS = 4096, MOST_ITEMS = 65535, LONGEST_ID = 512, LONGEST_NUMBER = 63 };
enum { LATE = 1, CLAMPED = 2 };
static const double MOST_WEIGHT = 1e9;

typedef struct {
    const uint8_t *source;           /* as the log has it: a packed text */
    const uint8_t *secrets;          /* names whose values are redacted, folded, one after another */
    const int64_t *ends;             /* [count]: where each ends */
    int64_t source_size, count;
    int64_t received_at, ahead, lateness; /* ms */
    int64_t most_bytes, most_maps;   /* of an event, of a request */
} Given;

typedef struct {
    const uint8_t *in, *end;
    uint8_t *out, *full;
    const Given *given;
    int64_t maps;
    double number; /* the last one that was read */
} State;

/* A value that was read: its kind, its packed bytes, and the JSON that it was. */
typedef struct {
    int kind;
    const uint8_t *packed, *packed_end, *json, *json_end;
    double number;
} Value;

/* Members of an object that somebody wants to see. */
typedef struct {
    const char *const *names;
    Value *values; /* `json` is NULL where there was none */
    int count;
} Watched;

/* -- writing ---------------------------------------------------------------------------------------------------------------- */

static int put(State *s, const void *bytes, int64_t size) {
    if (size > s->full - s->out) return NOT_PLAIN;
    memcpy(s->out, bytes, (size_t)size);
    s->out += size;
    return 0;
}

static int put_byte(State *s, int byte) {
    if (s->out == s->full) return NOT_PLAIN;
    *s->out++ = (uint8_t)byte;
    return 0;
}

static void big_endian(uint8_t *to, uint64_t value, int size) {
    for (int i = 0; i < size; i++) to[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static int put_number(State *s, int first, uint64_t value, int size) {
    uint8_t bytes[9] = {(uint8_t)first};
    big_endian(bytes + 1, value, size);
    return put(s, bytes, size + 1);
}

static int put_integer(State *s, int64_t value) {
    if (value >= -32 && value < 128) return put_byte(s, (int)(value & 0xFF));
    if (value >= INT16_MIN && value <= INT16_MAX) return put_number(s, 0xD1, (uint64_t)value, 2);
    if (value >= INT32_MIN && value <= INT32_MAX) return put_number(s, 0xD2, (uint64_t)value, 4);
    return put_number(s, 0xD3, (uint64_t)value, 8);
}

static int put_text_head(State *s, int64_t size) {
    if (size < 32) return put_byte(s, 0xA0 | (int)size);
    if (size < 256) return put_number(s, 0xD9, (uint64_t)size, 1);
    return size < 65536 ? put_number(s, 0xDA, (uint64_t)size, 2) : put_number(s, 0xDB, (uint64_t)size, 4);
}

static int put_text(State *s, const uint8_t *text, int64_t size) { return put_text_head(s, size) | put(s, text, size); }

/* -- reading scalars -------------------------------------------------------------------------------------------------------- */

/* Pass over white space; the byte after it, or -1 at the end. */
static int next(State *s) {
    while (s->in < s->end && (*s->in == ' ' || *s->in == '\n' || *s->in == '\r' || *s->in == '\t')) s->in++;
    return s->in < s->end ? *s->in : -1;
}

static int expect(State *s, int byte) {
    if (next(s) != byte) return NOT_PLAIN;
    s->in++;
    return 0;
}

static int word(State *s, const char *letters) {
    const int64_t size = (int64_t)strlen(letters);
    if (s->end - s->in < size || memcmp(s->in, letters, (size_t)size)) return NOT_PLAIN;
    s->in += size;
    return 0;
}

static int hexadecimal(State *s, uint32_t *value) {
    if (s->end - s->in < 4) return NOT_PLAIN;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = *s->in++;
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return NOT_PLAIN;
        *value = *value << 4 | (uint32_t)digit;
    }
    return 0;
}

/* What follows a backslash, as UTF-8. */
static int escape(State *s) {
    static const char NAMES[] = "\"\\/bfnrt", MEANINGS[] = "\"\\/\b\f\n\r\t";
    if (s->in == s->end) return NOT_PLAIN;
    const uint8_t kind = *s->in++;
    uint32_t code, low;
    if (kind != 'u') {
        const char *found = kind ? strchr(NAMES, kind) : NULL;
        return found ? put_byte(s, MEANINGS[found - NAMES]) : NOT_PLAIN;
    }
    if (hexadecimal(s, &code) || code == 0 || (code >= 0xDC00 && code < 0xE000)) return NOT_PLAIN;
    if (code >= 0xD800 && code < 0xDC00) {
        if (word(s, "\\u") || hexadecimal(s, &low) || low < 0xDC00 || low >= 0xE000) return NOT_PLAIN;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code < 0x80) return put_byte(s, (int)code);
    if (code < 0x800) return put_byte(s, 0xC0 | (int)(code >> 6)) | put_byte(s, 0x80 | (int)(code & 0x3F));
    if (code < 0x10000) return put_byte(s, 0xE0 | (int)(code >> 12)) | put_byte(s, 0x80 | (int)(code >> 6 & 0x3F)) | put_byte(s, 0x80 | (int)(code & 0x3F));
    return put_byte(s, 0xF0 | (int)(code >> 18)) | put_byte(s, 0x80 | (int)(code >> 12 & 0x3F)) | put_byte(s, 0x80 | (int)(code >> 6 & 0x3F)) | put_byte(s, 0x80 | (int)(code & 0x3F));
}

/* A text whose opening quote was read. */
static int text(State *s) {
    const uint8_t *begin = s->in;
    while (s->in < s->end && *s->in != '"' && *s->in != '\\' && *s->in >= 0x20) s->in++;
    if (s->in == s->end || *s->in < 0x20) return NOT_PLAIN;
    if (*s->in == '"') return put_text(s, begin, s->in++ - begin);
    enum { HEAD = 5 }; /* the longest */
    uint8_t *const head = s->out;
    if (s->full - s->out < HEAD) return NOT_PLAIN;
    s->out += HEAD;
    for (;;) {
        if (put(s, begin, s->in - begin)) return NOT_PLAIN;
        if (*s->in++ == '"') break;
        if (escape(s)) return NOT_PLAIN;
        begin = s->in;
        while (s->in < s->end && *s->in != '"' && *s->in != '\\' && *s->in >= 0x20) s->in++;
        if (s->in == s->end || *s->in < 0x20) return NOT_PLAIN;
    }
    const int64_t size = s->out - head - HEAD;
    s->out = head;
    put_text_head(s, size);
    memmove(s->out, head + HEAD, (size_t)size);
    s->out += size;
    return 0;
}

/* The names of members have no escapes here. */
static int name(State *s, const uint8_t **begin, int64_t *size) {
    if (expect(s, '"')) return NOT_PLAIN;
    *begin = s->in;
    while (s->in < s->end && *s->in != '"') {
        if (*s->in < 0x20 || *s->in >= 0x80 || *s->in == '\\') return NOT_PLAIN;
        s->in++;
    }
    if (s->in == s->end) return NOT_PLAIN;
    *size = s->in++ - *begin;
    return expect(s, ':');
}

static int digits(State *s) {
    const uint8_t *begin = s->in;
    while (s->in < s->end && *s->in >= '0' && *s->in <= '9') s->in++;
    return s->in == begin ? NOT_PLAIN : 0;
}

/* A fraction that has been passed over. Its digits and a power of ten are both floats exactly, or Python rounds it. */
static int fraction(State *s, const uint8_t *begin) {
    static const double TENS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t mantissa = 0, bits;
    int many = 0, after = -1, plain = 1;
    for (const uint8_t *at = begin + (*begin == '-'); at < s->in && plain; at++) {
        if (*at == '.') {
            after = 0;
        } else if (*at < '0' || *at > '9' || ++many > 15) {
            plain = 0;
        } else {
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
            after += after >= 0;
        }
    }
    if (plain) {
        s->number = (double)mantissa / TENS[after];
        if (*begin == '-') s->number = -s->number;
    } else {
        char copy[LONGEST_NUMBER + 1];
        if (s->in - begin > LONGEST_NUMBER) return NOT_PLAIN;
        memcpy(copy, begin, (size_t)(s->in - begin));
        copy[s->in - begin] = 0;
        s->number = PyOS_string_to_double(copy, NULL, NULL);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return NOT_PLAIN;
        }
    }
    if (!isfinite(s->number)) return NOT_PLAIN;
    memcpy(&bits, &s->number, sizeof bits);
    return put_number(s, 0xCB, bits, 8);
}

/* A number; its kind. */
static int number(State *s) {
    const uint8_t *begin = s->in;
    const int negative = *s->in == '-';
    s->in += negative;
    const uint8_t *first = s->in;
    if (digits(s)) return NOT_PLAIN;
    if (*first == '0' && s->in - first > 1) return NOT_PLAIN;
    const int has_point = s->in < s->end && *s->in == '.';
    const int64_t size = s->in - first;
    if (has_point) {
        s->in++;
        if (digits(s)) return NOT_PLAIN;
    }
    const int has_power = s->in < s->end && (*s->in | 0x20) == 'e';
    if (has_power) {
        s->in++;
        if (s->in < s->end && (*s->in == '-' || *s->in == '+')) s->in++;
        if (digits(s)) return NOT_PLAIN;
    }
    if (has_point || has_power) return fraction(s, begin) ? NOT_PLAIN : FRACTION;
    uint64_t value = 0;
    if (size > 19 || (negative && *first == '0')) return NOT_PLAIN;
    for (int64_t i = 0; i < size; i++) value = value * 10 + (uint64_t)(first[i] - '0');
    if (value > INT64_MAX) return NOT_PLAIN;
    const int64_t whole = negative ? -(int64_t)value : (int64_t)value;
    s->number = (double)whole;
    return put_integer(s, whole) ? NOT_PLAIN : INTEGER;
}

/* -- reading values --------------------------------------------------------------------------------------------------------- */

/* Whether the value of a name must not be kept: case, `-` and `_` do not matter. */
static int is_secret(const Given *given, const uint8_t *begin, int64_t size) {
    uint8_t folded[64];
    int64_t length = 0, from = 0;
    for (int64_t i = 0; i < size; i++) {
        const uint8_t c = begin[i];
        if (c == '-' || c == '_') continue;
        if (length == (int64_t)sizeof folded) return -1;
        folded[length++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }
    for (int64_t i = 0; i < given->count; i++) {
        const int64_t end = given->ends[i];
        if (end - from == length && !memcmp(given->secrets + from, folded, (size_t)length)) return 1;
        from = end;
    }
    return 0;
}

static uint64_t hash_of(const uint8_t *begin, int64_t size) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325;
    for (int64_t i = 0; i < size; i++) hash = (hash ^ begin[i]) * 0x100000001b3;
    return hash;
}

static int is(const uint8_t *begin, int64_t size, const char *other) {
    return size == (int64_t)strlen(other) && !memcmp(begin, other, (size_t)size);
}

static int value(State *s, int depth, const Watched *watched, Value *read);

static int list(State *s, int depth) {
    uint8_t *const head = s->out;
    int64_t count = 0;
    if (put_number(s, 0xDC, 0, 2)) return NOT_PLAIN;
    if (next(s) == ']') {
        s->in++;
        return 0;
    }
    for (;;) {
        if (value(s, depth + 1, NULL, NULL) || ++count > MOST_ITEMS) return NOT_PLAIN;
        const int byte = next(s);
        s->in++;
        if (byte == ']') break;
        if (byte != ',') return NOT_PLAIN;
    }
    big_endian(head + 1, (uint64_t)count, 2);
    return 0;
}

static int map(State *s, int depth, const Watched *watched) {
    uint64_t seen[MOST_KEYS]; /* of two members of one name the last counts: Python sees to that */
    uint8_t *const head = s->out;
    int count = 0;
    if (++s->maps > s->given->most_maps || put_number(s, 0xDE, 0, 2)) return NOT_PLAIN;
    if (next(s) == '}') {
        s->in++;
        return 0;
    }
    for (;;) {
        const uint8_t *key;
        int64_t size;
        Value *read = NULL;
        if (count == MOST_KEYS || name(s, &key, &size) || put_text(s, key, size)) return NOT_PLAIN;
        const uint64_t hash = seen[count] = hash_of(key, size);
        for (int i = 0; i < count; i++)
            if (seen[i] == hash) return NOT_PLAIN;
        count++;
        for (int i = 0; watched && i < watched->count; i++)
            if (is(key, size, watched->names[i])) read = watched->values + i;
        uint8_t *const before = s->out;
        Value own;
        if (value(s, depth + 1, NULL, read ? read : &own)) return NOT_PLAIN;
        const int secret = is_secret(s->given, key, size);
        if (secret < 0) return NOT_PLAIN;
        if (secret && (read ? read : &own)->kind != NIL) {
            s->out = before;
            if (put_text(s, (const uint8_t *)"[redacted]", 10)) return NOT_PLAIN;
        }
        const int byte = next(s);
        s->in++;
        if (byte == '}') break;
        if (byte != ',') return NOT_PLAIN;
    }
    big_endian(head + 1, (uint64_t)count, 2);
    return 0;
}

/* Read and pack any value; `read` is told of it. */
static int value(State *s, int depth, const Watched *watched, Value *read) {
    if (depth > DEPTH) return NOT_PLAIN;
    const int byte = next(s);
    const uint8_t *json = s->in;
    uint8_t *packed = s->out;
    int kind, failed = 0;
    if (byte == '"') {
        s->in++;
        kind = TEXT;
        failed = text(s);
    } else if (byte == '{') {
        s->in++;
        kind = MAP;
        failed = map(s, depth, watched);
    } else if (byte == '[') {
        s->in++;
        kind = LIST;
        failed = list(s, depth);
    } else if (byte == 'n') {
        kind = NIL;
        failed = word(s, "null") | put_byte(s, 0xC0);
    } else if (byte == 't') {
        kind = TRUTH;
        failed = word(s, "true") | put_byte(s, 0xC3);
    } else if (byte == 'f') {
        kind = TRUTH;
        failed = word(s, "false") | put_byte(s, 0xC2);
    } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
        kind = number(s);
        failed = kind < 0;
    } else {
        return NOT_PLAIN;
    }
    if (failed) return NOT_PLAIN;
    if (read) *read = (Value){kind, packed, s->out, json, s->in, s->number};
    return 0;
}

/* -- moments ---------------------------------------------------------------------------------------------------------------- */

static int two(const uint8_t *at, int most, int64_t *value) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return NOT_PLAIN;
    *value = 10 * (at[0] - '0') + at[1] - '0';
    return *value > most ? NOT_PLAIN : 0;
}

static int64_t days_before(int64_t year, int64_t month, int64_t day) { /* since 1970-01-01; Howard Hinnant's algorithm */
    year -= month <= 2;
    const int64_t era = year / 400, of_era = year - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Ms since the epoch of `2026-11-27T10:00:00.123Z` (or `+02:00`, or no zone: UTC), rounded as `segment.milliseconds` does. */
static int moment(const Value *read, int64_t *ms) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    enum { SHORTEST = 19 };
    if (read->kind != TEXT) return NOT_PLAIN;
    const uint8_t *at = read->json + 1, *end = read->json_end - 1;
    int64_t century, year, month, day, hour, minute, second, micro = 0;
    if (end - at < SHORTEST || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':') return NOT_PLAIN;
    if (two(at, 99, &century) || two(at + 2, 99, &year) || two(at + 5, 12, &month) || two(at + 8, 31, &day)) return NOT_PLAIN;
    if (two(at + 11, 23, &hour) || two(at + 14, 59, &minute) || two(at + 17, 59, &second)) return NOT_PLAIN;
    year += 100 * century;
    const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || day < 1 || day > DAYS[month - 1] + (month == 2 && leap)) return NOT_PLAIN;
    at += SHORTEST;
    if (at < end && *at == '.') {
        int64_t nano = 0, unit = 1000000000;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++) {
            if (unit == 1) return NOT_PLAIN;
            unit /= 10;
            nano += unit * (*at - '0');
        }
        if (unit == 1000000000) return NOT_PLAIN;
        micro = (nano + 500) / 1000;
    }
    int64_t offset = 0;
    if (end - at == 6 && (*at == '+' || *at == '-') && at[3] == ':') {
        int64_t hours, minutes;
        if (two(at + 1, 23, &hours) || two(at + 4, 59, &minutes)) return NOT_PLAIN;
        offset = (*at == '+' ? 60 : -60) * (60 * hours + minutes);
    } else if (at != end && !(end - at == 1 && *at == 'Z')) {
        return NOT_PLAIN;
    }
    const int64_t seconds = days_before(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *ms = (int64_t)rint((double)(seconds * 1000000 + micro) / 1e6 * 1000.0);
    return 0;
}

/* -- calls ------------------------------------------------------------------------------------------------------------------ */

enum {
    TYPE, MESSAGE, TIMESTAMP, ORIGINAL, USER, DEVICE, GROUP, PREVIOUS, EVENT, NAME, CATEGORY, PROPERTIES, TRAITS, CONTEXT,
    CALL_WEIGHT, WRITE_KEY, SENT, FIELDS
};
static const char *const FIELD_NAMES[FIELDS] = {
    "type", "messageId", "timestamp", "originalTimestamp", "userId", "anonymousId", "groupId", "previousId", "event", "name",
    "category", "properties", "traits", "context", "weight", "writeKey", "sentAt",
};
enum { COMPANY_ID, ROUTE, PATH, STATUS, WEIGHT, OWN };
static const char *const OWN_NAMES[OWN] = {"company_id", "route", "path", "status", "weight"};
static const char *const CONTEXT_NAMES[1] = {"groupId"};

/* A call whose time is filled in once the request's own is known. */
typedef struct {
    uint8_t *time, *flags; /* where they stand in the packed event */
    int64_t moment;
    int has_moment;
} Pending;

static int is_there(const Value *v) { return v->json != NULL && v->kind != NIL; }

/* Whether there is a text in it (an empty one is none), or a number as a text; NOT_PLAIN for anything else, or if it is long. */
static int is_id(const Value *v) {
    if (!is_there(v)) return 0;
    if (v->kind != TEXT && v->kind != INTEGER) return NOT_PLAIN;
    if (v->json_end - v->json > LONGEST_ID) return NOT_PLAIN;
    return v->kind == INTEGER || v->json_end - v->json > 2;
}

static int put_id(State *s, const Value *v) {
    const int there = is_id(v);
    if (there <= 0) return there < 0 ? NOT_PLAIN : put_byte(s, 0xC0);
    if (v->kind == INTEGER) return put_text(s, v->json, v->json_end - v->json);
    return put(s, v->packed, v->packed_end - v->packed);
}

static int is_text(const Value *v, const char *other) {
    if (v->kind != TEXT) return 0;
    const uint8_t *text = v->packed + (*v->packed < 0xC0 ? 1 : *v->packed == 0xD9 ? 2 : *v->packed == 0xDA ? 3 : 5);
    return is(text, v->packed_end - text, other);
}

/* What an API call has among its properties must need no repair; and where its weight stands, if it has one. */
static int check_call(const Value *own, const Value **weight) {
    *weight = NULL;
    if (own[PATH].json && own[PATH].kind == TEXT) {
        for (const uint8_t *at = own[PATH].json; at < own[PATH].json_end; at++)
            if (*at == '?' || *at == '#' || *at == '\\') return NOT_PLAIN;
        if (!is_there(own + ROUTE) || own[ROUTE].kind != TEXT || own[ROUTE].json_end - own[ROUTE].json <= 2) return NOT_PLAIN;
    }
    if (is_there(own + STATUS) && own[STATUS].kind == TEXT) return NOT_PLAIN;
    if (is_there(own + WEIGHT)) {
        if (own[WEIGHT].kind != INTEGER && own[WEIGHT].kind != FRACTION) return NOT_PLAIN;
        if (!(own[WEIGHT].number > 0 && own[WEIGHT].number <= MOST_WEIGHT)) return NOT_PLAIN;
        *weight = own + WEIGHT;
    }
    return 0;
}

/* Read a call's members, packing their values at the buffer's present end. */
static int fields(State *s, Value *field, Value *own, Value *group) {
    const Watched of_properties = {OWN_NAMES, own, OWN}, of_context = {CONTEXT_NAMES, group, 1};
    const uint8_t *key;
    int64_t size;
    if (expect(s, '{')) return NOT_PLAIN;
    do {
        int known = 0;
        Value *read = NULL;
        if (name(s, &key, &size)) return NOT_PLAIN;
        while (known < FIELDS && !is(key, size, FIELD_NAMES[known])) known++;
        if (known < FIELDS) {
            read = field + known;
            if (read->json) return NOT_PLAIN;
        }
        const Watched *watched = known == PROPERTIES || known == TRAITS ? &of_properties : known == CONTEXT ? &of_context : NULL;
        if (value(s, 1, watched, read)) return NOT_PLAIN;
        if (next(s) == '}') {
            s->in++;
            return 0;
        }
    } while (!expect(s, ','));
    return NOT_PLAIN;
}

static int put_event(State *s, const Value *field, const Value *own, const Value *group, Pending *pending) {
    static const int TEXTS[] = {TYPE, EVENT, NAME, CATEGORY, WRITE_KEY}, OBJECTS[] = {PROPERTIES, TRAITS, CONTEXT};
    const Value *weight = NULL, *named = field + TYPE, *properties = field + TRAITS, *company = field + GROUP;
    int64_t unused;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        if (is_there(field + TEXTS[i]) && field[TEXTS[i]].kind != TEXT) return NOT_PLAIN;
    for (size_t i = 0; i < sizeof OBJECTS / sizeof *OBJECTS; i++)
        if (is_there(field + OBJECTS[i]) && field[OBJECTS[i]].kind != MAP) return NOT_PLAIN;
    if (is_there(field + CALL_WEIGHT) || is_there(field + PREVIOUS) || !is_there(field + TYPE)) return NOT_PLAIN;
    if (is_there(field + PROPERTIES) && is_there(field + TRAITS)) return NOT_PLAIN;
    if (is_text(field + TYPE, "track")) {
        named = field + EVENT;
        properties = field + PROPERTIES;
        if (is_id(named) <= 0) return NOT_PLAIN;
        if (is_there(field + TRAITS)) return NOT_PLAIN;
        if (is_text(named, "api_call") && check_call(own, &weight)) return NOT_PLAIN;
    } else if (is_text(field + TYPE, "identify") || is_text(field + TYPE, "group")) {
        if (is_there(field + PROPERTIES)) return NOT_PLAIN;
        if (is_text(field + TYPE, "group")) {
            if (is_id(field + GROUP) <= 0) return NOT_PLAIN;
        } else if (!is_there(properties) || properties->packed_end - properties->packed == 3) {
            return NOT_PLAIN; /* without traits: they may be elsewhere */
        }
    } else {
        return NOT_PLAIN;
    }
    if (is_id(company) == 0) { /* as `steps.company` */
        if (is_there(group)) company = group;
        else if (own[COMPANY_ID].json) company = own + COMPANY_ID;
    }
    const int identity[] = {is_id(field + USER), is_id(field + DEVICE), is_id(company)};
    if (identity[0] < 0 || identity[1] < 0 || identity[2] < 0 || identity[0] + identity[1] + identity[2] == 0) return NOT_PLAIN;
    if (is_id(field + MESSAGE) <= 0) return NOT_PLAIN;
    pending->has_moment = 0;
    for (int each = ORIGINAL; each >= TIMESTAMP; each--) {
        if (!is_there(field + each)) continue;
        if (moment(field + each, &pending->moment)) return NOT_PLAIN;
        pending->has_moment = 1;
    }
    if (is_there(field + SENT) && moment(field + SENT, &unused)) return NOT_PLAIN;

    const Value *context = field + CONTEXT;
    const int has_context = is_there(context);
    int failed = put_byte(s, has_context ? 0x9E : 0x9C) | put_id(s, field + MESSAGE);
    failed |= put(s, field[TYPE].packed, field[TYPE].packed_end - field[TYPE].packed);
    failed |= put(s, named->packed, named->packed_end - named->packed);
    pending->time = s->out + 1;
    failed |= put_number(s, 0xD3, 0, 8) | put_number(s, 0xD3, (uint64_t)s->given->received_at, 8);
    failed |= put(s, s->given->source, s->given->source_size);
    failed |= put_id(s, field + USER) | put_id(s, field + DEVICE) | put_id(s, company);
    failed |= is_there(properties) ? put(s, properties->packed, properties->packed_end - properties->packed) : put_byte(s, 0x80);
    failed |= weight ? put(s, weight->packed, weight->packed_end - weight->packed) : put_byte(s, 1);
    pending->flags = s->out;
    failed |= put_byte(s, 0);
    if (has_context) failed |= put_byte(s, 0xC0) | put(s, context->packed, context->packed_end - context->packed);
    return failed;
}

/* One call of the batch: its values are packed behind the place where its event then comes to stand. */
static int call(State *s, Pending *pending) {
    Value field[FIELDS] = {0}, own[OWN] = {0}, group[1] = {0};
    uint8_t *const begin = s->out;
    const int64_t room = (s->full - begin) / 2;
    if (next(s) != '{') return NOT_PLAIN;
    const uint8_t *json = s->in;
    s->out += room;
    if (fields(s, field, own, group) || s->in - json > s->given->most_bytes) return NOT_PLAIN;
    uint8_t *const full = s->full;
    s->out = begin;
    s->full = begin + room;
    const int failed = put_event(s, field, own, group, pending);
    s->full = full;
    return failed;
}

/* Pack the events of `body`; how many bytes they take at `out`, and `count` of them, or NOT_PLAIN. */
int64_t pack_plain(const uint8_t *body, int64_t size, const Given *given, uint8_t *out, int64_t room, int64_t *count) {
    static const char *const NAMES[] = {"batch", "sentAt", "writeKey", "context"};
    static Pending pending[MOST_EVENTS]; /* the interpreter's lock is held */
    State s = {body, body + size, out, out + room, given, 0, 0};
    Value rest[4] = {0};
    int64_t sent_at = given->received_at;
    *count = 0;
    if (expect(&s, '{')) return NOT_PLAIN;
    for (;;) {
        const uint8_t *key;
        int64_t length;
        int known = 0;
        if (name(&s, &key, &length)) return NOT_PLAIN;
        while (known < 4 && !is(key, length, NAMES[known])) known++;
        if (known == 4 || rest[known].json) return NOT_PLAIN;
        if (known == 0) {
            rest[0].json = s.in;
            if (expect(&s, '[')) return NOT_PLAIN;
            do {
                if (*count == MOST_EVENTS || call(&s, pending + *count)) return NOT_PLAIN;
                ++*count;
                if (next(&s) == ']') break;
            } while (!expect(&s, ','));
            if (expect(&s, ']')) return NOT_PLAIN;
        } else {
            uint8_t *const before = s.out;
            if (value(&s, 1, NULL, rest + known)) return NOT_PLAIN;
            s.out = before; /* not an event's */
        }
        if (next(&s) == '}') break;
        if (expect(&s, ',')) return NOT_PLAIN;
    }
    s.in++;
    if (next(&s) != -1 || !*count || is_there(rest + 3)) return NOT_PLAIN;
    if (is_there(rest + 2) && rest[2].kind != TEXT) return NOT_PLAIN;
    if (is_there(rest + 1) && moment(rest + 1, &sent_at)) return NOT_PLAIN;
    for (int64_t i = 0; i < *count; i++) {
        const int64_t received_at = given->received_at;
        int64_t at = pending[i].has_moment ? pending[i].moment + (received_at - sent_at) : received_at;
        if (received_at - at < -given->ahead) {
            at = received_at;
            *pending[i].flags = CLAMPED;
        } else if (received_at - at > given->lateness) {
            *pending[i].flags = LATE;
        }
        big_endian(pending[i].time, (uint64_t)at, 8);
    }
    return s.out - out;
}
