#ifndef GPUDECONV_CSTANDARDERROR_H
#define GPUDECONV_CSTANDARDERROR_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Runs `body(context)` and catches what this thread writes to C++'s `std::cerr` and to C's `stderr` meanwhile. What other
/// threads write there, and what anyone writes to the file descriptor, goes where it always goes.
///
/// One at a time: others wait.
/// Returns what was caught, which ends with 0 and is the caller's to free, or NULL where there is no memory; never throws.
char *gpudeconv_catch_standard_error(void (*body)(void *context), void *context);

#ifdef __cplusplus
}
#endif
#endif
