/* bwrap-oci-init: the last mile inside the sandbox.
 *
 * bubblewrap starts this program as pid 1 of the new namespaces with all capabilities
 * over them, in a root that holds nothing but what was staged. It carries out its
 * instructions in order, says "ready", waits for the start, takes on the restrictions
 * and becomes the user's program. Until that last execve nothing of the image runs.
 * Any failure is reported and ends it: it never goes on with less than was asked. */
#include "init.h"

#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

#define PAGE 4096u

typedef void operation (struct init *init, const struct op *op);

static operation *const operations[OP_CODE_N] = {
#define OPERATION(code, function, name, n_numbers, n_strings) [OP_##code] = do_##function,
  OPERATIONS (OPERATION)
#undef OPERATION
};

static void
copy_text (char *to, size_t size, const char *from)
{
  size_t length = strlen (from);

  if (length >= size)
    length = size - 1;
  memcpy (to, from, length);
  to[length] = '\0';
}

static void
send_report (int socket, const struct report *message, int fd)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  struct iovec vector = { .iov_base = (void *) message, .iov_len = sizeof *message };
  struct msghdr msg = { .msg_iov = &vector, .msg_iovlen = 1 };
  ssize_t n;

  if (fd >= 0)
    {
      msg.msg_control = &control;
      msg.msg_controllen = sizeof control.space;
      control.header.cmsg_level = SOL_SOCKET;
      control.header.cmsg_type = SCM_RIGHTS;
      control.header.cmsg_len = CMSG_LEN (sizeof (int));
      memcpy (CMSG_DATA (&control.header), &fd, sizeof fd);
    }
  do
    n = sendmsg (socket, &msg, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  /* who waits for it would wait for ever; nobody left to hear it is the next step's business */
  if (n < 0 && errno != EPIPE)
    sys_exit (1);
}

void
report (struct init *init, enum report_kind kind, int fd)
{
  struct report message = { .kind = kind };

  send_report (init->control, &message, fd);
}

void
report_busy (struct init *init, const char *step, const char *detail)
{
  struct report message = { .kind = REPORT_BUSY };

  copy_text (message.step, sizeof message.step, step);
  copy_text (message.detail, sizeof message.detail, detail);
  send_report (init->control, &message, -1);
}

_Noreturn void
fail (struct init *init, const char *step, const char *detail)
{
  struct report message = { .kind = REPORT_FAILED, .error = errno };

  if (init->current != NULL)
    {
      message.row = init->current->header->row;
      message.code = init->current->header->code;
    }
  copy_text (message.step, sizeof message.step, step);
  copy_text (message.detail, sizeof message.detail, detail);
  send_report (init->control, &message, -1);
  sys_exit (1);
}

const char *
keep (struct init *init, const char *text)
{
  size_t size = strlen (text) + 1;
  char *copy;

  if (size > init->kept_left)
    {
      size_t room = size > PAGE ? size : PAGE;

      copy = mmap (NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (copy == MAP_FAILED)
        fail (init, "mmap", "");
      init->kept = copy;
      init->kept_left = room;
    }
  copy = memcpy (init->kept, text, size);
  init->kept += size;
  init->kept_left -= size;
  return copy;
}

/* Closes those of the preserved descriptors that the caller did not have: till here our end of the
 * control socket stands for them, so that nobody opens anything else under their numbers. */
static void
close_absent (struct init *init)
{
  struct stat own, st;

  if (fstat (init->first_fd + INIT_FD_CONTROL, &own) < 0)
    fail (init, "fstat", "control socket");
  for (int fd = STDERR_FILENO + 1; fd < init->first_fd; fd++)
    if (fstat (fd, &st) == 0 && st.st_dev == own.st_dev && st.st_ino == own.st_ino)
      (void) close (fd);
}

/* Keeps what is inherited to our own descriptors and the preserved ones below them:
 * bwrap passes on every descriptor that is not close-on-exec. */
static void
own_descriptors (struct init *init)
{
  if (sys_close_range ((unsigned int) (init->first_fd + INIT_FD_N), ~0u) < 0)
    fail (init, "close_range", "");
  if (dup2 (init->first_fd + INIT_FD_STDERR, STDERR_FILENO) < 0)
    fail (init, "dup2", "standard error");
  (void) close (init->first_fd + INIT_FD_STDERR);
  if (dup2 (init->first_fd + INIT_FD_STDOUT, STDOUT_FILENO) < 0 && errno != EBADF)
    fail (init, "dup2", "standard output");
  (void) close (init->first_fd + INIT_FD_STDOUT);
  close_absent (init);
  for (int fd = init->first_fd; fd < init->first_fd + INIT_FD_STDERR; fd++)
    if (fcntl (fd, F_SETFD, FD_CLOEXEC) < 0 && (fd < init->gate || errno != EBADF))
      fail (init, "fcntl", "own descriptors");
}

/* The instructions, mapped; the descriptor is closed. */
static void
map_instructions (struct init *init, struct stream *stream)
{
  int fd = init->first_fd + INIT_FD_OPS;
  struct stat st;
  void *block;

  if (fstat (fd, &st) < 0)
    fail (init, "fstat", "instructions");
  block = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (block == MAP_FAILED)
    fail (init, "mmap", "instructions");
  (void) close (fd);
  init->instructions = block;
  init->instructions_size = (size_t) st.st_size;
  if (!stream_open (stream, block, (size_t) st.st_size))
    {
      errno = 0;
      fail (init, "these are not my instructions", "");
    }
}

/* Keeps what bwrap has built until somebody has joined it: until the runtime kills us, or
 * is gone itself. */
static _Noreturn void
hold (struct init *init)
{
  char byte;

  report (init, REPORT_HELD, -1);
  while (recv (init->control, &byte, sizeof byte, 0) < 0 && errno == EINTR)
    ;
  sys_exit (0);
}

/* Goes on as a child, which is the first that those in the pid namespace see of an exec: there is
 * nothing in it that is not theirs, no descriptor, memory or program of the runtime
 * (CVE-2016-9962, CVE-2019-5736). It waits until the runtime knows its number. */
void
do_inside (struct init *init, const struct op *op)
{
  struct report message = { .kind = REPORT_INSIDE };
  int ends[2];
  pid_t pid;
  char byte;

  (void) op;
  (void) close (init->first_fd + INIT_FD_PROC);
  if (pipe2 (ends, O_CLOEXEC) < 0)
    fail (init, "pipe", "");
  pid = fork ();
  if (pid < 0)
    fail (init, "fork", "");
  if (pid > 0)
    {
      message.row = (uint32_t) pid;
      send_report (init->control, &message, -1);
      sys_exit (0);
    }
  (void) close (ends[1]);
  while (read (ends[0], &byte, 1) < 0 && errno == EINTR)
    ;
  (void) close (ends[0]);
}

/* The number of a descriptor in decimal digits; -1: @text is none. */
static int
read_descriptor (const char *text)
{
  int number = 0;

  for (; *text >= '0' && *text <= '9' && number <= INT_MAX / 10 - 1; text++)
    number = 10 * number + (*text - '0');
  return *text == '\0' ? number : -1;
}

int
main (int argc, char **argv)
{
  struct init init = { .root = -1, .console = -1, .mask = -1, .notify = -1 };
  struct stream stream;
  struct op op;
  int more;

  init.first_fd = argc >= 2 && argc <= 3 ? read_descriptor (argv[1]) : 0;
  if (init.first_fd < 3)
    return 1;
  init.control = init.first_fd + INIT_FD_CONTROL;
  init.gate = init.first_fd + INIT_FD_GATE;

  own_descriptors (&init);
  if (argc == 3 && strcmp (argv[2], "hold") == 0)
    hold (&init);
  (void) umask (0);
  map_instructions (&init, &stream);
  while ((more = stream_next (&stream, &op)) > 0)
    {
      init.current = &op;
      operations[op.header->code](&init, &op);
    }
  errno = 0;
  fail (&init, more < 0 ? "malformed instruction" : "no program to run", "");
}
