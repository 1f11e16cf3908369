#ifndef GPUDECONV_CLZ4_SHIM_H
#define GPUDECONV_CLZ4_SHIM_H
#include <lz4.h>
#endif
