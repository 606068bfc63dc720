// A red-black tree (left-leaning): insertions in three orders, invariants checked, in-order walk.
#include <stdio.h>
#include <stdlib.h>

typedef struct Node {
    int key, red;
    struct Node *left, *right;
} Node;

static int is_red(const Node *n) { return n && n->red; }

static Node *rotate_left(Node *n) {
    Node *r = n->right;
    n->right = r->left;
    r->left = n;
    r->red = n->red;
    n->red = 1;
    return r;
}

static Node *rotate_right(Node *n) {
    Node *l = n->left;
    n->left = l->right;
    l->right = n;
    l->red = n->red;
    n->red = 1;
    return l;
}

static Node *insert(Node *n, int key) {
    if (!n) {
        n = calloc(1, sizeof *n);
        n->key = key;
        n->red = 1;
        return n;
    }
    if (key < n->key) n->left = insert(n->left, key);
    else if (key > n->key) n->right = insert(n->right, key);
    if (is_red(n->right) && !is_red(n->left)) n = rotate_left(n);
    if (is_red(n->left) && is_red(n->left->left)) n = rotate_right(n);
    if (is_red(n->left) && is_red(n->right)) n->red = 1, n->left->red = n->right->red = 0;
    return n;
}

// The black height, or -1 where a red node has a red child or the heights differ.
static int check(const Node *n) {
    if (!n) return 1;
    if (n->red && (is_red(n->left) || is_red(n->right))) return -1;
    int l = check(n->left), r = check(n->right);
    return l < 0 || l != r ? -1 : l + !n->red;
}

static int depth(const Node *n) {
    if (!n) return 0;
    int l = depth(n->left), r = depth(n->right);
    return 1 + (l > r ? l : r);
}

static int last, ordered, count;

static void walk(Node *n) {
    if (!n) return;
    walk(n->left);
    ordered &= n->key > last;
    last = n->key;
    count++;
    Node *right = n->right;
    free(n);
    walk(right);
}

int main(void) {
    for (int order = 0; order < 3; order++) {
        Node *root = NULL;
        unsigned s = 3;
        for (int i = 0; i < 700; i++) {
            s = s * 1103515245 + 12345;
            root = insert(root, order == 0 ? i : order == 1 ? 700 - i : (int)(s >> 16) % 5000);
            root->red = 0;
        }
        int black = check(root), d = depth(root);
        last = -1, ordered = 1, count = 0;
        walk(root);
        printf("order %d: black height %d depth %d count %d ordered %d\n", order, black, d, count, ordered);
    }
    return 0;
}
