#pragma once

#include <curl/curl.h>
#include <stdint.h>

/* curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call. */

static inline CURLcode
rk_curl_set_long(CURL *handle, CURLoption option, long value)
{
	return (curl_easy_setopt(handle, option, value));
}

static inline CURLcode
rk_curl_set_size(CURL *handle, CURLoption option, curl_off_t value)
{
	return (curl_easy_setopt(handle, option, value));
}

static inline CURLcode
rk_curl_set_string(CURL *handle, CURLoption option, const char *value)
{
	return (curl_easy_setopt(handle, option, value));
}

/* ${value} is kept, not copied, for options that take a buffer, a list or a context. */
static inline CURLcode
rk_curl_set_pointer(CURL *handle, CURLoption option, const void *value)
{
	return (curl_easy_setopt(handle, option, (void *)(uintptr_t)value));
}

static inline CURLcode
rk_curl_set_receiver(CURL *handle, CURLoption option, size_t (*receiver)(char *, size_t, size_t, void *))
{
	return (curl_easy_setopt(handle, option, receiver));
}

static inline CURLcode
rk_curl_set_progress(CURL *handle, int (*progress)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t))
{
	return (curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress));
}

static inline CURLcode
rk_curl_set_before_request(CURL *handle, int (*before)(void *, char *, char *, int, int))
{
	return (curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, before));
}

static inline CURLcode
rk_curl_get_long(CURL *handle, CURLINFO info, long *value)
{
	return (curl_easy_getinfo(handle, info, value));
}

static inline CURLcode
rk_curl_start(void)
{
	return (curl_global_init(CURL_GLOBAL_DEFAULT));
}
