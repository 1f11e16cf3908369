#include "CNoisyLibrary.h"

#include <cstdio>
#include <dlfcn.h>
#include <ostream>

void gpudeconv_write_to_standard_error(const char *cxx_line, const char *c_line) {
    // The stream of the libraries of this process, whatever runtime this file is linked with.
    if (auto *stream = static_cast<std::ostream *>(dlsym(RTLD_DEFAULT, "_ZSt4cerr"))) *stream << cxx_line << std::endl;
    fprintf(stderr, "%s\n", c_line);
}
