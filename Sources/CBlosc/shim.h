#ifndef GPUDECONV_CBLOSC_SHIM_H
#define GPUDECONV_CBLOSC_SHIM_H
#include <blosc.h>
#endif
