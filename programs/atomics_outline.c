// C11 atomics through the compiler's run-time choice between exclusives and LSE.
// cflags: -march=armv8-a -moutline-atomics
#include "atomics.h"
