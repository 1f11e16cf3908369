#include "CTIFFShim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void record(char *slot, const char *format, va_list arguments) {
    if (slot[0] != '\0') {
        return;
    }
    vsnprintf(slot, GPUDECONV_TIFF_MESSAGE_BYTES, format, arguments);
    for (char *c = slot; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' ';
        }
    }
}

// Returning 1 keeps libtiff from calling the process-wide handler as well, which prints.
static int on_error(TIFF *tiff, void *log, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    record(((gpudeconv_tiff_log *)log)->error, format, arguments);
    return 1;
}

static int on_warning(TIFF *tiff, void *log, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    record(((gpudeconv_tiff_log *)log)->warning, format, arguments);
    return 1;
}

const char *gpudeconv_tiff_error(const gpudeconv_tiff_log *log) { return log->error; }

const char *gpudeconv_tiff_warning(const gpudeconv_tiff_log *log) { return log->warning; }

void gpudeconv_tiff_log_clear(gpudeconv_tiff_log *log) {
    log->error[0] = '\0';
    log->warning[0] = '\0';
}

// The descriptor belongs to the Swift side.
static int close_nothing(thandle_t client) {
    (void)client;
    return 0;
}

static int map_nothing(thandle_t client, void **base, toff_t *size) {
    (void)client;
    (void)base;
    (void)size;
    return 0;
}

static void unmap_nothing(thandle_t client, void *base, toff_t size) {
    (void)client;
    (void)base;
    (void)size;
}

TIFF *gpudeconv_tiff_open(
    const char *name, const char *mode, thandle_t client, TIFFReadWriteProc read, TIFFReadWriteProc write,
    TIFFSeekProc seek, TIFFSizeProc size, int64_t max_allocation, gpudeconv_tiff_log *log) {
    gpudeconv_tiff_log_clear(log);
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) {
        return NULL;
    }
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, log);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, log);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)max_allocation);
    TIFF *tiff = TIFFClientOpenExt(
        name, mode, client, read, write, seek, close_nothing, size, map_nothing, unmap_nothing, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

int gpudeconv_tiff_set_uint16(TIFF *tiff, uint32_t tag, uint16_t value) { return TIFFSetField(tiff, tag, value); }

int gpudeconv_tiff_set_uint32(TIFF *tiff, uint32_t tag, uint32_t value) { return TIFFSetField(tiff, tag, value); }

int gpudeconv_tiff_set_double(TIFF *tiff, uint32_t tag, double value) { return TIFFSetField(tiff, tag, value); }

int gpudeconv_tiff_set_string(TIFF *tiff, uint32_t tag, const char *value) { return TIFFSetField(tiff, tag, value); }

int gpudeconv_tiff_set_imagej(
    TIFF *tiff, const uint32_t *lengths, uint32_t length_count, const uint8_t *bytes, uint32_t byte_count) {
    static const TIFFFieldInfo fields[] = {
        {50838, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_LONG, FIELD_CUSTOM, 1, 1, "ImageJMetadataByteCounts"},
        {50839, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, "ImageJMetadata"},
    };
    if (TIFFMergeFieldInfo(tiff, fields, 2) != 0) {
        return 0;
    }
    return TIFFSetField(tiff, fields[0].field_tag, length_count, lengths) &&
           TIFFSetField(tiff, fields[1].field_tag, byte_count, bytes);
}
