#ifndef GPUDECONV_CFFTW_SHIM_H
#define GPUDECONV_CFFTW_SHIM_H
#include <fftw3.h>
#endif
