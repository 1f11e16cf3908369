#ifndef GPUDECONV_CNOISYLIBRARY_H
#define GPUDECONV_CNOISYLIBRARY_H

#ifdef __cplusplus
extern "C" {
#endif

/// Writes a line to `std::cerr` and one to `stderr`, as a C++ library does that has something to say.
void gpudeconv_write_to_standard_error(const char *cxx_line, const char *c_line);

#ifdef __cplusplus
}
#endif
#endif
