/* An init that is none, in place of bwrap-oci-init in a copy of the programs: it behaves up to some
 * point, and then says what no init says.
 *
 * Nothing of the caller reaches it but its instructions, so the word is among those: one of
 * "pretend:PHASE:WHAT", as an argument of the program. PHASE: hold (in place of what is joined),
 * inside (before it has forked into the container), ready (in place of being ready), gate (once it
 * has been told to start). WHAT is a row of the table below, no-OPERATION, or a number for
 * REPORT_INSIDE. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/ops.h"

#define GIB (1ul << 30)
#define LONG_SIZE 100000
#define FDS_MAX 32

static int control;

static _Noreturn void
wait_for_ever (void)
{
  for (;;)
    (void) pause ();
}

static int
say_bytes (const void *data, size_t size)
{
  return send (control, data, size, MSG_NOSIGNAL) >= 0;
}

static int
say (enum report_kind kind)
{
  struct report report = { .kind = kind };

  return say_bytes (&report, sizeof report);
}

/* With so many descriptors. */
static int
say_with (enum report_kind kind, unsigned int count)
{
  static union {
    struct cmsghdr header;
    char space[CMSG_SPACE (FDS_MAX * sizeof (int))];
  } rights;
  struct report report = { .kind = kind };
  struct iovec vector = { .iov_base = &report, .iov_len = sizeof report };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &rights,
                            .msg_controllen = (socklen_t) CMSG_SPACE (count * sizeof (int)) };
  int *fds = (int *) (void *) CMSG_DATA (&rights.header);

  rights.header.cmsg_level = SOL_SOCKET;
  rights.header.cmsg_type = SCM_RIGHTS;
  rights.header.cmsg_len = (socklen_t) CMSG_LEN (count * sizeof (int));
  for (unsigned int i = 0; i < count; i++)
    fds[i] = control;
  return sendmsg (control, &message, MSG_NOSIGNAL) >= 0;
}

static void
flood (enum report_kind kind)
{
  for (size_t sent = 0; sent < GIB && say (kind); sent += sizeof (struct report))
    ;
}

static void
flood_consoles (void)
{
  flood (REPORT_CONSOLE);
}

static void
flood_hooks (void)
{
  flood (REPORT_HOOKS);
}

static void
flood_trees (void)
{
  flood (REPORT_TREE);
}

static void
flood_busy (void)
{
  flood (REPORT_BUSY);
}

/* A tree and a device that are a socket. */
static void
ask_to_be_served (void)
{
  (void) say_with (REPORT_TREE, 1);
  (void) say_with (REPORT_FUSE, 1);
}

static void
flood_notify (void)
{
  while (say_with (REPORT_NOTIFY, 1))
    ;
}

static void
flood_long (void)
{
  static char data[LONG_SIZE];

  for (size_t sent = 0; sent < GIB && say_bytes (data, sizeof data); sent += sizeof data)
    ;
}

/* As long as a report and longer, of which the beginning is a good one. */
static void
say_long (void)
{
  static union {
    struct report report;
    char data[LONG_SIZE];
  } block = { .report = { .kind = REPORT_READY } };

  (void) say_bytes (&block, sizeof block);
}

static void
say_half (void)
{
  struct report report = { .kind = REPORT_READY };

  (void) say_bytes (&report, sizeof report / 2);
}

static void
say_unknown (void)
{
  (void) say ((enum report_kind) 77);
}

/* A failure of what there is not, in words that end nowhere. */
static void
say_nowhere (void)
{
  struct report report = { .kind = REPORT_FAILED, .row = UINT32_MAX, .code = UINT32_MAX,
                           .error = INT32_MIN };

  memset (report.step, '\n', sizeof report.step);
  memset (report.detail, 0x9b, sizeof report.detail);
  (void) say_bytes (&report, sizeof report);
}

static void
say_descriptors (void)
{
  for (int i = 0; i < 2000 && say_with (REPORT_CONSOLE, FDS_MAX); i++)
    ;
}

static void
say_two_descriptors (void)
{
  for (int i = 0; i < 2000 && say_with (REPORT_CONSOLE, 2); i++)
    ;
}

static void
say_ready_twice (void)
{
  (void) say (REPORT_READY);
  (void) say (REPORT_READY);
}

static void
say_inside (void)
{
  (void) say (REPORT_INSIDE);
}

static void
hang_up (void)
{
  (void) shutdown (control, SHUT_RDWR);
  (void) close (control);
}

static void
die (void)
{
  _exit (3);
}

static const struct {
  const char *name;
  void (*perform) (void);
} acts[] = {
  { "consoles", flood_consoles }, { "hooks", flood_hooks }, { "notify", flood_notify },
  { "flood", flood_long }, { "long", say_long }, { "half", say_half }, { "unknown", say_unknown },
  { "nowhere", say_nowhere }, { "descriptors", say_descriptors },
  { "trees", flood_trees }, { "busy", flood_busy }, { "serve", ask_to_be_served },
  { "pairs", say_two_descriptors }, { "twice", say_ready_twice }, { "early", say_inside },
  { "hang-up", hang_up }, { "die", die }, { "never", wait_for_ever },
};

static const char *const operations[] = {
#define OPERATION(code, function, name, n_numbers, n_strings) [OP_##code] = name,
  OPERATIONS (OPERATION)
#undef OPERATION
};

/* As an init does whose operation of this @name fails. */
static void
fail_at (const char *name)
{
  struct report report = { .kind = REPORT_FAILED, .error = EPERM, .step = "a step" };

  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
    if (operations[i] != NULL && strcmp (operations[i], name) == 0)
      report.code = (uint32_t) i;
  (void) say_bytes (&report, sizeof report);
}

static _Noreturn void
act (const char *what)
{
  struct report report = { .kind = REPORT_INSIDE, .row = (uint32_t) strtoul (what, NULL, 10) };

  if (report.row != 0)
    (void) say_bytes (&report, sizeof report);
  if (strncmp (what, "no-", 3) == 0)
    fail_at (what + 3);
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
    if (strcmp (acts[i].name, what) == 0)
      acts[i].perform ();
  wait_for_ever ();
}

/* The instructions that are open as @fd; NULL if there are none. */
static const struct ops_header *
map_instructions (int fd)
{
  struct stat st;
  const void *block;

  if (fstat (fd, &st) < 0)
    return NULL;
  block = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  return block != MAP_FAILED ? block : NULL;
}

/* The word among them; "" if there is none. */
static const char *
find_word (const struct ops_header *block)
{
  static const char before[] = "pretend:";
  const char *word = block != NULL ? memmem (block, block->size, before, sizeof before - 1) : NULL;

  return word != NULL ? word + sizeof before - 1 : "";
}

/* Whether the init is to go on as a child, in the container. */
static int
goes_inside (const struct ops_header *block)
{
  const char *at;

  if (block == NULL)
    return 0;
  at = (const char *) (block + 1);
  for (uint32_t i = 0; i < block->count; i++)
    {
      const struct op_header *op = (const struct op_header *) (const void *) at;

      if (op->code == OP_INSIDE)
        return 1;
      at += op->size;
    }
  return 0;
}

/* What is to be done in @phase; NULL: nothing yet. */
static const char *
due (const char *word, const char *phase)
{
  size_t length = strlen (phase);

  return strncmp (word, phase, length) == 0 && word[length] == ':' ? word + length + 1 : NULL;
}

static void
begin (const char *word, const char *phase)
{
  const char *what = due (word, phase);

  if (what != NULL)
    act (what);
}

static enum command
listen_to (int socket)
{
  uint32_t command = 0;

  return recv (socket, &command, sizeof command, 0) == sizeof command ? (enum command) command : 0;
}

static void
move_inside (void)
{
  struct report report = { .kind = REPORT_INSIDE };
  pid_t pid = fork ();

  if (pid == 0)
    return;
  report.row = (uint32_t) pid;
  (void) say_bytes (&report, sizeof report);
  _exit (0);
}

int
main (int argc, char **argv)
{
  int first = argc > 1 ? atoi (argv[1]) : 3;
  const struct ops_header *block = map_instructions (first + INIT_FD_OPS);
  const char *word = find_word (block);
  enum command command;

  control = first + INIT_FD_CONTROL;
  if (argc == 3 && strcmp (argv[2], "hold") == 0)
    {
      begin (word, "hold");
      (void) say (REPORT_HELD);
      (void) listen_to (control);
      return 0;
    }
  if (goes_inside (block))
    {
      begin (word, "inside");
      move_inside ();
    }
  begin (word, "ready");
  (void) say (REPORT_READY);
  command = listen_to (control);
  if (command == COMMAND_COMMIT)
    do
      control = accept (first + INIT_FD_GATE, NULL, NULL);
    while (control >= 0 && (command = listen_to (control)) != COMMAND_START);
  if (command != COMMAND_START)
    return 1;
  begin (word, "gate");
  (void) close (control);
  wait_for_ever ();
}
