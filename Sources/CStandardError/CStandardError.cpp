#include "CStandardError.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <ostream>
#include <streambuf>
#include <string>
#include <unistd.h>

// Streams are shared by all threads of a process, so what is put in their place while one thread's text is caught passes on
// the text of all others at once. It is never destroyed: another thread may still write to it when it is out of use.
namespace {

/// Where this thread's text goes, or null.
thread_local std::string *caught = nullptr;

/// Appends to this thread's text. Text for which there is no memory is lost.
void append(const char *text, size_t count) noexcept {
    try {
        caught->append(text, count);
    } catch (...) {
    }
}

class CatchingBuffer final : public std::streambuf {
  public:
    std::streambuf *original = nullptr;

  protected:
    int_type overflow(int_type character) override {
        if (traits_type::eq_int_type(character, traits_type::eof())) return traits_type::not_eof(character);
        char text = traits_type::to_char_type(character);
        if (!caught) return original->sputc(text);
        append(&text, 1);
        return character;
    }

    std::streamsize xsputn(const char *text, std::streamsize count) override {
        if (!caught) return original->sputn(text, count);
        append(text, static_cast<size_t>(count));
        return count;
    }

    int sync() override { return caught ? 0 : original->pubsync(); }
};

// The stream that the libraries of this process write to: where the C++ runtime is linked into the program itself, that need
// not be the one that this file would be linked with.
std::ostream *standard_error() { return static_cast<std::ostream *>(dlsym(RTLD_DEFAULT, "_ZSt4cerr")); }

#ifdef __GLIBC__
ssize_t write_or_catch(void *, const char *text, size_t count) {
    if (!caught) return write(STDERR_FILENO, text, count);
    append(text, count);
    return static_cast<ssize_t>(count);
}

/// A C stream without a buffer, for text would be caught by the thread that empties it.
FILE *catching_file() {
    static FILE *const file = [] {
        cookie_io_functions_t functions = {};
        functions.write = write_or_catch;
        FILE *file = fopencookie(nullptr, "w", functions);
        if (file) setvbuf(file, nullptr, _IONBF, 0);
        return file;
    }();
    return file;
}
#endif

} // namespace

char *gpudeconv_catch_standard_error(void (*body)(void *context), void *context) {
    static std::mutex one_at_a_time;
    static CatchingBuffer &buffer = *new CatchingBuffer;
    std::lock_guard<std::mutex> lock(one_at_a_time);
    std::string text;

    std::ostream *stream = standard_error();
    std::streambuf *original = stream ? stream->rdbuf() : nullptr;
    if (original) {
        buffer.original = original;
        stream->rdbuf(&buffer);
    }
#ifdef __GLIBC__
    FILE *file = catching_file();
    FILE *const original_file = stderr;
    if (file) stderr = file;
#endif
    caught = &text;
    body(context);
    caught = nullptr;
#ifdef __GLIBC__
    if (stderr == file) stderr = original_file;
#endif
    // Unless somebody else has put something there.
    if (original && stream->rdbuf() == &buffer) stream->rdbuf(original);
    return strdup(text.c_str());
}
