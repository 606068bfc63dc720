// Towers of Hanoi: the moves are applied to real pegs and checked for legality.
#include <stdio.h>

#define DISKS 12

static int peg[3][DISKS], height[3];
static unsigned moves, illegal, trail;

static void move(int from, int to) {
    int disk = peg[from][--height[from]];
    if (height[to] && peg[to][height[to] - 1] < disk) illegal++;
    peg[to][height[to]++] = disk;
    trail = trail * 31 + (unsigned)(from * 3 + to);
    moves++;
}

static void hanoi(int n, int from, int to, int via) {
    if (n == 0) return;
    hanoi(n - 1, from, via, to);
    move(from, to);
    hanoi(n - 1, via, to, from);
}

int main(void) {
    for (int i = DISKS; i > 0; i--) peg[0][height[0]++] = i;
    hanoi(DISKS, 0, 2, 1);
    printf("moves %u illegal %u trail %08x\n", moves, illegal, trail);
    printf("heights %d %d %d top %d\n", height[0], height[1], height[2], peg[2][DISKS - 1]);
    return 0;
}
