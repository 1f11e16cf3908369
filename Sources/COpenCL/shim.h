#ifndef GPUDECONV_COPENCL_SHIM_H
#define GPUDECONV_COPENCL_SHIM_H
// OpenCL 1.2 is what every vendor's driver has; the same define stands in CCLFFT, whose header includes this one.
#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>
#endif
