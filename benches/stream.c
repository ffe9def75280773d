// What the memory gives: the traffic of a kernel and nothing else. Elements are added as 64-bit
// integers, whatever they are; the output is written past the caches or through them.

#include <immintrin.h>
#include <stdint.h>

#define SWEEP(STORE)                                                                          \
    for (; i + 4 <= n; i += 4) {                                                              \
        __m256i sum = _mm256_loadu_si256((const __m256i *)(a + i));                           \
        if (inputs > 1) sum = _mm256_add_epi64(sum, _mm256_loadu_si256((const __m256i *)(b + i))); \
        if (inputs > 2) sum = _mm256_add_epi64(sum, _mm256_loadu_si256((const __m256i *)(c + i))); \
        if (inputs > 3) sum = _mm256_add_epi64(sum, _mm256_loadu_si256((const __m256i *)(d + i))); \
        STORE((__m256i *)(out + i), sum);                                                     \
    }

static inline __attribute__((always_inline)) void sweep(int64_t *out, const int64_t *a,
        const int64_t *b, const int64_t *c, const int64_t *d, long n, int inputs, int past) {
    long i = 0;
    if (past) {
        for (; i < n && ((uintptr_t)(out + i) & 31); i++)
            out[i] = a[i];
        SWEEP(_mm256_stream_si256)
        _mm_sfence();
    } else {
        SWEEP(_mm256_storeu_si256)
    }
    for (; i < n; i++)
        out[i] = a[i];
}

// The number of inputs is a constant in every loop.
void stream(int64_t *out, const int64_t *a, const int64_t *b, const int64_t *c, const int64_t *d,
            long n, int inputs, int past) {
    switch (inputs * 2 + past) {
    case 2: sweep(out, a, b, c, d, n, 1, 0); break;
    case 3: sweep(out, a, b, c, d, n, 1, 1); break;
    case 4: sweep(out, a, b, c, d, n, 2, 0); break;
    case 5: sweep(out, a, b, c, d, n, 2, 1); break;
    case 6: sweep(out, a, b, c, d, n, 3, 0); break;
    case 7: sweep(out, a, b, c, d, n, 3, 1); break;
    case 8: sweep(out, a, b, c, d, n, 4, 0); break;
    case 9: sweep(out, a, b, c, d, n, 4, 1); break;
    }
}

// An output that depends on a row: nothing is read but the row.
void fill(int64_t *out, const int64_t *row, long rows, long columns, int past) {
    for (long r = 0; r < rows; r++, out += columns)
        sweep(out, row, row, row, row, columns, 1, past);
}

// Every other element of two arrays.
void gather(int64_t *restrict out, const int64_t *a, const int64_t *b, long n, int past) {
    if (past) {
        for (long i = 0; i < n; i++)
            _mm_stream_si64((long long *)out + i, a[2 * i] + b[2 * i]);
        _mm_sfence();
    } else {
        for (long i = 0; i < n; i++)
            out[i] = a[2 * i] + b[2 * i];
    }
}
