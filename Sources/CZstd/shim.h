#ifndef GPUDECONV_CZSTD_SHIM_H
#define GPUDECONV_CZSTD_SHIM_H
#include <zstd.h>
#include <zstd_errors.h>
#endif
