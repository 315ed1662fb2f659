#pragma once

#include <openssl/evp.h>

/*
 * The two digests that S3 asks for and libsodium does not have.  Each writes 20 or 16 bytes to ${out} and
 * returns 1, or 0 where this build of OpenSSL refuses them.
 */

static inline int
rk_sha1(const void *bytes, size_t count, unsigned char *out)
{
	return (EVP_Digest(bytes, count, out, NULL, EVP_sha1(), NULL));
}

static inline int
rk_md5(const void *bytes, size_t count, unsigned char *out)
{
	return (EVP_Digest(bytes, count, out, NULL, EVP_md5(), NULL));
}
