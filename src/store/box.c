/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box: libsodium and zstd for the store. Layer: store.
 *
 * A box is nonce (24 octets), then the XChaCha20-Poly1305 of the plain length (4 octets) and the
 * zstd frame: random nonces are safe at this size, and the length is not in the clear.
 */
#include "store/box.h"

#include "base/buf.h"
#include "sys/files.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/poison.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define LENGTH_SIZE 4
static_assert(BOX_EXTRA == NONCE_SIZE + MAC_SIZE, "nonce and authenticator");
static_assert(BOX_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
static_assert(BOX_KEY_SIZE == crypto_kdf_KEYBYTES, "key size");

/* "postern-key-1" and newline, then the master key. */
static const char magic[] = "postern-key-1\n";
#define MAGIC_LEN (sizeof(magic) - 1)
#define FILE_LEN (MAGIC_LEN + BOX_KEY_SIZE)

static void derive(struct box *b, const uint8_t master[static BOX_KEY_SIZE])
{
	(void)crypto_kdf_derive_from_key(b->seal_key, sizeof(b->seal_key), 1, "postern1", master);
	(void)crypto_kdf_derive_from_key(b->hash_key, sizeof(b->hash_key), 2, "postern1", master);
}

static int make_file(const char *path, uint8_t master[static BOX_KEY_SIZE], struct errmsg *reterr)
{
	char content[FILE_LEN];

	randombytes_buf(master, BOX_KEY_SIZE);
	if (path == NULL) {
		return 0;
	}
	memcpy(content, magic, MAGIC_LEN);
	memcpy(content + MAGIC_LEN, master, BOX_KEY_SIZE);
	int r = file_write(path, (struct str){content, sizeof(content)}, 0600, reterr);
	sodium_memzero(content, sizeof(content));
	return r;
}

int box_open(const char *path, struct box *ret, struct errmsg *reterr)
{
	uint8_t master[BOX_KEY_SIZE];
	struct buf content;
	int r;

	if (sodium_init() < 0) {
		return err_set(reterr, -EIO, "libsodium does not start");
	}
	buf_init(&content, FILE_LEN);
	r = path == NULL ? -ENOENT : file_read(path, &content, reterr);
	if (r == -ENOENT) {
		r = make_file(path, master, reterr);
	} else if (r == -EMSGSIZE || (r == 0 && (content.len != FILE_LEN ||
						 memcmp(content.ptr, magic, MAGIC_LEN) != 0))) {
		r = err_set(reterr, -EBADMSG,
			    "%s is not a key of postern: put the right one back, or move it away "
			    "and lose the stored samples",
			    path);
	} else if (r == 0) {
		memcpy(master, content.ptr + MAGIC_LEN, BOX_KEY_SIZE);
	}
	if (r == 0) {
		derive(ret, master);
	}
	sodium_memzero(master, sizeof(master));
	if (content.ptr != NULL) {
		sodium_memzero(content.ptr, content.len);
	}
	buf_done(&content);
	return r;
}

void box_done(struct box *b)
{
	sodium_memzero(b, sizeof(*b));
}

size_t box_size(size_t plain_len)
{
	return BOX_EXTRA + LENGTH_SIZE + ZSTD_compressBound(plain_len);
}

int box_seal(const struct box *b, struct str bound, struct str plain, void *ret)
{
	size_t room = LENGTH_SIZE + ZSTD_compressBound(plain.len);
	uint8_t *packed = malloc(room);
	uint8_t *out = ret;
	unsigned long long sealed_len = 0;

	if (packed == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < LENGTH_SIZE; i++) {
		packed[i] = (uint8_t)(plain.len >> (8 * (LENGTH_SIZE - 1 - i)));
	}
	size_t n = ZSTD_compress(packed + LENGTH_SIZE, room - LENGTH_SIZE,
				 plain.ptr != NULL ? plain.ptr : "", plain.len, 1);
	if (ZSTD_isError(n) != 0) {
		free(packed);
		return -ENOMEM;
	}
	randombytes_buf(out, NONCE_SIZE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
		out + NONCE_SIZE, &sealed_len, packed, LENGTH_SIZE + n, (const uint8_t *)bound.ptr,
		bound.len, NULL, out, b->seal_key);
	sodium_memzero(packed, LENGTH_SIZE + n);
	free(packed);
	return (int)(NONCE_SIZE + sealed_len);
}

int box_unseal(const struct box *b, struct str bound, struct str sealed, void *ret, size_t size)
{
	if (sealed.len < BOX_EXTRA + LENGTH_SIZE) {
		return -EBADMSG;
	}
	const uint8_t *in = (const uint8_t *)sealed.ptr;
	uint8_t *packed = malloc(sealed.len);
	unsigned long long len = 0;
	int r = -EBADMSG;

	if (packed == NULL) {
		return -ENOMEM;
	}
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    packed, &len, NULL, in + NONCE_SIZE, sealed.len - NONCE_SIZE,
		    (const uint8_t *)bound.ptr, bound.len, in, b->seal_key) == 0) {
		size_t plain_len = (size_t)packed[0] << 24 | (size_t)packed[1] << 16 |
				   (size_t)packed[2] << 8 | packed[3];
		size_t n = plain_len > size ? 0
					    : ZSTD_decompress(ret, size, packed + LENGTH_SIZE,
							      (size_t)len - LENGTH_SIZE);
		r = plain_len <= size && ZSTD_isError(n) == 0 && n == plain_len ? (int)n : -EBADMSG;
		sodium_memzero(packed, (size_t)len);
	}
	free(packed);
	return r;
}

void box_hash(const struct box *b, const char *purpose, struct str text,
	      char ret[static BOX_HASH_TEXT])
{
	crypto_generichash_state state;
	uint8_t hash[16];

	(void)crypto_generichash_init(&state, b->hash_key, sizeof(b->hash_key), sizeof(hash));
	(void)crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
	(void)crypto_generichash_update(&state, (const uint8_t *)text.ptr, text.len);
	(void)crypto_generichash_final(&state, hash, sizeof(hash));
	(void)sodium_bin2hex(ret, BOX_HASH_TEXT, hash, sizeof(hash));
}

bool box_is_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void box_token(char *ret)
{
	uint8_t secret[32];

	memcpy(ret, "pt_", 3);
	randombytes_buf(secret, sizeof(secret));
	(void)sodium_bin2base64(ret + 3, 44, secret, sizeof(secret),
				sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(secret, sizeof(secret));
}
