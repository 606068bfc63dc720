// CHIP-8: the interpreter of 1977's home computers, with programs of our own.
//
//   chip8 [--seed N] catch | weave | keypad | FILE      FILE: a ROM, or assembly ending in .8s
#include "terminal.h"

#include <errno.h>

#include "chip8_assembler.h"
#include "chip8_programs.h"

enum { HEIGHT = 32, WIDTH = 64, FONT = 0x50, A_FRAME = 10, HELD = 8, DEPTH = 16 };

static uint8_t memory[CHIP8_MEMORY], v[16], screen[HEIGHT][WIDTH];
static uint16_t pc = CHIP8_START, index_register, calls[DEPTH];
static int depth, delay, sound, changed = 1, halted;
static int held[16];         // frames for which a key still counts as down
static int awaited = -1;     // the register that waits for a key

static const uint8_t font[] = {
    0xf0, 0x90, 0x90, 0x90, 0xf0, 0x20, 0x60, 0x20, 0x20, 0x70, 0xf0, 0x10, 0xf0, 0x80, 0xf0, 0xf0,
    0x10, 0xf0, 0x10, 0xf0, 0x90, 0x90, 0xf0, 0x10, 0x10, 0xf0, 0x80, 0xf0, 0x10, 0xf0, 0xf0, 0x80,
    0xf0, 0x90, 0xf0, 0xf0, 0x10, 0x20, 0x40, 0x40, 0xf0, 0x90, 0xf0, 0x90, 0xf0, 0xf0, 0x90, 0xf0,
    0x10, 0xf0, 0xf0, 0x90, 0xf0, 0x90, 0x90, 0xe0, 0x90, 0xe0, 0x90, 0xe0, 0xf0, 0x80, 0x80, 0x80,
    0xf0, 0xe0, 0x90, 0x90, 0x90, 0xe0, 0xf0, 0x80, 0xf0, 0x80, 0xf0, 0xf0, 0x80, 0xf0, 0x80, 0x80,
};

static uint8_t *at(int address) { return &memory[address % CHIP8_MEMORY]; }

// Eight pixels a row, exclusive or; the place wraps around, what hangs over the edge is cut off.
static void draw_sprite(int x, int y, int rows) {
    x %= WIDTH, y %= HEIGHT;
    v[15] = 0;
    for (int r = 0; r < rows && y + r < HEIGHT; r++)
        for (int i = 0; i < 8 && x + i < WIDTH; i++) {
            uint8_t *pixel = &screen[y + r][x + i], bit = *at(index_register + r) >> (7 - i) & 1;
            v[15] |= *pixel & bit;
            *pixel ^= bit;
        }
    changed = 1;
}

static void arithmetic(int x, int y, int operation) {
    int a = v[x], b = v[y], flag = -1, result = b;
    switch (operation) {
    case 0x0: break;
    case 0x1: result = a | b; break;
    case 0x2: result = a & b; break;
    case 0x3: result = a ^ b; break;
    case 0x4: result = a + b, flag = result > 255; break;
    case 0x5: result = a - b, flag = a >= b; break;
    case 0x6: result = a >> 1, flag = a & 1; break;
    case 0x7: result = b - a, flag = b >= a; break;
    case 0xe: result = a << 1, flag = a >> 7; break;
    default: halted = 1;
    }
    v[x] = (uint8_t)result;
    if (flag >= 0) v[15] = (uint8_t)flag;  // last, also when x is 15
}

static void miscellaneous(int x, int operation) {
    switch (operation) {
    case 0x07: v[x] = (uint8_t)delay; break;
    case 0x0a: awaited = x; break;
    case 0x15: delay = v[x]; break;
    case 0x18: sound = v[x], changed = 1; break;
    case 0x1e: index_register += v[x]; break;
    case 0x29: index_register = (uint16_t)(FONT + 5 * (v[x] & 15)); break;
    case 0x33:
        *at(index_register) = v[x] / 100;
        *at(index_register + 1) = v[x] / 10 % 10;
        *at(index_register + 2) = v[x] % 10;
        break;
    case 0x55: for (int i = 0; i <= x; i++) *at(index_register + i) = v[i]; break;
    case 0x65: for (int i = 0; i <= x; i++) v[i] = *at(index_register + i); break;
    default: halted = 1;
    }
}

static void step(void) {
    int code = *at(pc) << 8 | *at(pc + 1);
    int address = code & 0xfff, x = code >> 8 & 15, y = code >> 4 & 15, byte = code & 255;
    uint16_t next = (uint16_t)(pc + 2), skip = (uint16_t)(pc + 4);
    pc = next;
    switch (code >> 12) {
    case 0x0:
        if (code == 0x00e0) memset(screen, 0, sizeof screen), changed = 1;
        else if (code == 0x00ee && depth) pc = calls[--depth];
        else halted = 1;
        break;
    case 0x1: pc = (uint16_t)address; break;
    case 0x2:
        if (depth == DEPTH) halted = 1;
        else calls[depth++] = next, pc = (uint16_t)address;
        break;
    case 0x3: if (v[x] == byte) pc = skip; break;
    case 0x4: if (v[x] != byte) pc = skip; break;
    case 0x5: if (v[x] == v[y]) pc = skip; break;
    case 0x6: v[x] = (uint8_t)byte; break;
    case 0x7: v[x] = (uint8_t)(v[x] + byte); break;
    case 0x8: arithmetic(x, y, code & 15); break;
    case 0x9: if (v[x] != v[y]) pc = skip; break;
    case 0xa: index_register = (uint16_t)address; break;
    case 0xb: pc = (uint16_t)(address + v[0]); break;
    case 0xc: v[x] = (uint8_t)(random_below(256) & byte); break;
    case 0xd: draw_sprite(v[x], v[y], code & 15); break;
    case 0xe:
        if (byte == 0x9e) pc = held[v[x] & 15] ? skip : next;
        else if (byte == 0xa1) pc = held[v[x] & 15] ? next : skip;
        else halted = 1;
        break;
    case 0xf: miscellaneous(x, byte); break;
    }
    if (halted) pc = (uint16_t)(next - 2);
}

// The sixteen keys lie as four by four of the keyboard; arrows are 2, 4, 6 and 8.
static int keypad(int k) {
    static const char layout[] = "x123qweasdzc4rfv";
    static const int arrows[] = {[UP - UP] = 2, [DOWN - UP] = 8, [LEFT - UP] = 4, [RIGHT - UP] = 6};
    if (k >= UP && k <= RIGHT) return arrows[k - UP];
    const char *found = k > 0 && k < 128 ? strchr(layout, k) : NULL;
    return found ? (int)(found - layout) : -1;
}

static void frame(void) {
    for (int i = 0; i < A_FRAME && awaited < 0 && !halted; i++) step();
    delay -= delay > 0;
    if (sound && !--sound) changed = 1;
    for (int i = 0; i < 16; i++) held[i] -= held[i] > 0;
}

static void draw(const char *name) {
    clear();
    text(0, 8, WHITE, "CHIP-8: %s%s", name, sound ? "   *beep*" : "");
    text(2 + HEIGHT / 2, 8, PLAIN, "keys 1234 qwer asdf zxcv, or arrows; escape ends");
    if (halted) text(3 + HEIGHT / 2, 8, RED, "no such instruction at %03x", pc);
    for (int y = 0; y < HEIGHT; y += 2)
        for (int x = 0; x < WIDTH; x++) {
            int pixels = screen[y][x] * UPPER | screen[y + 1][x] * LOWER;
            if (pixels) put(1 + y / 2, 8 + x, (char)pixels, GREEN);
        }
    show();
}

static int fail(const char *name, const char *message) {
    fprintf(stderr, "chip8: %s: %s\n", name, message);
    return 2;
}

static int load(const char *name) {
    static char data[1 << 16];
    const char *source = NULL;
    memcpy(memory + FONT, font, sizeof font);
    for (unsigned i = 0; i < sizeof chip8_programs / sizeof *chip8_programs; i++)
        if (!strcmp(name, chip8_programs[i].name)) source = chip8_programs[i].source;
    if (!source) {
        FILE *file = fopen(name, "rb");
        if (!file) return fail(name, strerror(errno));
        size_t n = fread(data, 1, sizeof data - 1, file), length = strlen(name);
        fclose(file);
        if (length > 3 && !strcmp(name + length - 3, ".8s")) source = data;
        else if (n > CHIP8_MEMORY - CHIP8_START) return fail(name, "too long for a ROM");
        else memcpy(memory + CHIP8_START, data, n);
    }
    int line = source ? chip8_assemble(source, memory) : 0;
    if (!line) return 0;
    fprintf(stderr, "chip8: %s: line %d is no instruction\n", name, line);
    return 2;
}

int main(int argc, char **argv) {
    int i = options(argc, argv);
    if (i + 1 != argc) return fail("usage", "chip8 [--seed N] catch|weave|keypad|FILE");
    if (load(argv[i])) return 2;
    terminal_open();
    for (;;) {
        if (changed) draw(argv[i]), changed = 0;
        int k = event(16), pressed = keypad(k);
        if (k == QUIT || k == ESCAPE) break;
        if (k == TICK) frame();
        if (pressed < 0) continue;
        held[pressed] = HELD;
        if (awaited >= 0) v[awaited] = (uint8_t)pressed, awaited = -1;
    }
    return 0;
}
