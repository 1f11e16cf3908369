#ifndef GPUDECONV_CLINUX_SHIM_H
#define GPUDECONV_CLINUX_SHIM_H
// Linux's own, which <unistd.h> shows only to those who define _GNU_SOURCE before anything else is included.
int syncfs(int descriptor);
#endif
