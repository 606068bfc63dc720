// Dijkstra's shortest paths with a binary heap, against Bellman-Ford on the same graph.
#include <stdio.h>
#include <string.h>

#define N 120
#define DEGREE 5
#define FAR 0x3fffffff

typedef struct {
    int distance, node;
} Item;

static int to[N][DEGREE], weight[N][DEGREE], distance[N], before[N], other[N];
static Item heap[N * DEGREE + 1];
static int heaped;

static void push(int d, int node) {
    int i = heaped++;
    for (; i && heap[(i - 1) / 2].distance > d; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = (Item){d, node};
}

static Item pop(void) {
    Item top = heap[0], last = heap[--heaped];
    int i = 0;
    for (int child; (child = 2 * i + 1) < heaped; i = child) {
        if (child + 1 < heaped && heap[child + 1].distance < heap[child].distance) child++;
        if (heap[child].distance >= last.distance) break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

int main(void) {
    unsigned s = 77;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DEGREE; k++) {
            s = s * 1664525 + 1013904223;
            to[i][k] = k ? (int)((s >> 10) % N) : (i + 1) % N;
            weight[i][k] = k ? 1 + (int)(s >> 24) : 60;
        }
    for (int i = 0; i < N; i++) distance[i] = other[i] = FAR, before[i] = -1;
    distance[0] = other[0] = 0;
    push(0, 0);
    int settled = 0;
    while (heaped) {
        Item it = pop();
        if (it.distance > distance[it.node]) continue;
        settled++;
        for (int k = 0; k < DEGREE; k++) {
            int v = to[it.node][k], d = it.distance + weight[it.node][k];
            if (d < distance[v]) {
                distance[v] = d;
                before[v] = it.node;
                push(d, v);
            }
        }
    }
    for (int round = 0, changed = 1; changed && round < N; round++) {
        changed = 0;
        for (int i = 0; i < N; i++)
            for (int k = 0; k < DEGREE; k++)
                if (other[i] + weight[i][k] < other[to[i][k]]) other[to[i][k]] = other[i] + weight[i][k], changed = 1;
    }
    printf("settled %d agree %d\n", settled, !memcmp(distance, other, sizeof other));
    for (int goal = N - 1; goal > 0; goal -= 37) {
        printf("%d: %d by", goal, distance[goal]);
        for (int v = goal; v >= 0; v = before[v]) printf(" %d", v);
        printf("\n");
    }
    return 0;
}
