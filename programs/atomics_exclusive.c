// C11 atomics built from load- and store-exclusive loops, with every memory order.
// cflags: -march=armv8-a -mno-outline-atomics
#include "atomics.h"
