"""Functions that emitted C and Rust carry where they use them, by operator."""

from __future__ import annotations

C_HELPERS = {
    "div": "static int64_t ncpu_div(int64_t a, int64_t b) {\n"
    "    if (b == 0) return 0;\n    if (b == -1) return (int64_t)(0 - (uint64_t)a);\n"
    "    int64_t q = a / b;\n    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;\n}\n",
    "mod": "static int64_t ncpu_mod(int64_t a, int64_t b) {\n"
    "    if (b == 0) return a;\n    if (b == -1) return 0;\n"
    "    int64_t r = a % b;\n    return r != 0 && (r < 0) != (b < 0) ? r + b : r;\n}\n",
    "quot": "static int64_t ncpu_quot(int64_t a, int64_t b) {\n"
    "    return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;\n}\n",
    "rem": "static int64_t ncpu_rem(int64_t a, int64_t b) {\n"
    "    return b == 0 ? a : b == -1 ? 0 : a % b;\n}\n",
    "min": "static int64_t ncpu_min(int64_t a, int64_t b) { return a < b ? a : b; }\n",
    "max": "static int64_t ncpu_max(int64_t a, int64_t b) { return a > b ? a : b; }\n",
    "abs": "static int64_t ncpu_abs(int64_t a) {\n"
    "    return a < 0 ? (int64_t)(0 - (uint64_t)a) : a;\n}\n",
    "clz": "static int ncpu_clz(uint64_t a, int width) {\n"
    "    int n = 0;\n    while (n < width && !(a >> (width - 1 - n) & 1)) n++;\n    return n;\n}\n",
    "rbit": "static uint64_t ncpu_rbit(uint64_t a, int width) {\n    uint64_t r = 0;\n"
    "    for (int k = 0; k < width; k++) r |= (a >> k & 1) << (width - 1 - k);\n    return r;\n}\n",
    "swap": "static uint64_t ncpu_swap(uint64_t a) {\n    uint64_t r = 0;\n"
    "    for (int k = 0; k < 64; k++)\n"
    "        r |= (a >> k & 1) << (k / 8 * 8 + 7 - k % 8);\n    return r;\n}\n",
}
RUST_HELPERS = {
    "div": "fn ncpu_div(a: i64, b: i64) -> i64 {\n    if b == 0 { return 0; }\n"
    "    let q = a.wrapping_div(b);\n    let r = a.wrapping_rem(b);\n"
    "    if r != 0 && (r < 0) != (b < 0) { q - 1 } else { q }\n}\n",
    "mod": "fn ncpu_mod(a: i64, b: i64) -> i64 {\n    if b == 0 { return a; }\n"
    "    let r = a.wrapping_rem(b);\n    if r != 0 && (r < 0) != (b < 0) { r + b } else { r }\n}\n",
    "quot": "fn ncpu_quot(a: i64, b: i64) -> i64 {\n"
    "    if b == 0 { 0 } else { a.wrapping_div(b) }\n}\n",
    "rem": "fn ncpu_rem(a: i64, b: i64) -> i64 {\n"
    "    if b == 0 { a } else { a.wrapping_rem(b) }\n}\n",
}
