/* Stands before fsync and fdatasync: counts them, and makes each one slower by AFTERMAP_FSYNC_DELAY_US microseconds.
 * The count goes to the first 8 bytes of the file AFTERMAP_FSYNC_COUNT. Built and preloaded by the bench. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t *count;
static long delay_us;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("AFTERMAP_FSYNC_COUNT"), *delay = getenv("AFTERMAP_FSYNC_DELAY_US");
    delay_us = delay ? atol(delay) : 0;
    if (!path) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) count = page;
}

static void before(void) {
    if (count) __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (delay_us > 0) {
        struct timespec pause = {delay_us / 1000000, (delay_us % 1000000) * 1000};
        nanosleep(&pause, NULL);
    }
}

typedef int (*sync_call)(int);

int fsync(int file) {
    static sync_call real;
    if (!real) real = (sync_call)dlsym(RTLD_NEXT, "fsync");
    before();
    return real(file);
}

int fdatasync(int file) {
    static sync_call real;
    if (!real) real = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    before();
    return real(file);
}
