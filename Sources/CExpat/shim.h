#ifndef GPUDECONV_CEXPAT_SHIM_H
#define GPUDECONV_CEXPAT_SHIM_H
#include <expat.h>
#endif
