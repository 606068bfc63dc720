// Quicksort with a median of three and insertion sort below; beside heap sort and merge sort.
#include <stdio.h>
#include <string.h>

#define N 1500

static int work[N], spare[N];

static void exchange(int *a, int *b) {
    int t = *a;
    *a = *b;
    *b = t;
}

static void quick(int *v, int n) {
    while (n > 12) {
        if (v[n / 2] < v[0]) exchange(v, v + n / 2);
        if (v[n - 1] < v[0]) exchange(v, v + n - 1);
        if (v[n - 1] < v[n / 2]) exchange(v + n / 2, v + n - 1);
        int pivot = v[n / 2], i = 0, j = n - 1;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) exchange(v + i++, v + j--);
        }
        quick(v, j + 1);
        v += i;
        n -= i;
    }
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && v[j - 1] > v[j]; j--) exchange(v + j - 1, v + j);
}

static void sift(int *v, int i, int n) {
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && v[child + 1] > v[child]) child++;
        if (v[i] >= v[child]) return;
        exchange(v + i, v + child);
    }
}

static void heap(int *v, int n) {
    for (int i = n / 2; i-- > 0;) sift(v, i, n);
    while (n > 1) {
        exchange(v, v + --n);
        sift(v, 0, n);
    }
}

static void merge(int *v, int n) {
    if (n < 2) return;
    int half = n / 2, i = 0, j = half, k = 0;
    merge(v, half);
    merge(v + half, n - half);
    memcpy(spare, v, (size_t)n * sizeof *v);
    while (k < n) v[k++] = j >= n || (i < half && spare[i] <= spare[j]) ? spare[i++] : spare[j++];
}

int main(void) {
    static void (*const sorts[])(int *, int) = {quick, heap, merge};
    static const char *const names[] = {"quick", "heap", "merge"};
    for (int s = 0; s < 3; s++)
        for (int shape = 0; shape < 4; shape++) {
            unsigned state = 17;
            for (int i = 0; i < N; i++) {
                state = state * 1664525 + 1013904223;
                work[i] = shape == 0 ? (int)state : shape == 1 ? i : shape == 2 ? N - i : (int)(state >> 28);
            }
            sorts[s](work, N);
            unsigned disorder = 0, digest = 0;
            for (int i = 0; i < N; i++) {
                disorder += i && work[i - 1] > work[i];
                digest = digest * 31 + (unsigned)work[i];
            }
            printf("%s %d: disorder %u digest %08x\n", names[s], shape, disorder, digest);
        }
    return 0;
}
