/**
 * The system call filter of every POD.
 *
 * An allow list, as container engines have: what is not named fails with ENOSYS, so that programs fall back as they would on an older kernel. Left out
 * are the calls that reach the host (modules, mounts, clock, keys, tracing of the kernel) and those whose state CRIU cannot carry: io_uring,
 * protection keys, clone3 (its flags are behind a pointer, where a filter cannot read them). docs/CRIU.md says which programs need which rule.
 */
const allowed = `
  accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chroot clock_adjtime clock_getres clock_gettime
  clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
  epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod
  fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex
  futex_requeue futex_wait futex_waitv futex_wake futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid
  geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
  getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
  io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
  landlock_restrict_self lchown lgetxattr link linkat listen listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lsm_get_self_attr
  lsm_list_modules lstat madvise map_shadow_stack mbind membarrier memfd_create migrate_pages mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
  mmap modify_ldt move_pages mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd
  msync munlock munlockall munmap nanosleep newfstatat open openat openat2 pause personality pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 poll
  ppoll pread64 preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2
  read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
  restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
  sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg
  sendto set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address setdomainname setfsgid setfsuid setgid setgroups
  sethostname setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl
  shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo
  tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill
  truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
`.trim().split(/\s+/);

const ENOSYS = 38;
const EPERM = 1;
const CLONE_NEWUSER = 0x10000000;
const PR_SET_CHILD_SUBREAPER = 36;
/**
 * unix, IPv4, IPv6, netlink, packet: the families that know network namespaces well. Others reach the machine below, or kernel code that few look after.
 */
const socketFamilies = [1, 2, 10, 16, 17];

/**
 * `linux.seccomp` of an OCI runtime configuration.
 *
 * One architecture, so that a call by way of another one (32-bit programs, `int 0x80`, x32) ends the program with SIGSYS. i386 has `socketcall`, whose arguments a
 * filter cannot read, and libseccomp would let it through for every family.
 */
export function seccompProfile(arch: string): object {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: [arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
    syscalls: [
      { names: allowed, action: 'SCMP_ACT_ALLOW' },
      ...socketFamilies.map((family) => ({ names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: family, op: 'SCMP_CMP_EQ' }] })),
      // Nested user namespaces cannot be dumped; browsers fall back to their other sandboxes.
      { names: ['clone', 'unshare'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args: [{ index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: 'SCMP_CMP_MASKED_EQ' }] },
      { names: ['clone', 'unshare'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: CLONE_NEWUSER, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
      // Succeeds without effect: orphans of a subreaper other than the POD's first process could not be restored.
      { names: ['prctl'], action: 'SCMP_ACT_ERRNO', errnoRet: 0, args: [{ index: 0, value: PR_SET_CHILD_SUBREAPER, op: 'SCMP_CMP_EQ' }] },
      { names: ['prctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: PR_SET_CHILD_SUBREAPER, op: 'SCMP_CMP_NE' }] },
    ],
  };
}
