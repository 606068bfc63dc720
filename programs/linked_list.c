// Linked lists: push, reverse, merge sort, remove through a pointer to a pointer, cycles.
#include <stdio.h>
#include <stdlib.h>

typedef struct Node {
    struct Node *next;
    int value;
} Node;

static Node *push(Node *list, int value) {
    Node *n = malloc(sizeof *n);
    *n = (Node){list, value};
    return n;
}

static Node *reverse(Node *list) {
    Node *out = NULL;
    while (list) {
        Node *next = list->next;
        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

static Node *merge(Node *a, Node *b) {
    Node *head = NULL, **tail = &head;
    while (a && b) {
        Node **least = a->value <= b->value ? &a : &b;
        *tail = *least;
        tail = &(*tail)->next;
        *least = (*least)->next;
    }
    *tail = a ? a : b;
    return head;
}

static Node *sort(Node *list) {
    if (!list || !list->next) return list;
    Node *slow = list, *fast = list->next;
    while (fast && fast->next) slow = slow->next, fast = fast->next->next;
    Node *second = slow->next;
    slow->next = NULL;
    return merge(sort(list), sort(second));
}

static void show(const char *name, const Node *list) {
    printf("%s:", name);
    for (int i = 0; list && i < 14; i++, list = list->next) printf(" %d", list->value);
    printf(list ? " ...\n" : "\n");
}

int main(void) {
    Node *list = NULL;
    unsigned s = 8;
    for (int i = 0; i < 300; i++) list = push(list, (int)((s = s * 1103515245 + 12345) >> 16) % 1000);
    show("made", list);
    show("reversed", list = reverse(list));
    show("sorted", list = sort(list));
    for (Node **p = &list; *p;) {
        if ((*p)->value % 3) {
            Node *gone = *p;
            *p = gone->next;
            free(gone);
        } else {
            p = &(*p)->next;
        }
    }
    show("thirds", list);
    int n = 1;
    Node *end = list;
    while (end->next) end = end->next, n++;
    end->next = list->next->next;
    Node *slow = list, *fast = list;
    do slow = slow->next, fast = fast->next->next;
    while (slow != fast);
    int cycle = 0;
    do slow = slow->next, cycle++;
    while (slow != fast);
    printf("length %d cycle %d\n", n, cycle);
    return 0;
}
