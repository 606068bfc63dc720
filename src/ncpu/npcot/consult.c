/* The search: in double, from the first number to the last.  The executor: 64-bit integers, exactly
   the operations of ncpu.npcot.execute, written so that nothing is undefined in C99. */

static int64_t clamp64(int64_t v) { return v > INF ? INF : v < -INF ? -INF : v; }

static int infinite(int64_t v) { return v >= INF || v <= -INF; }

static int64_t shift_right(int64_t v, int s) { return v < 0 ? ~(~v >> s) : v >> s; }

static int64_t horner(const int64_t *c, int terms, int64_t u) {
    int64_t total = c[terms - 1];
    for (int i = terms - 2; i >= 0; i--) total = shift_right(total * u, 30) + c[i];
    return total;
}

static int64_t log_word(int64_t x) {
    int64_t magnitude = x < 0 ? -x : x, mantissa = 0, exponent = -FRAC;
    if (magnitude) {
        exponent = 0;
        while (magnitude >> (exponent + 1)) exponent++;
        mantissa = ((magnitude << 30) >> exponent) - ((int64_t)1 << 30);
    }
    int64_t total = exponent * LN2 + horner(LOG_POLYNOMIAL, LOG_TERMS, mantissa);
    return shift_right(total + ((int64_t)1 << (29 - FRAC)), 30 - FRAC);
}

static int64_t exp_word(int64_t v) {
    v = v > EXP_MAX ? EXP_MAX : v < EXP_MIN ? EXP_MIN : v;
    int64_t power = shift_right(v * LOG2E, FRAC);
    int64_t whole = shift_right(power, 30);
    int64_t fraction = horner(EXP_POLYNOMIAL, EXP_TERMS, power - whole * ((int64_t)1 << 30));
    int shift = (int)(30 - FRAC - whole);
    return shift_right(fraction + (((int64_t)1 << shift) >> 1), shift);
}

static int takes_part(int predicate, int64_t x) {
    switch (predicate) {
    case 1: return x > 0;
    case 2: return x < 0;
    case 3: return x != 0;
    case 4: return x % 2 == 0;
    case 5: return x % 2 != 0;
    default: return 1;
    }
}

static int64_t transformed(int transform, int64_t x, int64_t y) {
    switch (transform) {
    case 1: return clamp64(x * x);
    case 2: return x < 0 ? -x : x;
    case 3: return 1;
    case 4: return x > 0;
    case 5: return clamp64(log_word(x));
    case 6: return clamp64(x * y);
    case 7: return x == y;
    case 8: return clamp64(x < y ? y - x : x - y);
    default: return x;
    }
}

static int64_t absorb(int64_t acc, int64_t t, int64_t result) {
    return infinite(acc) ? acc : infinite(t) ? t : clamp64(result);
}

static int32_t run(const struct program *p, const int32_t *x, const int32_t *y, int32_t length) {
    enum { SUM, PRODUCT, MAX, MIN, ARGMAX, ARGMIN };
    int shift = p->transform == 5 ? FRAC : 0;
    int64_t starts[] = {0, (int64_t)1 << shift, -INF, INF};
    int64_t acc = starts[p->init], index = -1, count = 0;
    for (int32_t i = 0; i < length; i++) {
        int64_t a = clamp64(x[i]), b = clamp64(y[i]);
        if (!takes_part(p->predicate, a)) continue;
        int64_t t = transformed(p->transform, a, b);
        int beats = p->reduce == ARGMIN ? t < acc : t > acc;
        count++;
        if (infinite(t) || infinite(index)) index = INF;
        else if (beats) index = clamp64(i);
        if (p->reduce == SUM) acc = absorb(acc, t, acc + t);
        else if (p->reduce == PRODUCT) acc = absorb(acc, t, shift_right(acc * t, shift));
        else if (p->reduce == MAX || p->reduce == ARGMAX) acc = t > acc ? t : acc;
        else acc = t < acc ? t : acc;
    }
    int arg = p->reduce >= ARGMAX;
    int64_t value = arg ? index : acc, out = value;
    int64_t raised = value * ((int64_t)1 << (arg ? FRAC : FRAC - shift));
    if (!infinite(value)) {
        if (p->post == 1) out = raised / (length > 1 ? length : 1);
        if (p->post == 2) out = raised / (count > 1 ? count : 1);
        if (p->post == 3) out = exp_word(raised);
        out = clamp64(out);
    }
    return (int32_t)absorb(out, p->offset, out + p->offset);
}

/* By Newton's method, for 1 <= v: no library is needed. */
static double square_root(double v) {
    double root = v, before;
    do {
        before = root;
        root = 0.5 * (root + v / root);
    } while (root < before);
    return before;
}

static int in_domain(const int32_t *x, const int32_t *y, int32_t length) {
    if (length < MIN_LENGTH || length > MAX_LENGTH) return 0;
    for (int32_t i = 0; i < length; i++)
        if (x[i] < LOW_X || x[i] > HIGH_X || y[i] < LOW_Y || y[i] > HIGH_Y) return 0;
    return 1;
}

struct ncpu_answer ncpu_consult(const float *hidden, const int32_t *x, const int32_t *y,
                                int32_t length) {
    struct ncpu_answer answer = {0, NCPU_BAD_KEY, 0, -2.0f};
    double largest = 0, norm = 0, best = -2.0 * WIDTH;
    for (int i = 0; i < WIDTH; i++) {
        double size = hidden[i] < 0 ? -(double)hidden[i] : (double)hidden[i];
        if (!(size <= FLT_MAX)) return answer; /* infinite or no number */
        if (size > largest) largest = size;
    }
    if (largest == 0) return answer;
    for (int i = 0; i < WIDTH; i++) norm += (hidden[i] / largest) * (hidden[i] / largest);
    for (int slot = 0; slot < SLOTS; slot++) {
        double product = 0;
        for (int i = 0; i < WIDTH; i++) product += hidden[i] / largest * KEYS[slot][i];
        if (PROGRAMS[slot].occupied && product > best) {
            best = product;
            answer.slot = slot;
        }
    }
    double cosine = best / square_root(norm);
    answer.score = (float)(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
    answer.status = NCPU_MISS;
    if (answer.score < THRESHOLDS[answer.slot]) return answer;
    answer.status = NCPU_UNVERIFIED;
    if (!PROGRAMS[answer.slot].verified) return answer;
    answer.status = NCPU_OUT_OF_DOMAIN;
    if (!in_domain(x, y, length)) return answer;
    answer.status = NCPU_HIT;
    answer.value = run(&PROGRAMS[answer.slot], x, y, length);
    return answer;
}

int32_t ncpu_run(int32_t slot, const int32_t *x, const int32_t *y, int32_t length) {
    return run(&PROGRAMS[slot], x, y, length);
}

#ifdef NCPU_MAIN
#include <stdio.h>

/* Each query: WIDTH numbers of the hidden state, the length, the elements of x, those of y. */
int main(void) {
    static float hidden[WIDTH];
    static int32_t x[MAX_LENGTH + 1], y[MAX_LENGTH + 1];
    for (;;) {
        int32_t length = 0;
        for (int i = 0; i < WIDTH; i++)
            if (scanf("%f", &hidden[i]) != 1) return i != 0;
        if (scanf("%" SCNd32, &length) != 1 || length < 0 || length > MAX_LENGTH) return 1;
        for (int32_t i = 0; i < length; i++)
            if (scanf("%" SCNd32, &x[i]) != 1) return 1;
        for (int32_t i = 0; i < length; i++)
            if (scanf("%" SCNd32, &y[i]) != 1) return 1;
        struct ncpu_answer answer = ncpu_consult(hidden, x, y, length);
        printf("%" PRId32 " %" PRId32 " %" PRId32 "\n", answer.value, answer.status, answer.slot);
    }
}
#endif
