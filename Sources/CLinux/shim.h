#ifndef GPUDECONV_CLINUX_SHIM_H
#define GPUDECONV_CLINUX_SHIM_H
// Of the C library, for fcntl and mallopt.
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif
// Linux's own, which <unistd.h> shows only to those who define _GNU_SOURCE before anything else is included.
int syncfs(int descriptor);
static inline int gpudeconv_set_direct(int descriptor, int is_direct) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, is_direct ? flags | __O_DIRECT : flags & ~__O_DIRECT);
}
// The CRC-32C instruction of processors that have it; none of these may be called on others.
static inline int gpudeconv_has_crc32c(void) {
#if defined(__x86_64__)
    unsigned int a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
#elif defined(__aarch64__)
    return (getauxval(AT_HWCAP) & (1ul << 7)) != 0;
#else
    return 0;
#endif
}
static inline uint32_t gpudeconv_crc32c_word(uint32_t state, uint64_t word) {
#if defined(__x86_64__)
    uint64_t wide = state;
    __asm__("crc32q %1, %0" : "+r"(wide) : "rm"(word));
    return (uint32_t)wide;
#elif defined(__aarch64__)
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(word));
    return state;
#else
    return state + (uint32_t)word;
#endif
}
static inline uint64_t gpudeconv_load_word(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}
// Takes `count` words.
static inline uint32_t gpudeconv_crc32c_words(uint32_t state, const void *bytes, size_t count) {
    const uint8_t *next = (const uint8_t *)bytes;
    for (size_t i = 0; i < count; i++) state = gpudeconv_crc32c_word(state, gpudeconv_load_word(next + 8 * i));
    return state;
}
// Takes three runs of `count` words that follow each other, each into a state of its own: an instruction waits for the one before.
static inline void gpudeconv_crc32c_runs(uint32_t states[3], const void *bytes, size_t count) {
    const uint8_t *next = (const uint8_t *)bytes;
    uint32_t first = states[0], second = states[1], third = states[2];
    for (size_t i = 0; i < count; i++) {
        first = gpudeconv_crc32c_word(first, gpudeconv_load_word(next + 8 * i));
        second = gpudeconv_crc32c_word(second, gpudeconv_load_word(next + 8 * (count + i)));
        third = gpudeconv_crc32c_word(third, gpudeconv_load_word(next + 8 * (2 * count + i)));
    }
    states[0] = first;
    states[1] = second;
    states[2] = third;
}
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#endif
