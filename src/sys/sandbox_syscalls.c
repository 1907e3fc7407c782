/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_syscalls: the seccomp allow-lists. Layer: sys.
 *
 * Each profile is the one before it and some more. What is not listed ends the process, which
 * the parent reports (SIGSYS) and starts again. Under a sanitizer the list is wider, because its
 * runtime makes calls of its own.
 */
#include "sys/sandbox.h"

#include "base/assert.h"

#include <errno.h>
#include <seccomp.h>

#include "base/poison.h"

static const int parser_calls[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
	/* descriptors that are there */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),
	SCMP_SYS(ioctl),
	SCMP_SYS(dup),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(bind),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	/* waiting and time */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	/* signals, self, end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
	SCMP_SYS(sched_yield),
	SCMP_SYS(futex),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(prlimit64),
	SCMP_SYS(uname),
};

static const int file_calls[] = {
	SCMP_SYS(open),       SCMP_SYS(openat),    SCMP_SYS(stat),       SCMP_SYS(lstat),
	SCMP_SYS(statx),      SCMP_SYS(access),    SCMP_SYS(faccessat),  SCMP_SYS(faccessat2),
	SCMP_SYS(rename),     SCMP_SYS(renameat),  SCMP_SYS(renameat2),  SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),   SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),    SCMP_SYS(rmdir),
	SCMP_SYS(fsync),      SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),  SCMP_SYS(fallocate),
	SCMP_SYS(fchmod),     SCMP_SYS(fchown),    SCMP_SYS(chmod),      SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),   SCMP_SYS(preadv),    SCMP_SYS(pwritev),    SCMP_SYS(flock),
	SCMP_SYS(getdents64), SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),    SCMP_SYS(getcwd),    SCMP_SYS(umask),      SCMP_SYS(sync_file_range),
	SCMP_SYS(utimensat),
};

static const int netlink_calls[] = {
	SCMP_SYS(socket),
	SCMP_SYS(connect),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(getpeername),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	/* a thread that syncs files */
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(eventfd2),
};

static const int server_calls[] = {
	SCMP_SYS(listen),       SCMP_SYS(accept),        SCMP_SYS(accept4),
	SCMP_SYS(socketpair),   SCMP_SYS(pipe),          SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),     SCMP_SYS(epoll_create1), SCMP_SYS(timerfd_create),
	SCMP_SYS(clone),        SCMP_SYS(clone3),        SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getppid),      SCMP_SYS(getgid),        SCMP_SYS(getegid),
	SCMP_SYS(sendfile),     SCMP_SYS(getgroups),     SCMP_SYS(prctl),
	SCMP_SYS(sigaltstack),  SCMP_SYS(lchown),        SCMP_SYS(chown),
	SCMP_SYS(memfd_create),
};

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
static const int sanitizer_calls[] = {
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(clone),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(getppid),
	SCMP_SYS(pipe2),
	SCMP_SYS(ptrace),
	SCMP_SYS(kill),
	SCMP_SYS(stat),
	SCMP_SYS(process_vm_readv),
};
#endif

struct call_list {
	const int *calls;
	size_t count;
};

static int allow(scmp_filter_ctx filter, struct call_list list)
{
	for (size_t i = 0; i < list.count; i++) {
		/* Calls that this architecture does not have are negative pseudo-numbers: skipped.
		 */
		if (list.calls[i] < 0) {
			continue;
		}
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list.calls[i], 0);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int sandbox_filter_syscalls(enum sandbox_profile profile)
{
	static const struct call_list lists[] = {
		[SANDBOX_PARSER] = {parser_calls, COUNT_OF(parser_calls)},
		[SANDBOX_FILES] = {file_calls, COUNT_OF(file_calls)},
		[SANDBOX_NETLINK] = {netlink_calls, COUNT_OF(netlink_calls)},
		[SANDBOX_SERVER] = {server_calls, COUNT_OF(server_calls)},
	};
	static_assert(COUNT_OF(lists) == SANDBOX_PROFILE_COUNT, "a list for every profile");
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i <= (size_t)profile && r == 0; i++) {
		r = allow(filter, lists[i]);
	}
#ifdef SANITIZED
	if (r == 0) {
		r = allow(filter, (struct call_list){sanitizer_calls, COUNT_OF(sanitizer_calls)});
	}
#endif
	if (r == 0) {
		r = seccomp_load(filter);
	}
	if (filter != NULL) {
		seccomp_release(filter);
	}
	return r;
}
