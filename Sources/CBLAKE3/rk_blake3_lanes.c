#include "rk_blake3_node.h"

/*
 * The kernels: the same code for each width, on the compiler's own vectors, which it turns into the instructions that
 * the TARGET of each kernel allows.
 */

#if defined(__x86_64__)

#define KERNEL rk_blake3_lanes4_sse41
#define NAMED(name) name##_sse41
#define LANES 4
#define TARGET target("sse4.1")
#include "rk_blake3_kernel.h"

#define KERNEL rk_blake3_lanes8_avx2
#define NAMED(name) name##_avx2
#define LANES 8
#define TARGET target("avx2")
#include "rk_blake3_kernel.h"

#define KERNEL rk_blake3_lanes16_avx512
#define NAMED(name) name##_avx512
#define LANES 16
#define TARGET target("avx512f")
#include "rk_blake3_kernel.h"

#elif defined(__aarch64__)

#define KERNEL rk_blake3_lanes4_neon
#define NAMED(name) name##_neon
#define LANES 4
#define TARGET unused
#include "rk_blake3_kernel.h"

#endif
