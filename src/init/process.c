/* From the finished root to the program: terminal, lookup, start gate, restrictions.
 *
 * The order at the end is the kernel's: ids while the capabilities still allow it, then
 * the capability sets, no_new_privs, and the filter last, so that it need not allow
 * anything but the program. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define DEVPTS_MAGIC 0x1cd1
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* The multiplexer of the container's own devpts, open for use. What the image has in its
 * place may be anything: it is opened without following links or waiting, and used only if
 * it is on a devpts, where nothing else can be. No procfs is needed, which would be the
 * container's where exec comes in. */
static int
open_multiplexer (struct init *init)
{
  struct open_how how = {
    .flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
  };
  int root = init->root >= 0 ? init->root : AT_FDCWD;
  struct statfs fs;
  int master;

  do
    master = sys_openat2 (root, "/dev/pts/ptmx", &how);
  while (master < 0 && (errno == EAGAIN || errno == EINTR));
  if (master < 0)
    fail (init, "open", "/dev/pts/ptmx");
  if (fstatfs (master, &fs) < 0 || fcntl (master, F_SETFL, O_RDWR) < 0)
    fail (init, "fstatfs", "/dev/pts/ptmx");
  if (fs.f_type != DEVPTS_MAGIC)
    {
      errno = 0;
      fail (init, "a terminal needs a devpts mount at /dev/pts", "");
    }
  return master;
}

/* The container's /dev/console is its terminal. */
static void
bind_console (struct init *init, int slave)
{
  int mount = sys_open_tree (slave, "",
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

  if (mount < 0)
    fail (init, "open_tree", "/dev/console");
  place (init, mount, "/dev/console", 0);
  (void) close (mount);
}

void
do_console (struct init *init, const struct op *op)
{
  struct winsize size = {
    .ws_row = (unsigned short) op->numbers[CONSOLE_ROWS],
    .ws_col = (unsigned short) op->numbers[CONSOLE_COLUMNS],
  };
  int master = open_multiplexer (init), unlock = 0, slave;

  if (ioctl (master, TIOCSPTLCK, &unlock) < 0)
    fail (init, "TIOCSPTLCK", "/dev/pts/ptmx");
  /* not by name: the peer of this very master (ioctl_tty(2)) */
  slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    fail (init, "TIOCGPTPEER", "/dev/pts/ptmx");
  if (size.ws_row != 0 && ioctl (master, TIOCSWINSZ, &size) < 0)
    fail (init, "TIOCSWINSZ", "/dev/pts/ptmx");
  if (fchown (slave, (uid_t) op->numbers[CONSOLE_UID], (gid_t) -1) < 0)
    fail (init, "chown", "terminal");

  if (op->header->flags & OP_FLAG_BIND_CONSOLE)
    bind_console (init, slave);
  if (ioctl (slave, TIOCSCTTY, 0) < 0)
    fail (init, "TIOCSCTTY", "terminal");
  for (int fd = 0; fd <= 2; fd++)
    if (dup2 (slave, fd) < 0)
      fail (init, "dup2", "terminal");
  (void) close (slave);
  report (init, REPORT_CONSOLE, master);
  (void) close (master);
}

void
do_groups (struct init *init, const struct op *op)
{
  gid_t groups[op->header->n_numbers + 1];

  for (unsigned int i = 0; i < op->header->n_numbers; i++)
    groups[i] = (gid_t) op->numbers[i];
  /* where setgroups is denied (user_namespaces(7)) there are none to drop */
  if (syscall (SYS_setgroups, (size_t) op->header->n_numbers, groups) < 0
      && (op->header->n_numbers > 0 || errno != EPERM))
    fail (init, "setgroups", "");
}

static int
get_capabilities (struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

  return (int) syscall (SYS_capget, &header, data);
}

static int
set_capabilities (const struct __user_cap_data_struct data[2])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

  return (int) syscall (SYS_capset, &header, data);
}

/* The effective set := @effective as far as it is permitted. */
static void
set_effective (struct init *init, uint64_t effective)
{
  struct __user_cap_data_struct data[2];

  if (get_capabilities (data) < 0)
    fail (init, "capget", "");
  data[0].effective = data[0].permitted & (uint32_t) effective;
  data[1].effective = data[1].permitted & (uint32_t) (effective >> 32);
  if (set_capabilities (data) < 0)
    fail (init, "capset", "");
}

/* File access as the program will have it (setfsuid(2)), or as root again. Raw calls:
 * the wrappers of other libraries cannot report failure either. */
static void
borrow_ids (struct init *init, const struct op *op)
{
  (void) syscall (SYS_setfsgid, (gid_t) op->numbers[PROGRAM_GID]);
  (void) syscall (SYS_setfsuid, (uid_t) op->numbers[PROGRAM_UID]);
  set_effective (init, op->numbers[PROGRAM_EFFECTIVE]);
}

static void
return_ids (struct init *init)
{
  set_effective (init, UINT64_MAX);
  (void) syscall (SYS_setfsuid, geteuid ());
  (void) syscall (SYS_setfsgid, getegid ());
}

static int
make_directories (const char *path)
{
  char head[PATH_MAX];
  size_t length = strlen (path);

  if (length >= sizeof head)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  for (size_t i = 1; i <= length; i++)
    if (path[i] == '/' || path[i] == '\0')
      {
        memcpy (head, path, i);
        head[i] = '\0';
        if (mkdir (head, 0755) < 0 && errno != EEXIST)
          return -1;
      }
  return 0;
}

/* Enters the working directory with the program's ids, or as root where those may not:
 * so do the peers. It may be missing, but for exec; it is hostile and must be below the root: what
 * getcwd(2) calls unreachable is a descriptor somebody leaked (CVE-2024-21626). */
static void
enter_directory (struct init *init, const struct op *op, const char *path)
{
  char seen[PATH_MAX];
  int result = chdir (path);

  if (result < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM))
    {
      bool missing = errno == ENOENT && !(op->header->flags & OP_FLAG_THERE);

      return_ids (init);
      if (missing && make_directories (path) < 0)
        fail (init, "mkdir", path);
      result = chdir (path);
      borrow_ids (init, op);
    }
  if (result < 0)
    fail (init, "chdir", path);
  if (syscall (SYS_getcwd, seen, sizeof seen) < 0)
    fail (init, "getcwd", path);
  if (seen[0] != '/')
    {
      errno = 0;
      fail (init, "the working directory is outside the root file system", path);
    }
}

/* While the root may still be written to. Who enters the directory says if it is still missing. */
void
do_directory (struct init *init, const struct op *op)
{
  int fd = walk_make (init->root, op_string (op, 0), OP_FLAG_DIRECTORY, NULL);

  if (fd >= 0)
    (void) close (fd);
}

void
do_cwd (struct init *init, const struct op *op)
{
  /* no directory of ours is open when the working directory is entered */
  if (init->root >= 0)
    (void) close (init->root);
  if (init->mask >= 0)
    (void) close (init->mask);
  init->root = init->mask = -1;

  borrow_ids (init, op);
  enter_directory (init, op, op_string (op, 0));
  return_ids (init);
}

/* Whether @path is a file that may be executed; errno says why not. */
static bool
executable (const char *path)
{
  struct stat st;

  if (stat (path, &st) < 0)
    return false;
  if (!S_ISREG (st.st_mode))
    {
      errno = EACCES;
      return false;
    }
  return syscall (SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* Finds args[0] as execvp(3) would, with the PATH of the program's environment. */
static void
find_program (struct init *init, const char *name, const char *search)
{
  char path[PATH_MAX];

  if (strchr (name, '/') != NULL)
    {
      init->program = name;
      if (!executable (name))
        fail (init, errno == EACCES ? "" : "stat", name);
      return;
    }
  while (*search != '\0' && *name != '\0')
    {
      size_t part = strcspn (search, ":");
      int length = snprintf (path, sizeof path, "%.*s%s%s", (int) part, search,
                             part > 0 ? "/" : "./", name);

      if (length < (int) sizeof path && executable (path))
        {
          init->program = keep (init, path);
          return;
        }
      search += part + (search[part] == ':');
    }
  errno = 0;
  fail (init, "executable file not found in $PATH", name);
}

/* A pipe for standard input or output belongs to who made it: give it to the user, so
 * that /dev/stdout can be opened again. Files of the caller keep their owner. */
static void
give_pipes (const struct op *op)
{
  for (int fd = 0; fd <= 2 && op->numbers[PROGRAM_UID] != 0; fd++)
    {
      struct stat st;

      if (fstat (fd, &st) == 0 && S_ISFIFO (st.st_mode))
        (void) fchown (fd, (uid_t) op->numbers[PROGRAM_UID], (gid_t) -1);
    }
}

void
do_program (struct init *init, const struct op *op)
{
  borrow_ids (init, op);
  find_program (init, op_string (op, 0), op_string (op, 1));
  return_ids (init);
  give_pipes (op);
}

uint32_t
receive (int socket)
{
  uint32_t command = 0;
  ssize_t n;

  do
    n = recv (socket, &command, sizeof command, 0);
  while (n < 0 && errno == EINTR);
  return n == sizeof command ? command : 0;
}

/* Gives back what the set-up has used of the stack, below this function with its small frame, and
 * the instructions: what is still to be done of them is read again. A created container may wait
 * for long. A hint, no more (madvise(2)). */
__attribute__ ((noinline)) static void
release_memory (const struct init *init)
{
  const uintptr_t page = 4096, depth = 64 * page, own = 512;
  uintptr_t below = ((uintptr_t) __builtin_frame_address (0) - own) & ~(page - 1);

  (void) madvise ((void *) (below - depth), depth, MADV_DONTNEED);
  (void) madvise ((void *) init->instructions, init->instructions_size, MADV_DONTNEED);
}

static void
end_by_signal (int signal)
{
  sys_exit (128 + signal);
}

/* The kernel lets the first process of a pid namespace end by no signal but those that it handles
 * (pid_namespaces(7)); what waits is to end by all that would end a program. The exec forgets
 * it. */
static void
heed_signals (void)
{
  static const int others[] = { SIGKILL, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
                                SIGURG, SIGWINCH };
  const struct sigaction action = { .sa_handler = end_by_signal };

  for (int signal = 1; signal <= SIGRTMAX; signal++)
    {
      size_t i = 0;

      while (i < sizeof others / sizeof others[0] && others[i] != signal)
        i++;
      if (i == sizeof others / sizeof others[0])
        (void) sigaction (signal, &action, NULL);
    }
}

/* Waits until somebody connects and says "start"; that connection then carries the
 * answer. A connection that ends without a word is forgotten. */
static void
wait_at_gate (struct init *init)
{
  for (;;)
    {
      /* cppcheck-suppress nullPointer ; nobody asks for the address of who connects */
      int connection = accept4 (init->gate, NULL, NULL, SOCK_CLOEXEC);

      if (connection < 0 && errno != EINTR && errno != ECONNABORTED)
        sys_exit (1);
      if (connection >= 0 && receive (connection) == COMMAND_START)
        {
          init->control = connection;
          return;
        }
      if (connection >= 0)
        (void) close (connection);
    }
}

static bool
is_null (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == makedev (1, 3);
}

/* Standard streams that are /dev/null become the container's own, as with the peers: callers may
 * have opened theirs for reading alone, and it is a file of the host. Without one they stay. */
static void
own_null (void)
{
  int null = -1;

  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    {
      if (!is_null (fd))
        continue;
      if (null < 0)
        null = open ("/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
      if (!is_null (null))
        break;
      (void) dup2 (null, fd);
    }
  if (null >= 0)
    (void) close (null);
}

void
do_ready (struct init *init, const struct op *op)
{
  uint32_t command;

  own_null ();
  /* by this the runtime tells the end of the connection at our death from that at the exec */
  (void) prctl (PR_SET_NAME, INIT_NAME, 0, 0, 0);
  report (init, REPORT_READY, -1);
  command = receive (init->control);
  if (command == COMMAND_COMMIT && (op->header->flags & OP_FLAG_GATE))
    {
      (void) close (init->control);
      if (getpid () == 1)
        heed_signals ();
      release_memory (init);
      wait_at_gate (init);
    }
  else if (command != COMMAND_START)
    sys_exit (1);  /* the runtime died before the container was on record */
  if (init->notify >= 0)
    report (init, REPORT_NOTIFY, init->notify);
  (void) close (init->notify);
  (void) close (init->gate);
}

void
do_ids (struct init *init, const struct op *op)
{
  uid_t uid = (uid_t) op->numbers[0];
  gid_t gid = (gid_t) op->numbers[1];

  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    fail (init, "PR_SET_KEEPCAPS", "");
  if (syscall (SYS_setresgid, gid, gid, gid) < 0)
    fail (init, "setresgid", "");
  if (syscall (SYS_setresuid, uid, uid, uid) < 0)
    fail (init, "setresuid", "");
  if (prctl (PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
    fail (init, "PR_SET_KEEPCAPS", "");
  set_effective (init, UINT64_MAX);
  (void) umask ((mode_t) op->numbers[2]);
}

void
do_capabilities (struct init *init, const struct op *op)
{
  const uint64_t *n = op->numbers;
  struct __user_cap_data_struct data[2];
  uint64_t permitted, inheritable;

  for (unsigned int cap = 0; cap < 64; cap++)
    if (!(n[CAPABILITY_BOUNDING] >> cap & 1) && prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
      {
        /* who may drop none may have none left */
        if (errno == EPERM && prctl (PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
          continue;
        if (errno != EINVAL || cap == 0)
          fail (init, "PR_CAPBSET_DROP", "");
        break;  /* behind the kernel's last one */
      }
  if (get_capabilities (data) < 0)
    fail (init, "capget", "");

  /* what we do not have cannot be given (on a host that restricts even its root) */
  permitted = (data[0].permitted | (uint64_t) data[1].permitted << 32) & n[CAPABILITY_PERMITTED];
  inheritable = (data[0].inheritable | (uint64_t) data[1].inheritable << 32
                 | data[0].permitted | (uint64_t) data[1].permitted << 32)
                & n[CAPABILITY_INHERITABLE];
  for (int half = 0; half < 2; half++)
    {
      data[half].permitted = (uint32_t) (permitted >> (32 * half));
      data[half].effective = (uint32_t) ((permitted & n[CAPABILITY_EFFECTIVE]) >> (32 * half));
      data[half].inheritable = (uint32_t) (inheritable >> (32 * half));
    }
  if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    fail (init, "PR_CAP_AMBIENT_CLEAR_ALL", "");
  if (set_capabilities (data) < 0)
    fail (init, "capset", "");
  for (unsigned int cap = 0; cap < 64; cap++)
    if ((n[CAPABILITY_AMBIENT] & permitted & inheritable) >> cap & 1
        && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      fail (init, "PR_CAP_AMBIENT_RAISE", "");
}

void
do_no_new_privs (struct init *init, const struct op *op)
{
  (void) op;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    fail (init, "PR_SET_NO_NEW_PRIVS", "");
}

void
do_seccomp (struct init *init, const struct op *op)
{
  struct sock_fprog program = {
    .len = (unsigned short) (op->header->data_size / sizeof (struct sock_filter)),
    .filter = (struct sock_filter *) op->data,
  };
  long result = syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->numbers[0], &program);

  if (result < 0)
    fail (init, "seccomp", "");
  if (op->numbers[0] & SECCOMP_FILTER_FLAG_NEW_LISTENER)
    {
      report (init, REPORT_LISTENER, (int) result);
      (void) close ((int) result);
    }
}

/* An array of the op's strings, with its NULL and room for one more. */
static char **
string_array (struct init *init, const struct op *op)
{
  size_t size = (op->header->n_strings + 2ul) * sizeof (char *);
  char **array = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const char *next = op->strings;

  if (array == MAP_FAILED)
    fail (init, "mmap", "");
  for (unsigned int i = 0; i < op->header->n_strings; i++)
    {
      array[i] = (char *) next;
      next += strlen (next) + 1;
    }
  return array;
}

void
do_arguments (struct init *init, const struct op *op)
{
  init->arguments = string_array (init, op);
}

void
do_environment (struct init *init, const struct op *op)
{
  init->environment = string_array (init, op);
  if (init->home != NULL)
    init->environment[op->header->n_strings] = (char *) init->home;
}

void
do_exec (struct init *init, const struct op *op)
{
  (void) op;
  /* every descriptor of ours is close-on-exec: the other side of the control socket
   * sees its end, and knows by that that the program runs */
  (void) execve (init->program, init->arguments, init->environment);
  fail (init, "exec", init->program);
}
