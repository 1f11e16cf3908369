#ifndef GPUDECONV_CZLIB_SHIM_H
#define GPUDECONV_CZLIB_SHIM_H
#include <zlib.h>
#endif
