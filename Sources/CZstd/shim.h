#ifndef GPUDECONV_CZSTD_SHIM_H
#define GPUDECONV_CZSTD_SHIM_H
#include <zstd.h>
#endif
