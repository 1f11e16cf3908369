#ifndef GPUDECONV_CPNG_SHIM_H
#define GPUDECONV_CPNG_SHIM_H
#include <png.h>
#endif
