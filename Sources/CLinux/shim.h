#ifndef GPUDECONV_CLINUX_SHIM_H
#define GPUDECONV_CLINUX_SHIM_H
// Of the C library, for fcntl and mallopt.
#include <fcntl.h>
#include <malloc.h>
// Linux's own, which <unistd.h> shows only to those who define _GNU_SOURCE before anything else is included.
int syncfs(int descriptor);
static inline int gpudeconv_set_direct(int descriptor, int is_direct) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, is_direct ? flags | __O_DIRECT : flags & ~__O_DIRECT);
}
int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path, unsigned int flags);
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#endif
