/* A disk of our own between a process and the kernel (LD_PRELOAD).
 *
 * DISK_HOME    only what lies below it is looked at
 * DISK_LOG     every change below it is written here, in the order in which it took effect
 * DISK_TROUBLE a file that holds an errno: while it is there, every change below fails with it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *home, *trouble;
static int journal = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    home = getenv("DISK_HOME");
    trouble = getenv("DISK_TROUBLE");
    const char *log = getenv("DISK_LOG");
    if (log)
        journal = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static const char *below(const char *path) {
    size_t length = home ? strlen(home) : 0;
    if (!length || !path || strncmp(path, home, length)) return NULL;
    if (path[length] == 0) return "";
    return path[length] == '/' ? path + length + 1 : NULL;
}

static const char *named(int fd, char *room) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = syscall(SYS_readlinkat, AT_FDCWD, link, room, 4095);
    if (got <= 0) return NULL;
    room[got] = 0;
    return strstr(room, " (deleted)") ? NULL : below(room);
}

/* Index in shared memory: no disk ever sees it. */
static int is_memory(const char *name) {
    size_t length = strlen(name);
    return length > 4 && !strcmp(name + length - 4, "-shm");
}

static int refused(void) {
    if (!trouble) return 0;
    int fd = syscall(SYS_openat, AT_FDCWD, trouble, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    char text[16] = {0};
    ssize_t got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    errno = got > 0 ? atoi(text) : EIO;
    return 1;
}

static void note(char what, const char *name, const char *other, uint64_t at, const void *data,
                 uint32_t size) {
    if (journal < 0) return;
    uint32_t first = strlen(name), second = other ? strlen(other) : 0;
    char head[1 + 4 + 4 + 8 + 4];
    head[0] = what;
    memcpy(head + 1, &first, 4);
    memcpy(head + 5, &second, 4);
    memcpy(head + 9, &at, 8);
    memcpy(head + 17, &size, 4);
    syscall(SYS_write, journal, head, sizeof head);
    syscall(SYS_write, journal, name, first);
    if (second) syscall(SYS_write, journal, other, second);
    if (size) syscall(SYS_write, journal, data, size);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(const char *path, int flags, mode_t mode, const char *which) {
    const char *name = below(path);
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, which);
    if (!name || is_memory(name)) return real(path, flags, mode);
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
        if (refused()) return -1;
    pthread_mutex_lock(&turn);
    int is_new = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
    int fd = real(path, flags, mode);
    if (fd >= 0 && is_new) note('c', name, NULL, 0, NULL, 0);
    if (fd >= 0 && !is_new && (flags & O_TRUNC)) note('t', name, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return fd;
}

#define OPEN(symbol)                                   \
    int symbol(const char *path, int flags, ...) {     \
        va_list rest;                                  \
        va_start(rest, flags);                         \
        mode_t mode = va_arg(rest, mode_t);            \
        va_end(rest);                                  \
        return opened(path, flags, mode, #symbol);     \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol, plain)                                     \
    int symbol(int at, const char *path, int flags, ...) {        \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        mode_t mode = va_arg(rest, mode_t);                       \
        va_end(rest);                                             \
        if (below(path)) return opened(path, flags, mode, plain); \
        return REAL(symbol)(at, path, flags, mode);               \
    }
OPENAT(openat, "open")
OPENAT(openat64, "open64")

static ssize_t written(int fd, const void *data, size_t size, off_t at, int is_at) {
    char room[4096];
    const char *name = home ? named(fd, room) : NULL;
    if (!name || is_memory(name))
        return is_at ? syscall(SYS_pwrite64, fd, data, size, at) : syscall(SYS_write, fd, data, size);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    if (!is_at) {
        int is_append = fcntl(fd, F_GETFL) & O_APPEND;
        at = syscall(SYS_lseek, fd, 0, is_append ? SEEK_END : SEEK_CUR);
    }
    ssize_t done =
        is_at ? syscall(SYS_pwrite64, fd, data, size, at) : syscall(SYS_write, fd, data, size);
    if (done > 0) note('w', name, NULL, at, data, done);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return written(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return written(fd, data, size, at, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return written(fd, data, size, at, 1);
}

static int cut(int fd, off_t size) {
    char room[4096];
    const char *name = home ? named(fd, room) : NULL;
    if (!name || is_memory(name)) return syscall(SYS_ftruncate, fd, size);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_ftruncate, fd, size);
    if (!done) note('t', name, NULL, size, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

/* What is noted survives: the kernel need not really be waited for. */
static int synced(int fd, long call) {
    char room[4096];
    const char *name = home ? named(fd, room) : NULL;
    if (!name) return syscall(call, fd);
    if (refused()) return -1;
    pthread_mutex_lock(&turn);
    note('s', name, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return 0;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int moved(const char *from, const char *to, char what) {
    const char *one = below(from), *two = below(to);
    if (one && refused()) return -1;
    pthread_mutex_lock(&turn);
    int done = what == 'r' ? syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to)
                           : syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!done && one && two) note(what, one, two, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int rename(const char *from, const char *to) { return moved(from, to, 'r'); }
int link(const char *from, const char *to) { return moved(from, to, 'l'); }
int renameat(int a, const char *from, int b, const char *to) {
    if (below(from)) return moved(from, to, 'r');
    return REAL(renameat)(a, from, b, to);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
    if (below(from)) return moved(from, to, 'l');
    return REAL(linkat)(a, from, b, to, flags);
}

static int removed(const char *path) {
    const char *name = below(path);
    if (name && refused()) return -1;
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!done && name && !is_memory(name)) note('u', name, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int unlink(const char *path) { return removed(path); }
int unlinkat(int at, const char *path, int flags) {
    if (below(path) && !flags) return removed(path);
    return REAL(unlinkat)(at, path, flags);
}
int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    if (name && refused()) return -1;
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (!done && name) note('d', name, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int posix_fallocate(int fd, off_t at, off_t size) {
    char room[4096];
    if (home && named(fd, room) && refused()) return errno;
    return REAL(posix_fallocate)(fd, at, size);
}
