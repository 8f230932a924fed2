/*
 * What single system calls cost: nanoseconds for each round, one line each. Linked statically, so that inside and outside it is the same program to the byte.
 *
 * Each is repeated until it has taken a tenth of a second. `micro filtered` does so under a filter that lets every call pass, which is what any filter costs at
 * least; `micro exit` is what fork+exec starts.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;

static void must(int is_true, const char *what) {
  if (is_true) return;
  perror(what);
  exit(1);
}

static void get_pid(void) { syscall(SYS_getpid); }

static void shared_memory(void) {
  int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  must(id >= 0 && shmctl(id, IPC_RMID, NULL) == 0, "shm");
}

static void semaphore(void) {
  int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  must(id >= 0 && semctl(id, 0, IPC_RMID) == 0, "sem");
}

static void child(char *const argv[]) {
  int status;
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    if (argv) execv(argv[0], argv);
    _exit(argv ? 127 : 0);
  }
  must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "child");
}

static void fork_exit(void) { child(NULL); }
static void fork_exec(void) { child((char *[]){(char *)self, "exit", NULL}); }
static void fork_sh(void) { child((char *[]){"/bin/sh", "-c", ":", NULL}); }

static const struct { const char *name; void (*act)(void); int batch; } measures[] = {
  {"getpid", get_pid, 10000}, {"shmget+shmctl", shared_memory, 100}, {"semget+semctl", semaphore, 100},
  {"fork+exit", fork_exit, 10}, {"fork+exec", fork_exec, 5}, {"fork+sh", fork_sh, 5},
};

static void filter_nothing(void) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = 1, .filter = &allow};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 1 && !strcmp(argv[1], "exit")) return 0;
  if (argc > 1 && !strcmp(argv[1], "filtered")) filter_nothing();
  for (size_t index = 0; index < sizeof measures / sizeof *measures; index++) {
    double started, elapsed;
    long rounds = 0;
    for (int i = 0; i < measures[index].batch; i++) measures[index].act();
    started = now();
    do {
      for (int i = 0; i < measures[index].batch; i++) measures[index].act();
      rounds += measures[index].batch;
      elapsed = now() - started;
    } while (elapsed < 1e8);
    printf("%s %.1f\n", measures[index].name, elapsed / rounds);
  }
  return 0;
}
