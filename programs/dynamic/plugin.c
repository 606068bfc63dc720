// A plugin: dynamic TLS, a symbol of the program that loads it, a constructor and a destructor.
#include <stdio.h>

extern int host_value(int); // in the program
__thread long plugin_calls = 1000;

__attribute__((constructor)) static void loaded(void) { printf("plugin: loaded\n"); }
__attribute__((destructor)) static void unloaded(void) { printf("plugin: unloaded\n"); }

long plugin_run(int x) { return ++plugin_calls * host_value(x); }
