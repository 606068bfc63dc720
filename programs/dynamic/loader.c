// dlopen, dlsym, dlclose and their errors.
// cflags: -rdynamic
// libs: -ldl
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int host_value(int x) { return x + 1; }

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "plugin.so";
    for (int round = 0; round < 2; round++) {
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!plugin) {
            printf("no plugin: %s\n", dlerror());
            return 1;
        }
        long (*run)(int) = (long (*)(int))dlsym(plugin, "plugin_run");
        long *calls = dlsym(plugin, "plugin_calls");
        printf("%ld %ld %ld\n", run(1), run(9), *calls);
        printf("missing: %d\n", dlsym(plugin, "nothing") == NULL && strlen(dlerror()) > 0);
        printf("close: %d\n", dlclose(plugin));
    }
    printf("no such file: %d\n", dlopen("/nowhere/plugin.so", RTLD_LAZY) == NULL);
    double (*cosine)(double) = (double (*)(double))dlsym(dlopen("libm.so.6", RTLD_LAZY), "cos");
    if (cosine) printf("%.15f\n", cosine(1.0));
    return 0;
}
