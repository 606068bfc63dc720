extern __thread int shape_count; // one for each thread, in the library's own TLS block
extern int shape_scale;          // copied into a program that is not position-independent

typedef int (*shape_order)(const void *, const void *);

void shape_sort(int *sizes, int count, shape_order order);
int shape_area(int size);
const char *shape_version(void);
