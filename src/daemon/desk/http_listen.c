/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_listen: the two listening sockets. Layer: daemon.
 */
#include "daemon/desk/http.h"

#include "base/num.h"
#include "sys/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/poison.h"

#define BACKLOG 128

static int listen_at(const struct sockaddr *sa, socklen_t len, int *ret)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0) {
		return -errno;
	}
	/* A restart must not wait for the old connections' end. */
	if ((sa->sa_family != AF_UNIX &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    bind(fd, sa, len) < 0 || listen(fd, BACKLOG) < 0) {
		int r = -errno;
		fd_close(&fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static int listen_tcp(const char *where, int *ret, struct errmsg *reterr)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const struct sockaddr *sa = (const struct sockaddr *)&v4;
	socklen_t len = sizeof(v4);
	struct str host = str_of(where);
	struct addr a;
	uint64_t port;
	size_t colon = host.len;

	while (colon > 0 && host.ptr[colon - 1] != ':') {
		colon--;
	}
	struct str port_text = str_skip(host, colon);
	host = str_head(host, colon > 0 ? colon - 1 : 0);
	if (host.len > 2 && host.ptr[0] == '[') {
		host = (struct str){host.ptr + 1, host.len - 2};
	}
	if (addr_parse(host, &a) < 0 || num_parse_u64(port_text, 65535, &port) < 0) {
		return err_set(reterr, -EINVAL, "listen.api: '%s' is not address:port", where);
	}
	if (a.family == 6) {
		memcpy(&v6.sin6_addr, a.octets, 16);
		v6.sin6_port = htons((uint16_t)port);
		sa = (const struct sockaddr *)&v6;
		len = sizeof(v6);
	} else {
		memcpy(&v4.sin_addr, a.octets, 4);
		v4.sin_port = htons((uint16_t)port);
	}
	int r = listen_at(sa, len, ret);
	if (r == -EADDRINUSE) {
		return err_set(reterr, r,
			       "%s is in use by another program: end it, or set listen.api to "
			       "another port",
			       where);
	}
	return r < 0 ? err_set(reterr, r, "cannot listen on %s: %s", where, strerror(-r)) : 0;
}

/* Is somebody there, or is it what a dead process left? */
static bool is_answered(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered = fd >= 0 && (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ||
				    errno == EAGAIN);

	fd_close(&fd);
	return answered;
}

static int listen_local(const char *path, struct http_sockets *ret, struct errmsg *reterr)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;

	if (!str_copy(sa.sun_path, sizeof(sa.sun_path), str_of(path))) {
		return err_set(reterr, -ENAMETOOLONG, "listen.socket: %s is too long", path);
	}
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode)) {
			return err_set(reterr, -EEXIST, "%s is there and no socket", path);
		}
		if (is_answered(&sa)) {
			return err_set(reterr, -EADDRINUSE, "%s is in use by another program",
				       path);
		}
		unlink(path);
	}
	mode_t before = umask(0177);
	int r = listen_at((const struct sockaddr *)&sa, sizeof(sa), &ret->local);
	umask(before);
	if (r < 0) {
		return err_set(reterr, r, "cannot listen on %s: %s", path, strerror(-r));
	}
	/* Without the group it is for root alone. */
	const struct group *g = getgrnam("postern");
	if (g != NULL && (chown(path, (uid_t)-1, g->gr_gid) < 0 || chmod(path, 0660) < 0)) {
		return err_set(reterr, -errno, "cannot give %s to the group postern: %s", path,
			       strerror(errno));
	}
	ret->has_group = g != NULL;
	ret->group = g != NULL ? g->gr_gid : 0;
	return 0;
}

int http_listen(const struct policy *p, struct http_sockets *ret, struct errmsg *reterr)
{
	struct http_sockets s = {.tcp = -1, .local = -1};
	int r = 0;

	if (p->listen_api != NULL) {
		r = listen_tcp(p->listen_api, &s.tcp, reterr);
	}
	if (r == 0) {
		r = listen_local(p->listen_socket, &s, reterr);
	}
	if (r < 0) {
		http_sockets_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void http_sockets_close(struct http_sockets *s)
{
	fd_close(&s->tcp);
	fd_close(&s->local);
}
