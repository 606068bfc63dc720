// An assembler for CHIP-8: one instruction a line, `label:`, `; comment`, DB for bytes.
#ifndef CHIP8_ASSEMBLER_H
#define CHIP8_ASSEMBLER_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHIP8_START = 0x200, CHIP8_MEMORY = 4096, MAX_LABELS = 128, LABEL = 16 };

// Operand kinds: x and y registers, b byte, k nibble, n address, 0 the register V0; the others
// are the names that `chip8_special` spells out.
static const struct {
    const char *mnemonic, *operands;
    uint16_t code;
} chip8_table[] = {
    {"CLS", "", 0x00e0},    {"RET", "", 0x00ee},    {"JP", "n", 0x1000},    {"CALL", "n", 0x2000},
    {"SE", "xb", 0x3000},   {"SNE", "xb", 0x4000},  {"SE", "xy", 0x5000},   {"LD", "xb", 0x6000},
    {"ADD", "xb", 0x7000},  {"LD", "xy", 0x8000},   {"OR", "xy", 0x8001},   {"AND", "xy", 0x8002},
    {"XOR", "xy", 0x8003},  {"ADD", "xy", 0x8004},  {"SUB", "xy", 0x8005},  {"SHR", "x", 0x8006},
    {"SUBN", "xy", 0x8007}, {"SHL", "x", 0x800e},   {"SNE", "xy", 0x9000},  {"LD", "In", 0xa000},
    {"JP", "0n", 0xb000},   {"RND", "xb", 0xc000},  {"DRW", "xyk", 0xd000}, {"SKP", "x", 0xe09e},
    {"SKNP", "x", 0xe0a1},  {"LD", "xD", 0xf007},   {"LD", "xK", 0xf00a},   {"LD", "Dx", 0xf015},
    {"LD", "Sx", 0xf018},   {"ADD", "Ix", 0xf01e},  {"LD", "Fx", 0xf029},   {"LD", "Bx", 0xf033},
    {"LD", "Mx", 0xf055},   {"LD", "xM", 0xf065},
};
static const struct {
    char kind;
    const char *name;
} chip8_special[] = {{'I', "I"}, {'D', "DT"}, {'S', "ST"}, {'K', "K"},
                     {'F', "F"}, {'B', "B"},  {'M', "[I]"}};

struct label {
    char name[LABEL];
    int address;
};

static struct label labels[MAX_LABELS];
static int label_count, final_pass;

// The value of an operand if it is of that kind, else -1.
static int operand(char kind, const char *text) {
    for (unsigned i = 0; i < sizeof chip8_special / sizeof *chip8_special; i++)
        if (chip8_special[i].kind == kind) return strcasecmp(text, chip8_special[i].name) ? -1 : 0;
    int is_register = (text[0] == 'V' || text[0] == 'v') && isxdigit((unsigned char)text[1]) && !text[2];
    if (kind == '0') return strcasecmp(text, "V0") ? -1 : 0;
    if (kind == 'x' || kind == 'y') return is_register ? (int)strtol(text + 1, NULL, 16) : -1;
    for (unsigned i = 0; i < sizeof chip8_special / sizeof *chip8_special; i++)
        if (!strcasecmp(text, chip8_special[i].name)) return -1;
    if (is_register) return -1;
    for (int i = 0; kind == 'n' && i < label_count; i++)
        if (!strcmp(text, labels[i].name)) return labels[i].address;
    char *end;
    long value = strtol(text, &end, 0);
    if (*end) return kind == 'n' && !final_pass ? 0 : -1;  // a label that comes later
    if (kind == 'b') return value >= -128 && value < 256 ? (int)(value & 255) : -1;
    return value >= 0 && value < (kind == 'k' ? 16 : CHIP8_MEMORY) ? (int)value : -1;
}

static int encode(char *words[], int count) {
    for (unsigned row = 0; row < sizeof chip8_table / sizeof *chip8_table; row++) {
        const char *kinds = chip8_table[row].operands;
        int code = chip8_table[row].code, fits = (int)strlen(kinds) == count - 1;
        if (strcasecmp(words[0], chip8_table[row].mnemonic)) continue;
        for (int i = 0; fits && kinds[i]; i++) {
            int value = operand(kinds[i], words[i + 1]);
            if (value < 0) fits = 0;
            else code |= value << (kinds[i] == 'x' ? 8 : kinds[i] == 'y' ? 4 : 0);
        }
        if (fits) return code;
    }
    return -1;
}

// Assembles `source` to memory from CHIP8_START on; 0, or the number of the line that is wrong.
static int chip8_assemble(const char *source, uint8_t *memory) {
    label_count = 0;
    for (final_pass = 0; final_pass < 2; final_pass++) {
        int at = CHIP8_START, number = 0;
        for (const char *next, *p = source; *p; p = next) {
            char line[128], *words[24];
            int length = (int)strcspn(p, "\n"), count = 0;
            next = p + length + (p[length] == '\n');
            number++;
            if (length >= (int)sizeof line) return number;
            memcpy(line, p, (size_t)length);
            line[length] = 0;
            line[strcspn(line, ";")] = 0;
            for (char *w = strtok(line, " \t,"); w && count < 24; w = strtok(NULL, " \t,"))
                words[count++] = w;
            char **first = words;
            if (count && words[0][strlen(words[0]) - 1] == ':') {
                words[0][strlen(words[0]) - 1] = 0;
                if (!final_pass) {
                    if (label_count == MAX_LABELS || strlen(words[0]) >= LABEL) return number;
                    strcpy(labels[label_count].name, words[0]);
                    labels[label_count++].address = at;
                }
                first++, count--;
            }
            if (!count) continue;
            if (at + 24 > CHIP8_MEMORY) return number;
            if (!strcasecmp(first[0], "DB")) {
                for (int i = 1; i < count; i++) {
                    int value = operand('b', first[i]);
                    if (value < 0) return number;
                    memory[at++] = (uint8_t)value;
                }
                continue;
            }
            int code = encode(first, count);
            if (code < 0) return number;
            memory[at++] = (uint8_t)(code >> 8);
            memory[at++] = (uint8_t)code;
        }
    }
    return 0;
}

#endif
