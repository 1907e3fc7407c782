/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: curl as a child, its options on its standard input. Layer: doctor.
 */
#include "doctor/fetch.h"

#include "base/num.h"
#include "proto/addr.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

#define OPTIONS_MAX ((size_t)512 << 10)
#define SAID_MAX 400
/* curl ends by itself after FETCH_SECONDS; this long after it, it is ended. */
#define GRACE_MS 5000

extern char **environ;

static bool is_loopback(struct str host)
{
	struct addr a;

	if (str_is_equal_nocase(host, STR("localhost"))) {
		return true;
	}
	if (addr_parse(host, &a) < 0) {
		return false;
	}
	return str_has_prefix(host, STR("127.")) || str_is_equal(host, STR("::1"));
}

/* "host", "host:port", "[v6]:port" */
static struct str host_of(struct str authority)
{
	if (authority.len > 0 && authority.ptr[0] == '[') {
		struct str v6 = str_skip(authority, 1);
		return str_take_until(&v6, ']');
	}
	return str_take_until(&authority, ':');
}

int fetch_check(const char *url, struct errmsg *reterr)
{
	struct str rest = str_of(url);

	if (rest.len > FETCH_URL_MAX) {
		return err_set(reterr, -EINVAL, "the address is longer than %d octets",
			       FETCH_URL_MAX);
	}
	for (size_t i = 0; i < rest.len; i++) {
		char c = rest.ptr[i];
		if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
			return err_set(reterr, -EINVAL, "the address holds what no address holds");
		}
	}
	bool is_tls = str_has_prefix_nocase(rest, STR("https://"));
	if (!is_tls && !str_has_prefix_nocase(rest, STR("http://"))) {
		return err_set(reterr, -EINVAL, "the address begins with https://");
	}
	rest = str_skip(rest, is_tls ? 8 : 7);
	size_t end = 0;
	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' &&
	       rest.ptr[end] != '#') {
		end++;
	}
	struct str authority = str_head(rest, end);
	struct str host = host_of(authority);
	if (host.len == 0 || str_find_char(authority, '@') < authority.len) {
		return err_set(reterr, -EINVAL, "the address names no host, or a user");
	}
	if (!is_tls && !is_loopback(host)) {
		return err_set(reterr, -EINVAL, "http:// is for this machine alone; use https://");
	}
	return 0;
}

/* A value in curl's configuration. */
static void add_quoted(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s = \"", name);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '"' || c == '\\') {
			buf_add_char(out, '\\');
		}
		if (c == '\n' || c == '\r' || c == '\t') {
			buf_add(out, c == '\n' ? STR("\\n") : c == '\r' ? STR("\\r") : STR("\\t"));
		} else {
			buf_add_char(out, c);
		}
	}
	buf_add(out, STR("\"\n"));
}

static void write_options(const struct fetch *f, struct buf *out)
{
	char header[512];

	add_quoted(out, "url", str_of(f->url));
	buf_printf(out,
		   "silent\nshow-error\ngloboff\nmax-redirs = 0\nproto = \"=http,https\"\n"
		   "connect-timeout = 10\nmax-time = %d\nmax-filesize = %zu\n"
		   "write-out = \"\\n%%{http_code}\"\nuser-agent = \"postern-doctor\"\n",
		   FETCH_SECONDS, FETCH_ANSWER_MAX);
	if (f->authorization != NULL) {
		(void)snprintf(header, sizeof(header), "Authorization: %s", f->authorization);
		add_quoted(out, "header", str_of(header));
	}
	if (f->body.ptr != NULL) {
		buf_add(out, STR("header = \"Content-Type: application/json\"\n"));
		add_quoted(out, "data-raw", f->body);
	}
}

static int options_file(const struct fetch *f, int *ret_fd, struct errmsg *reterr)
{
	struct buf options;
	int fd = memfd_create("postern-doctor", MFD_CLOEXEC);

	if (fd < 0) {
		return err_set(reterr, -errno, "cannot make a file in memory");
	}
	buf_init(&options, OPTIONS_MAX);
	write_options(f, &options);
	int r = buf_end(&options);
	r = r < 0 ? r : file_write_all(fd, buf_str(&options));
	buf_done(&options);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0) {
		r = -errno;
	}
	if (r < 0) {
		fd_close(&fd);
		return err_set(reterr, r, "cannot write curl's options");
	}
	*ret_fd = fd;
	return 0;
}

static int start(int in, int out, int said, pid_t *ret_pid, struct errmsg *reterr)
{
	char *const argv[] = {(char[]){"curl"}, (char[]){"-q"}, (char[]){"-K"}, (char[]){"-"},
			      NULL};
	posix_spawn_file_actions_t actions;

	if (posix_spawn_file_actions_init(&actions) != 0) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	int r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	r = r != 0 ? r : posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	r = r != 0 ? r : posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
	r = r != 0 ? r : posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r == 0 ? 0
		      : err_set(reterr, -r,
				r == ENOENT ? "there is no program curl: install it, or save the "
					      "notice "
					      "as a file"
					    : "cannot start curl");
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Append what can be read now. @return 1; 0 at the end; or a negative errno. */
static int read_some(int fd, struct buf *out)
{
	char *at = buf_reserve(out, 8192);

	if (at == NULL) {
		return -EMSGSIZE;
	}
	ssize_t n = read(fd, at, 8192);
	if (n < 0) {
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	}
	out->len += (size_t)n;
	return n > 0 ? 1 : 0;
}

/* Both pipes, until both have ended. What it says over SAID_MAX is dropped. */
static int read_both(int out_fd, int said_fd, struct buf *out, struct buf *said)
{
	int64_t end = now_ms() + FETCH_SECONDS * 1000 + GRACE_MS;
	struct pollfd fds[2] = {{.fd = out_fd, .events = POLLIN},
				{.fd = said_fd, .events = POLLIN}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t left = end - now_ms();
		if (left <= 0 || (poll(fds, 2, (int)left) < 0 && errno != EINTR)) {
			return -ETIMEDOUT;
		}
		for (size_t i = 0; i < COUNT_OF(fds); i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0) {
				continue;
			}
			int r = read_some(fds[i].fd, i == 0 ? out : said);
			if (r < 0 && i == 0) {
				return r;
			}
			fds[i].fd = r > 0 ? fds[i].fd : -1;
		}
	}
	return 0;
}

/* The answer ends with a line that write-out made: the status. */
static int take_status(struct buf *answer, size_t from, unsigned *ret_status)
{
	struct str text = str_skip(buf_str(answer), from);
	uint64_t status = 0;

	if (text.len < 4 || text.ptr[text.len - 4] != '\n' ||
	    num_parse_u64(str_skip(text, text.len - 3), 999, &status) < 0 || status < 100) {
		return -EIO;
	}
	answer->len -= 4;
	*ret_status = (unsigned)status;
	return 0;
}

static int finish(pid_t pid, int r, struct str said, struct errmsg *reterr)
{
	int status = 0;

	if (r < 0) {
		(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (r == -EMSGSIZE) {
		return err_set(reterr, r, "the answer is too large");
	}
	if (r < 0) {
		return err_set(reterr, r, "curl did not end in time");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		said = str_trim(said);
		return err_set(reterr, -EIO, "%.*s",
			       STR_ARG(said.len > 0 ? said : STR("curl failed")));
	}
	return 0;
}

static int talk(int in, struct buf *answer, unsigned *ret_status, struct errmsg *reterr)
{
	int out[2] = {-1, -1};
	int said[2] = {-1, -1};
	struct buf words;
	pid_t pid = -1;
	size_t from = answer->len;
	int r = 0;

	buf_init(&words, 16384);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(said, O_CLOEXEC) < 0) {
		r = err_set(reterr, -errno, "cannot make a pipe");
	}
	r = r < 0 ? r : start(in, out[1], said[1], &pid, reterr);
	fd_close(&out[1]);
	fd_close(&said[1]);
	if (r == 0) {
		r = read_both(out[0], said[0], answer, &words);
		r = finish(pid, r, str_head(buf_str(&words), SAID_MAX), reterr);
	}
	if (r == 0 && take_status(answer, from, ret_status) < 0) {
		r = err_set(reterr, -EIO, "curl gave no status");
	}
	fd_close(&out[0]);
	fd_close(&said[0]);
	buf_done(&words);
	return r;
}

int fetch_run(const struct fetch *f, struct buf *answer, unsigned *ret_status,
	      struct errmsg *reterr)
{
	int in = -1;
	int r = fetch_check(f->url, reterr);

	if (r == 0 && f->authorization != NULL) {
		for (const char *c = f->authorization; *c != '\0'; c++) {
			r = *c < ' ' || *c > '~' ? -EINVAL : r;
		}
		r = r < 0 ? err_set(reterr, r, "the token holds what no token holds") : 0;
	}
	r = r < 0 ? r : options_file(f, &in, reterr);
	r = r < 0 ? r : talk(in, answer, ret_status, reterr);
	fd_close(&in);
	return r;
}
