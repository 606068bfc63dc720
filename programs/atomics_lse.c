// C11 atomics as single Armv8.1 LSE instructions (LDADD, SWP, CAS, CASP and their kin).
// cflags: -march=armv8.1-a+lse
// cpu: cortex-a76
#include "atomics.h"
