/* The log's packed events as arrays: where each field lies, and properties as JSON text.
 *
 * Events are MessagePack arrays (see `model/event.py`); a segment is an array of them. `walk` notes the place of each field
 * and the fractions met on the way (their shortest decimals are had more cheaply all at once, by Arrow); `write_json` then
 * writes properties and context, and notes an API call's properties that have columns of their own. `packed_events.py` calls
 * them. Every write is checked against its array's end, as every read is against the segment's.
 */
#include "../model/msgpack.h"

enum { DEEP = -4, FULL = -5 };
enum { TEXTS = 8, FIELDS = 14, DEPTH = 512 };
enum { TIMESTAMP = 3, RECEIVED_AT = 4, PROPERTIES = 9, WEIGHT = 10, FLAGS = 11, CONTEXT = 13 };
enum { METHOD, ROUTE, STATUS, LATENCY, OWN };

/* By field of an event, which text it is: id, type, name, source, user, anonymous, company, previous id; -1 is none. */
static const int TEXT_OF[FIELDS] = {0, 1, 2, -1, -1, 3, 4, 5, 6, -1, -1, -1, 7, -1};
static const char *const OWN_NAMES[OWN] = {"method", "route", "status", "latency_ms"};

typedef struct {
    int64_t *texts, *lengths;  /* [TEXTS, rows]: places and lengths; a length of -1 is no text */
    int64_t *times;            /* [2, rows]: timestamp and received_at, ms */
    double *weights;           /* [rows] */
    int32_t *flags;            /* [rows] */
    int64_t *bodies, *before;  /* [2, rows]: where properties and context begin (-1: none), fractions before them */
    double *fractions;         /* [room] */
    int64_t *total;            /* how many fractions there are, counted on */
    int64_t rows, room;
} Rows;

/* Pass over a value, collecting its fractions. */
static int skip(Reader *in, const Rows *out) {
    int64_t left = 1, number;
    while (left > 0) {
        const int kind = head(in, &number);
        if (kind < 0) return kind;
        left--;
        if (kind == TEXT) {
            in->at += number;
        } else if (kind == LIST) {
            left += number;
        } else if (kind == MAP) {
            left += 2 * number;
        } else if (kind == FLOAT) {
            if (*out->total >= out->room) return FULL;
            out->fractions[(*out->total)++] = fraction(in->data + in->at, number);
            in->at += number;
        }
    }
    return 0;
}

static int walk_event(Reader *in, int64_t index, const Rows *out) {
    const int64_t rows = out->rows;
    int64_t fields, number;
    int kind = head(in, &fields);
    if (kind != LIST) return kind < 0 ? kind : MISPLACED;
    if (fields <= RECEIVED_AT) return MISPLACED;
    for (int text = 0; text < TEXTS; text++) out->lengths[text * rows + index] = -1;
    out->bodies[index] = out->bodies[rows + index] = -1;
    out->weights[index] = 1.0;
    out->flags[index] = 0;
    for (int64_t field = 0; field < fields; field++) {
        if (field == PROPERTIES || field == CONTEXT || field >= FIELDS) {
            const int64_t place = field == CONTEXT ? rows + index : index, begins = in->at, so_far = *out->total;
            const int failed = skip(in, out);
            if (failed < 0) return failed;
            if (field >= FIELDS || in->data[begins] == 0xC0) continue;
            out->bodies[place] = begins;
            out->before[place] = so_far;
            continue;
        }
        kind = head(in, &number);
        if (kind < 0) return kind;
        const int text = TEXT_OF[field];
        if (text >= 0) {
            if (kind == TEXT) {
                out->texts[text * rows + index] = in->at;
                out->lengths[text * rows + index] = number;
                in->at += number;
            } else if (kind != NIL) {
                return MISPLACED;
            }
        } else if (field == WEIGHT && kind == FLOAT) {
            out->weights[index] = fraction(in->data + in->at, number);
            in->at += number;
        } else if (kind != INTEGER) {
            return MISPLACED;
        } else if (field == WEIGHT) {
            out->weights[index] = (double)number;
        } else if (field == FLAGS) {
            out->flags[index] = (int32_t)number;
        } else {
            out->times[(field == TIMESTAMP ? 0 : rows) + index] = number;
        }
    }
    return 0;
}

/* Read the segment that lies in [start, end) into the rows from `row` on; how many events it has, or an error. */
int64_t walk(const uint8_t *data, int64_t start, int64_t end, int64_t row, const Rows *out) {
    Reader in = {data, start, end};
    int64_t events;
    const int kind = head(&in, &events);
    if (kind != LIST) return kind < 0 ? kind : MISPLACED;
    if (events > out->rows - row) return FULL;
    for (int64_t index = row; index < row + events; index++) {
        const int failed = walk_event(&in, index, out);
        if (failed < 0) return failed;
    }
    return in.at == end ? events : MISPLACED;
}

typedef struct {
    uint8_t *out;
    int64_t at, room;
} Writer;

static int put(Writer *to, const void *bytes, int64_t size) {
    if (size > to->room - to->at) return FULL;
    memcpy(to->out + to->at, bytes, (size_t)size);
    to->at += size;
    return 0;
}

static int put_byte(Writer *to, char byte) { return put(to, &byte, 1); }

/* A text between quotes, escaped as JSON asks. */
static int put_text(Writer *to, const uint8_t *text, int64_t length) {
    static const char HEX[] = "0123456789abcdef";
    int64_t plain = 0;
    int failed = put_byte(to, '"');
    for (int64_t i = 0; i < length; i++) {
        const uint8_t byte = text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        failed |= put(to, text + plain, i - plain);
        plain = i + 1;
        if (byte >= 0x20) {
            const char escaped[2] = {'\\', (char)byte};
            failed |= put(to, escaped, 2);
        } else {
            const char escaped[6] = {'\\', 'u', '0', '0', HEX[byte >> 4], HEX[byte & 0x0F]};
            failed |= put(to, escaped, 6);
        }
    }
    failed |= put(to, text + plain, length - plain);
    return failed | put_byte(to, '"');
}

static int put_integer(Writer *to, int64_t number, int is_unsigned) {
    char digits[20];
    int begin = 20;
    uint64_t value = (uint64_t)number;
    const int negative = number < 0 && !is_unsigned;
    if (negative) value = 0 - value;
    do {
        digits[--begin] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return (negative ? put_byte(to, '-') : 0) | put(to, digits + begin, 20 - begin);
}

/* A fraction as Arrow wrote it, so that it stays one (`5.0`, not `5`); what is no number in JSON is null. */
static int put_fraction(Writer *to, const uint8_t *text, int64_t length) {
    if (length < 1 || text[text[0] == '-' && length > 1] > '9') return put(to, "null", 4);
    const int whole = !memchr(text, '.', (size_t)length) && !memchr(text, 'e', (size_t)length);
    return put(to, text, length) | (whole ? put(to, ".0", 2) : 0);
}

typedef struct {
    const int64_t *bodies, *before; /* [rows]: as in Rows, of properties or of context */
    const uint8_t *decimals;        /* the fractions' texts, one after another */
    const int32_t *offsets;         /* [fractions + 1]: where each begins */
    const uint8_t *calls;           /* [rows]: whether properties with columns of their own are noted */
    int64_t *places, *lengths;      /* [2, rows]: of method and route */
    int32_t *status;
    uint8_t *has_status;
    double *latency;
    uint8_t *has_latency;
    int64_t *ends;                  /* [rows]: where each row's text ends */
    uint8_t *out;                   /* [room] */
    int64_t rows, fractions, room;
} Texts;

static int own_of(const uint8_t *text, int64_t length) {
    for (int own = 0; own < OWN; own++)
        if (length == (int64_t)strlen(OWN_NAMES[own]) && !memcmp(text, OWN_NAMES[own], (size_t)length)) return own;
    return -1;
}

static void note_number(const Texts *of, int64_t index, int own, int64_t number, int is_unsigned) {
    if (own == STATUS && !is_unsigned && number <= INT32_MAX && number >= -INT32_MAX) {
        of->status[index] = (int32_t)number;
        of->has_status[index] = 1;
    } else if (own == LATENCY) {
        of->latency[index] = is_unsigned ? (double)(uint64_t)number : (double)number;
        of->has_latency[index] = 1;
    }
}

static int write_value(Reader *in, Writer *to, const Texts *of, int64_t index) {
    int64_t left[DEPTH], number, used = of->before[index]; /* left: in each list or map around; a map's keys count too */
    uint8_t is_map[DEPTH];
    int depth = 0, own = -1; /* own: which property with a column the next value is */
    for (;;) {
        const int is_key = depth > 0 && is_map[depth - 1] && left[depth - 1] % 2 == 0;
        const int kind = head(in, &number);
        int failed = 0, next_own = -1;
        if (kind < 0) return kind;
        if (is_key && kind != TEXT) return MISPLACED;
        if (depth > 0) left[depth - 1]--;
        const uint8_t *body = in->data + in->at;
        switch (kind) {
            case TEXT:
                failed = put_text(to, body, number);
                if (own == METHOD || own == ROUTE) {
                    of->places[own * of->rows + index] = in->at;
                    of->lengths[own * of->rows + index] = number;
                }
                if (is_key && depth == 1 && of->calls[index]) next_own = own_of(body, number);
                in->at += number;
                break;
            case INTEGER:
            case UNSIGNED:
                failed = put_integer(to, number, kind == UNSIGNED);
                note_number(of, index, own, number, kind == UNSIGNED);
                break;
            case FLOAT:
                if (used < 0 || used >= of->fractions) return MISPLACED;
                if (own == LATENCY) {
                    of->latency[index] = fraction(body, number);
                    of->has_latency[index] = 1;
                }
                failed = put_fraction(to, of->decimals + of->offsets[used], of->offsets[used + 1] - of->offsets[used]);
                used++;
                in->at += number;
                break;
            case LIST:
            case MAP:
                failed = put_byte(to, kind == LIST ? '[' : '{');
                if (depth >= DEPTH) return DEEP;
                left[depth] = kind == MAP ? 2 * number : number;
                is_map[depth++] = kind == MAP;
                break;
            case NIL: failed = put(to, "null", 4); break;
            case TRUE: failed = put(to, "true", 4); break;
            default: failed = put(to, "false", 5);
        }
        own = next_own;
        if ((kind == LIST || kind == MAP) && number && !failed) continue;
        while (depth > 0 && left[depth - 1] == 0) failed |= put_byte(to, is_map[--depth] ? '}' : ']');
        if (depth > 0) failed |= put_byte(to, is_key ? ':' : ',');
        if (failed) return FULL;
        if (depth == 0) return 0;
    }
}

/* The values that begin at `bodies` as JSON texts, one after another; how many bytes, or an error. */
int64_t write_json(const uint8_t *data, int64_t size, const Texts *of) {
    Writer to = {of->out, 0, of->room};
    for (int64_t index = 0; index < of->rows; index++) {
        if (of->bodies[index] >= 0) {
            Reader in = {data, of->bodies[index], size};
            const int failed = write_value(&in, &to, of, index);
            if (failed < 0) return failed;
        }
        of->ends[index] = to.at;
    }
    return to.at;
}

/* Texts one after another, and where each ends; a length of -1 adds nothing. */
int64_t gather(const uint8_t *data, int64_t size, const int64_t *places, const int64_t *lengths, int64_t rows,
               int64_t *ends, uint8_t *out, int64_t room) {
    Writer to = {out, 0, room};
    for (int64_t index = 0; index < rows; index++) {
        if (lengths[index] > 0) {
            if (places[index] < 0 || places[index] > size || lengths[index] > size - places[index]) return TRUNCATED;
            if (put(&to, data + places[index], lengths[index])) return FULL;
        }
        ends[index] = to.at;
    }
    return to.at;
}
