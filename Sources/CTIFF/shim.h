#ifndef GPUDECONV_CTIFF_SHIM_H
#define GPUDECONV_CTIFF_SHIM_H
#include <tiffio.h>
#endif
