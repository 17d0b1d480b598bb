/* Lets User-Mode Linux run on processors whose state is larger than it knows.
 *
 * Its kernel (6.12) keeps 2696 bytes of a process' extended state and hands those back. The
 * host takes back nothing but the whole (x86 xstateregs_set: EFAULT), which AMX makes 11 KiB.
 * So what lies beyond is added here as the process has it: preloaded, in front of libc's
 * ptrace. "ptrace set fp regs failed, errno = 14" is what it says without.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

static char state[1 << 16];

long ptrace(enum __ptrace_request request, ...)
{
    static long (*next)(enum __ptrace_request, ...);
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);

    if (!next)
        next = dlsym(RTLD_NEXT, "ptrace");
    int get = request == PTRACE_GETREGSET, set = request == PTRACE_SETREGSET;
    if (!(get || set) || address != (void *)NT_X86_XSTATE)
        return next(request, pid, address, data);

    struct iovec *part = data, whole = {state, sizeof state};
    long failed = next(PTRACE_GETREGSET, pid, address, &whole);
    if (failed)
        return failed;
    if (part->iov_len > whole.iov_len)
        part->iov_len = whole.iov_len;
    if (get) {
        memcpy(part->iov_base, state, part->iov_len);
        return 0;
    }
    memcpy(state, part->iov_base, part->iov_len);
    return next(PTRACE_SETREGSET, pid, address, &whole);
}
