#include "CCurl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_version_info) *version_info;
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_reset) *reset;
    __typeof__(curl_easy_cleanup) *cleanup;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_strerror) *error;
    CURLcode (*set)(CURL *, CURLoption, ...);
    __typeof__(curl_slist_append) *append;
    __typeof__(curl_slist_free_all) *free_all;
} curl;

static char problem[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    // Debian's second name has GnuTLS in it.
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) {
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (!library && !*problem) strncpy(problem, dlerror(), sizeof problem - 1);
    }
    if (!library) return;
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"curl_global_init", &curl.global_init}, {"curl_version_info", &curl.version_info},
        {"curl_easy_init", &curl.init},          {"curl_easy_reset", &curl.reset},
        {"curl_easy_cleanup", &curl.cleanup},    {"curl_easy_perform", &curl.perform},
        {"curl_easy_strerror", &curl.error},     {"curl_easy_setopt", &curl.set},
        {"curl_slist_append", &curl.append},     {"curl_slist_free_all", &curl.free_all},
    };
    *problem = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            strncpy(problem, dlerror(), sizeof problem - 1);
            return;
        }
        memcpy(functions[i].place, &function, sizeof function);
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) strcpy(problem, "curl_global_init failed");
}

const char *gpudeconv_curl_load(void) {
    pthread_once(&once, load);
    return *problem ? problem : NULL;
}

unsigned int gpudeconv_curl_version(void) { return curl.version_info(CURLVERSION_NOW)->version_num; }
CURL *gpudeconv_curl_init(void) { return curl.init(); }
void gpudeconv_curl_reset(CURL *handle) { curl.reset(handle); }
void gpudeconv_curl_cleanup(CURL *handle) { curl.cleanup(handle); }
CURLcode gpudeconv_curl_perform(CURL *handle) { return curl.perform(handle); }
const char *gpudeconv_curl_error(CURLcode code) { return curl.error(code); }

CURLcode gpudeconv_curl_set_number(CURL *handle, CURLoption option, long value) {
    return curl.set(handle, option, value);
}

CURLcode gpudeconv_curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl.set(handle, option, value);
}

CURLcode gpudeconv_curl_set_headers(CURL *handle, struct curl_slist *headers) {
    return curl.set(handle, CURLOPT_HTTPHEADER, headers);
}

struct curl_slist *gpudeconv_curl_append(struct curl_slist *list, const char *text) { return curl.append(list, text); }
void gpudeconv_curl_free(struct curl_slist *list) { curl.free_all(list); }

CURLcode gpudeconv_curl_set_receiver(
    CURL *handle, gpudeconv_curl_take body, gpudeconv_curl_take header, gpudeconv_curl_watch watch, void *receiver) {
    CURLcode code = curl.set(handle, CURLOPT_WRITEFUNCTION, body);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_WRITEDATA, receiver);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_HEADERFUNCTION, header);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_HEADERDATA, receiver);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_XFERINFOFUNCTION, watch);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_XFERINFODATA, receiver);
    if (code == CURLE_OK) code = curl.set(handle, CURLOPT_NOPROGRESS, 0L);
    return code;
}
