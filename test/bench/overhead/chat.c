/*
 * A chat server with 20 rooms of 20 people over loopback TCP, as VolanoMark has: each person says something to their room when all of the room's last sayings
 * have arrived, the server hands each to all 20. Prints messages delivered in a second, after two seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { rooms = 20, seats = 20, people = rooms * seats, size = 64, seconds = 2 };

static void must(int is_true, const char *what) {
  if (is_true) return;
  perror(what);
  exit(1);
}

static void transfer(int fd, char *bytes, int writes) {
  for (int done = 0; done < size;) {
    ssize_t count = writes ? write(fd, bytes + done, size - done) : read(fd, bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) exit(0); /* the other end has gone: the time is over */
    done += count;
  }
}

static int watch(int epoll, int fd, int number) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void serve(int listener) {
  static int fds[people];
  char bytes[size];
  int epoll = epoll_create1(0), one = 1;
  for (int i = 0; i < people; i++) {
    fds[i] = accept(listener, NULL, NULL);
    must(fds[i] >= 0 && watch(epoll, fds[i], i) == 0, "accept");
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int from = events[i].data.u32, room = from / seats * seats;
      transfer(fds[from], bytes, 0);
      for (int seat = 0; seat < seats; seat++) transfer(fds[room + seat], bytes, 1);
    }
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  signal(SIGPIPE, SIG_IGN);
  must(bind(listener, (void *)&address, length) == 0 && listen(listener, people) == 0 && getsockname(listener, (void *)&address, &length) == 0, "listen");
  pid_t server = fork();
  if (server == 0) serve(listener);
  static int fds[people], heard[people];
  char bytes[size] = "hello";
  int epoll = epoll_create1(0);
  for (int i = 0; i < people; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(fds[i], (void *)&address, sizeof address) == 0 && watch(epoll, fds[i], i) == 0, "connect");
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  for (int i = 0; i < people; i++) transfer(fds[i], bytes, 1);
  long delivered = 0;
  double started = now(), elapsed;
  while ((elapsed = now() - started) < seconds) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < count; i++) {
      int person = events[i].data.u32;
      transfer(fds[person], bytes, 0);
      delivered++;
      if (++heard[person] == seats) {
        heard[person] = 0;
        transfer(fds[person], bytes, 1);
      }
    }
  }
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  printf("chat %.0f\n", delivered / elapsed);
  return 0;
}
