// A linked list, a system call that writes memory, and a signal: what a debugger is asked about.
// cflags: -g -fno-omit-frame-pointer -ffreestanding -fno-stack-protector
// libs: -nostdlib

struct node {
    struct node *next;
    long value;
};

static struct node pool[64];
static int used;
static struct node *head;
static long total;
static double mean;
static char line[16];
static const char greeting[] = "hello from the list\n";

static long call(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

static void push(long value)
{
    struct node *fresh = &pool[used++];
    fresh->value = value;
    fresh->next = head;
    head = fresh;
}

static long sum(struct node *list)
{
    if (!list)
        return 0;
    long rest = sum(list->next);
    total = rest + list->value;
    return total;
}

static void handler(int signal)
{
    call(93, signal, 0, 0, 0);
}

static void crash(void)
{
    struct { void (*handler)(int); unsigned long flags; void *restorer; unsigned long mask; }
        action = { handler, 0, 0, 0 };
    call(134, 11, (long)&action, 0, 8);
    *(volatile long *)16 = 1;
}

static long work(int rounds)
{
    for (int i = 1; i <= 10; i++)
        push(i);
    long last = 0;
    for (int i = 0; i < rounds; i++)
        last = sum(head);
    mean = last / 10.0;
    return last;
}

int main(int argc, char **argv)
{
    call(63, 0, (long)line, sizeof line, 0);
    if (argc > 1 && argv[1][0] == 'f')
        crash();
    long result = work(argc > 1 && argv[1][0] == 'l' ? 20000 : 3);
    call(64, 1, (long)greeting, sizeof greeting - 1, 0);
    return result != 55;
}

__attribute__((naked)) void _start(void)
{
    __asm__("mov x29, #0\n\tmov x30, #0\n\tldr x0, [sp]\n\tadd x1, sp, #8\n\t"
            "bl main\n\tmov x8, #94\n\tsvc #0");
}
