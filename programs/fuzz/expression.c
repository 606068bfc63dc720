// Sums and products; a minus without an operand is a null pointer.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static struct node { int kind, value; struct node *left, *right; } pool[64];
static int used, at;

static struct node *make(int kind, struct node *left, struct node *right)
{
    struct node *fresh = &pool[used++ & 63];
    fresh->kind = kind, fresh->left = left, fresh->right = right;
    return fresh;
}

static struct node *factor(void)
{
    if (in[at] == '-') {
        at++;
        return make('-', 0, in[at] ? factor() : 0);
    }
    if (in[at] < '0' || in[at] > '9') return make(0, 0, 0);
    struct node *number = make('0', 0, 0);
    for (number->value = 0; in[at] >= '0' && in[at] <= '9'; at++)
        number->value = number->value * 10 + in[at] - '0';
    return number;
}

static struct node *sum(void)
{
    struct node *left = factor();
    while (in[at] == '+' || in[at] == '*') {
        int kind = in[at++];
        left = make(kind, left, factor());
    }
    return left;
}

static int value(struct node *n)
{
    switch (n->kind) {
    case '0': return n->value;
    case '-': return -value(n->right);
    case '+': return value(n->left) + value(n->right);
    case '*': return value(n->left) * value(n->right);
    }
    return 0;
}

int main(void)
{
    input(in, sizeof in - 1);
    return value(sum()) & 1;
}
