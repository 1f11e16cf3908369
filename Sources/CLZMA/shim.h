#ifndef GPUDECONV_CLZMA_SHIM_H
#define GPUDECONV_CLZMA_SHIM_H
#include <lzma.h>
#endif
