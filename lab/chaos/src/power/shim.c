// Preloaded into a process, records every write to a SQLite file, its WAL and a history file, and when each was
// synchronised: from the record any loss of power can be played (replay.ts). Head of a record: struct head.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC_BEGUN = 3, SYNC_DONE = 4 };
enum { NONE = -1, UNKNOWN = 0, DATABASE = 1, WAL = 2, HISTORY = 3 };
enum { FILES = 4096 };

struct head {
  uint32_t type, file;
  uint64_t offset;
  uint32_t length, padding;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static const char *base;
static int8_t kinds[FILES];
static uint64_t syncs;

// What the process and we call by the same name; ours hides the C library's.
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
  const char *record = getenv("POWER_RECORD");
  base = getenv("POWER_DATABASE");
  if (record && base) out = syscall(SYS_openat, AT_FDCWD, record, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
}

static int kind_of(int file) {
  if (out < 0 || file < 0 || file >= FILES || file == out) return NONE;
  if (kinds[file] != UNKNOWN) return kinds[file];
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return NONE;
  path[length] = 0;
  size_t common = strlen(base);
  int8_t kind = NONE;
  if (strncmp(path, base, common) == 0) {
    if (path[common] == 0) kind = DATABASE;
    else if (strcmp(path + common, "-wal") == 0) kind = WAL;
    else if (strcmp(path + common, "-history") == 0) kind = HISTORY;
  }
  return kinds[file] = kind;
}

static void put(uint32_t type, int kind, uint64_t offset, const void *data, uint32_t length) {
  struct head head = {type, (uint32_t)kind, offset, length, 0};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, data ? length : 0}};
  syscall(SYS_writev, out, parts, 2);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
  static __typeof__(&pwrite64) real;
  if (!real) real = REAL(pwrite64);
  int kind = kind_of(file);
  if (kind < 0) return real(file, data, length, offset);
  pthread_mutex_lock(&lock);
  ssize_t written = real(file, data, length, offset);
  if (written > 0) put(WRITE, kind, offset, data, written);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
  return pwrite64(file, data, length, offset);
}

ssize_t write(int file, const void *data, size_t length) {
  static __typeof__(&write) real;
  if (!real) real = REAL(write);
  if (kind_of(file) != HISTORY) return real(file, data, length);
  pthread_mutex_lock(&lock);
  ssize_t written = real(file, data, length);
  if (written > 0) put(WRITE, HISTORY, 0, data, written);
  pthread_mutex_unlock(&lock);
  return written;
}

int ftruncate64(int file, off64_t length) {
  static __typeof__(&ftruncate64) real;
  if (!real) real = REAL(ftruncate64);
  int kind = kind_of(file);
  if (kind < 0) return real(file, length);
  pthread_mutex_lock(&lock);
  int result = real(file, length);
  put(TRUNCATE, kind, length, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

// The record says when a synchronisation began, because only what was written before is certain after it. It does not
// touch the disk: the time is about that of a fast one.
static int synchronise(int kind) {
  pthread_mutex_lock(&lock);
  uint64_t number = ++syncs;
  put(SYNC_BEGUN, kind, number, NULL, 0);
  pthread_mutex_unlock(&lock);
  usleep(300);
  pthread_mutex_lock(&lock);
  put(SYNC_DONE, kind, number, NULL, 0);
  pthread_mutex_unlock(&lock);
  return 0;
}

int fdatasync(int file) {
  static __typeof__(&fdatasync) real;
  if (!real) real = REAL(fdatasync);
  int kind = kind_of(file);
  return kind < 0 ? real(file) : synchronise(kind);
}

int fsync(int file) {
  static __typeof__(&fsync) real;
  if (!real) real = REAL(fsync);
  int kind = kind_of(file);
  return kind < 0 ? real(file) : synchronise(kind);
}

int close(int file) {
  static __typeof__(&close) real;
  if (!real) real = REAL(close);
  if (file >= 0 && file < FILES) kinds[file] = UNKNOWN;
  return real(file);
}
