#ifndef GPUDECONV_CBZIP2_SHIM_H
#define GPUDECONV_CBZIP2_SHIM_H
// bzlib.h wants FILE to be known, and does not say so.
#include <stdio.h>
#include <bzlib.h>
#endif
