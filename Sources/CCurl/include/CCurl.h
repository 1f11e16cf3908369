#ifndef GPUDECONV_CCURL_H
#define GPUDECONV_CCURL_H
// The system's libcurl, looked for when it is wanted: programs that read no server start without it, and where they go they use
// the TLS library and the certificates of that system.
#include <curl/curl.h>

// Loads the library once for all threads. NULL, or why there is none; the text stays.
const char *gpudeconv_curl_load(void);

// Everything below only after it was loaded.

// Its version as in LIBCURL_VERSION_NUM.
unsigned int gpudeconv_curl_version(void);
CURL *gpudeconv_curl_init(void);
void gpudeconv_curl_reset(CURL *handle);
void gpudeconv_curl_cleanup(CURL *handle);
CURLcode gpudeconv_curl_perform(CURL *handle);
const char *gpudeconv_curl_error(CURLcode code);

CURLcode gpudeconv_curl_set_number(CURL *handle, CURLoption option, long value);
CURLcode gpudeconv_curl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode gpudeconv_curl_set_headers(CURL *handle, struct curl_slist *headers);
struct curl_slist *gpudeconv_curl_append(struct curl_slist *list, const char *text);
void gpudeconv_curl_free(struct curl_slist *list);

// Takes some bytes of the body or a line of the header; anything but `count` ends the transfer.
typedef size_t (*gpudeconv_curl_take)(char *bytes, size_t size, size_t count, void *receiver);
// Is called about every second, whether or not anything comes, with the bytes so far; anything but 0 ends the transfer.
typedef int (*gpudeconv_curl_watch)(void *receiver, curl_off_t, curl_off_t taken, curl_off_t, curl_off_t);
CURLcode gpudeconv_curl_set_receiver(
    CURL *handle, gpudeconv_curl_take body, gpudeconv_curl_take header, gpudeconv_curl_watch watch, void *receiver);
#endif
