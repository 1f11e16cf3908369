#ifndef GPUDECONV_CTIFF_SHIM_FUNCTIONS_H
#define GPUDECONV_CTIFF_SHIM_FUNCTIONS_H

#include <stdint.h>
#include <tiffio.h>

// Swift imports no variadic function and cannot build a va_list handler, so both are wrapped here.

#define GPUDECONV_TIFF_MESSAGE_BYTES 512

/// What libtiff said about one file: its first error, which names the fault, and its first warning.
typedef struct gpudeconv_tiff_log {
    char error[GPUDECONV_TIFF_MESSAGE_BYTES];
    char warning[GPUDECONV_TIFF_MESSAGE_BYTES];
} gpudeconv_tiff_log;

/// The first error as a C string, empty where there was none.
const char *gpudeconv_tiff_error(const gpudeconv_tiff_log *log);
/// The first warning as a C string, empty where there was none.
const char *gpudeconv_tiff_warning(const gpudeconv_tiff_log *log);
/// Forgets both.
void gpudeconv_tiff_log_clear(gpudeconv_tiff_log *log);

/// TIFFClientOpenExt with messages going to `log` alone, never to standard error.
/// `log` must live until the file is closed. `max_allocation` of 0 means no limit.
TIFF *gpudeconv_tiff_open(
    const char *name, const char *mode, thandle_t client, TIFFReadWriteProc read, TIFFReadWriteProc write,
    TIFFSeekProc seek, TIFFSizeProc size, int64_t max_allocation, gpudeconv_tiff_log *log);

/// TIFFSetField for the types that a tag can take.
int gpudeconv_tiff_set_uint16(TIFF *tiff, uint32_t tag, uint16_t value);
int gpudeconv_tiff_set_uint32(TIFF *tiff, uint32_t tag, uint32_t value);
int gpudeconv_tiff_set_double(TIFF *tiff, uint32_t tag, double value);
int gpudeconv_tiff_set_string(TIFF *tiff, uint32_t tag, const char *value);

/// Sets the two tags of ImageJ, 50838 (lengths) and 50839 (bytes), which libtiff does not know by itself.
int gpudeconv_tiff_set_imagej(
    TIFF *tiff, const uint32_t *lengths, uint32_t length_count, const uint8_t *bytes, uint32_t byte_count);

#endif
