#ifndef GPUDECONV_CFFTW_SHIM_H
#define GPUDECONV_CFFTW_SHIM_H
#include <fftw3.h>
// Swift imports no macros with shifts.
static const unsigned gpudeconv_fftw_destroy_input = FFTW_DESTROY_INPUT;
static const unsigned gpudeconv_fftw_patient_lines = FFTW_PATIENT | FFTW_NO_INDIRECT_OP | FFTW_NO_DFT_R2HC |
                                                     FFTW_NO_RANK_SPLITS | FFTW_NO_VRANK_SPLITS | FFTW_NO_BUFFERING;
// An array without a length.
static inline const char *gpudeconv_fftw_version(void) { return fftwf_version; }
#endif
