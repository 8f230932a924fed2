/*
 * Lets CRIU read the resource limits of other users' processes where root lacks CAP_SYS_RESOURCE: /proc/PID/limits says the same. Preloaded into the peers' CRIU
 * on such machines only; a POD has a user namespace of its own, whose creator needs no such right.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static const char *names[] = {"Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set", "Max processes", "Max open files", "Max locked memory", "Max address space", "Max file locks", "Max pending signals", "Max msgqueue size", "Max nice priority", "Max realtime priority", "Max realtime timeout"};

static long limit_of(int pid, unsigned resource, struct rlimit64 *old) {
  char path[64], line[256], soft[32], hard[32];
  snprintf(path, sizeof path, "/proc/%d/limits", pid);
  FILE *file = fopen(path, "r");
  int found = 0;
  while (file && !found && fgets(line, sizeof line, file))
    found = !strncmp(line, names[resource], strlen(names[resource])) && sscanf(line + 26, "%31s %31s", soft, hard) == 2;
  if (file) fclose(file);
  errno = EPERM;
  if (!found) return -1;
  old->rlim_cur = *soft == 'u' ? RLIM64_INFINITY : strtoull(soft, NULL, 10);
  old->rlim_max = *hard == 'u' ? RLIM64_INFINITY : strtoull(hard, NULL, 10);
  return 0;
}

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  long result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result == 0 || errno != EPERM || number != SYS_prlimit64 || a[1] >= 16 || a[2] || !a[3]) return result;
  return limit_of((int)a[0], (unsigned)a[1], (struct rlimit64 *)a[3]);
}
