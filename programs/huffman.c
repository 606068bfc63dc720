// Huffman coding: build the tree, encode to bits, decode, and compare with the entropy.
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int weight, left, right, used;
} Node;

static Node node[512];
static int nodes, length[256];
static uint32_t code[256];
static uint8_t bits[4096];

static int lightest(void) {
    int best = -1;
    for (int i = 0; i < nodes; i++)
        if (!node[i].used && node[i].weight && (best < 0 || node[i].weight < node[best].weight)) best = i;
    if (best >= 0) node[best].used = 1;
    return best;
}

static void walk(int n, uint32_t prefix, int depth) {
    if (node[n].left < 0) {
        code[n] = prefix;
        length[n] = depth;
        return;
    }
    walk(node[n].left, prefix << 1, depth + 1);
    walk(node[n].right, prefix << 1 | 1, depth + 1);
}

int main(void) {
    static const char text[] =
        "it was a machine made of functions: its state was a tree, its clock a function of the tree, "
        "and everything else - lanes, gradients, search - was applied to that function from outside.";
    int n = (int)strlen(text);
    for (int i = 0; i < 256; i++) node[i] = (Node){0, -1, -1, 0};
    for (int i = 0; i < n; i++) node[(uint8_t)text[i]].weight++;
    nodes = 256;
    int root = -1;
    for (;;) {
        int a = lightest(), b = lightest();
        if (b < 0) {
            root = a;
            break;
        }
        node[nodes++] = (Node){node[a].weight + node[b].weight, a, b, 0};
    }
    walk(root, 0, 0);
    int at = 0;
    for (int i = 0; i < n; i++)
        for (int k = length[(uint8_t)text[i]] - 1; k >= 0; k--, at++)
            bits[at >> 3] |= (uint8_t)((code[(uint8_t)text[i]] >> k & 1) << (at & 7));
    int same = 1, pos = 0;
    for (int i = 0; i < n; i++) {
        int m = root;
        while (node[m].left >= 0) {
            m = bits[pos >> 3] >> (pos & 7) & 1 ? node[m].right : node[m].left;
            pos++;
        }
        same &= m == (uint8_t)text[i];
    }
    double entropy = 0;
    for (int i = 0; i < 256; i++)
        if (node[i].weight) {
            double p = (double)node[i].weight / n;
            entropy -= p * log2(p);
        }
    printf("%d bytes -> %d bits, entropy %.4f per byte, coded %.4f, same %d\n", n, at, entropy,
           (double)at / n, same && pos == at);
    for (int i = 0; i < 256; i++)
        if (length[i]) printf("%c%d ", i, length[i]);
    printf("\n");
    return 0;
}
