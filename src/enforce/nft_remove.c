/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_remove: the table and its owner, as seen from outside. Layer: enforce.
 */
#include "enforce/nft_remove.h"

#include "base/num.h"
#include "base/str.h"
#include "enforce/nft_table.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define PROC_NETLINK_MAX ((size_t)4 << 20)

static void on_table(void *ctx, const struct nl_reply *r)
{
	struct nft_found *t = ctx;

	if (!r->is_error && r->type == NFT_MSG_NEWTABLE) {
		t->found = true;
		t->owner = (uint32_t)nl_attr_uint(nl_attr_find(r->attrs, NFTA_TABLE_OWNER));
	}
}

static int exchange(bool change, struct nft_found *ret)
{
	struct nl_batch *b = nl_batch_new();
	struct nl_sock *s = NULL;
	int r = b == NULL ? -ENOMEM : nl_open(&s, NULL);

	if (r == 0) {
		nl_batch_begin(b, s, change);
		if (change) {
			nft_put_table_gone(b);
		} else {
			nl_msg(b, NFT_MSG_GETTABLE, 0);
			nl_put_cstr(b, NFTA_TABLE_NAME, NFT_TABLE);
		}
		r = nl_batch_end(b);
	}
	if (r == 0) {
		r = nl_exchange(s, b, change ? NULL : on_table, ret);
	}
	nl_close(s);
	nl_batch_free(b);
	return r == -ENOENT ? 0 : r;
}

int nft_remove_look(struct nft_found *ret, struct errmsg *reterr)
{
	*ret = (struct nft_found){0};
	int r = exchange(false, ret);
	return r < 0 ? err_set(reterr, r, "cannot look for table inet %s: %s", NFT_TABLE,
			       strerror(-r))
		     : 0;
}

int nft_remove(struct errmsg *reterr)
{
	int r = exchange(true, NULL);
	return r < 0 ? err_set(reterr, r, "cannot remove table inet %s: %s", NFT_TABLE,
			       strerror(-r))
		     : 0;
}

/* The next word of a line of columns. */
static struct str next_word(struct str *line)
{
	while (line->len > 0 && line->ptr[0] == ' ') {
		*line = str_skip(*line, 1);
	}
	return str_take_until(line, ' ');
}

/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
static uint64_t inode_of_port(struct str text, uint32_t port)
{
	while (text.len > 0) {
		struct str line = str_take_until(&text, '\n');
		uint64_t protocol = 0;
		uint64_t pid = 0;
		uint64_t inode = 0;
		(void)next_word(&line);
		if (num_parse_u64(next_word(&line), UINT32_MAX, &protocol) < 0 ||
		    num_parse_u64(next_word(&line), UINT32_MAX, &pid) < 0) {
			continue;
		}
		for (size_t i = 0; i < 6; i++) {
			(void)next_word(&line);
		}
		if (protocol == NETLINK_NETFILTER && pid == port &&
		    num_parse_u64(next_word(&line), UINT64_MAX, &inode) == 0) {
			return inode;
		}
	}
	return 0;
}

static bool has_socket(const char *pid, const char *want)
{
	char path[64];
	char link[64];
	bool found = false;
	struct dirent *e;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	DIR *fds = opendir(path);
	while (fds != NULL && !found && (e = readdir(fds)) != NULL) {
		ssize_t n = readlinkat(dirfd(fds), e->d_name, link, sizeof(link) - 1);
		if (n > 0) {
			link[n] = '\0';
			found = str_is_equal(str_of(link), str_of(want));
		}
	}
	if (fds != NULL) {
		closedir(fds);
	}
	return found;
}

pid_t nft_remove_find_owner(uint32_t port)
{
	struct buf text;
	char want[64];
	pid_t found = 0;
	struct dirent *e;

	buf_init(&text, PROC_NETLINK_MAX);
	uint64_t inode = file_read("/proc/net/netlink", &text, NULL) < 0
				 ? 0
				 : inode_of_port(buf_str(&text), port);
	buf_done(&text);
	DIR *proc = inode == 0 ? NULL : opendir("/proc");
	snprintf(want, sizeof(want), "socket:[%llu]", (unsigned long long)inode);
	while (proc != NULL && found == 0 && (e = readdir(proc)) != NULL) {
		uint64_t pid;
		if (num_parse_u64(str_of(e->d_name), INT32_MAX, &pid) == 0 &&
		    has_socket(e->d_name, want)) {
			found = (pid_t)pid;
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
	return found;
}
