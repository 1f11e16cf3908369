// Functions that the Swift runtime, libstdc++ and Expat take from a glibc newer than 2.34, which is what clusters have (Red Hat
// Enterprise Linux 9 and its kin). Linked into the program of a bundle, before the C library.
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#if defined __x86_64__
// glibc 2.35 gave these a new version for no longer setting errno; the arithmetic is the same.
__asm__(".symver older_hypot, hypot@GLIBC_2.2.5");
__asm__(".symver older_hypotf, hypotf@GLIBC_2.2.5");
double older_hypot(double x, double y);
float older_hypotf(float x, float y);

double hypot(double x, double y) { return older_hypot(x, y); }

float hypotf(float x, float y) { return older_hypotf(x, y); }
#endif

// Since glibc 2.36; getentropy cannot fail for up to 256 bytes on a kernel that has getrandom (3.17).
void arc4random_buf(void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        const size_t part = count - done < 256 ? count - done : 256;
        if (getentropy((char *)bytes + done, part) != 0) abort();
        done += part;
    }
}

uint32_t arc4random(void) {
    uint32_t number;
    arc4random_buf(&number, sizeof number);
    return number;
}
