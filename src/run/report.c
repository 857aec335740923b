/* What the init reports; see report.h. */
#include "config.h"

#include "run/report.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Takes the descriptor out of a message, or -1. */
static int
take_fd (struct msghdr *message)
{
  struct cmsghdr *header = CMSG_FIRSTHDR (message);
  int fd = -1;

  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
      && header->cmsg_len == CMSG_LEN (sizeof fd))
    memcpy (&fd, CMSG_DATA (header), sizeof fd);
  return fd;
}

int
report_receive (int socket, struct report *ret_report, int *ret_fd, GError **error)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  struct report report;
  struct iovec vector = { .iov_base = &report, .iov_len = sizeof report };
  /* with the room behind one descriptor there would be place for a second */
  struct msghdr message = { .msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = CMSG_LEN (sizeof (int)) };
  autofd fd = -1;
  ssize_t n;

  do
    n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  /* an init that died with a word unread */
  if (n == 0 || (n < 0 && errno == ECONNRESET))
    return 0;
  if (n < 0)
    return throw_fd_errno (error, "receive from the init");
  fd = take_fd (&message);
  if (n != sizeof report || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return throw_fd (error, "the init reports what is none of its messages");
  report.step[sizeof report.step - 1] = '\0';
  report.detail[sizeof report.detail - 1] = '\0';
  *ret_report = report;
  if (ret_fd != NULL)
    *ret_fd = fd_steal (&fd);
  return 1;
}

gboolean
report_once (guint32 *heard, const struct report *report, GError **error)
{
  guint32 bit = report->kind < 32 ? (guint32) 1 << report->kind : 0;

  if (bit == 0 || (*heard & bit) != 0)
    return report_meaningless (report, error);
  *heard |= bit;
  return TRUE;
}

gboolean
report_meaningless (const struct report *report, GError **error)
{
  return throw (error, "the init reports %u, which means nothing here", report->kind);
}

gboolean
command_send (int socket, enum command command, GError **error)
{
  guint32 word = command;
  ssize_t n;

  do
    n = send (socket, &word, sizeof word, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n == sizeof word || throw_errno (error, "send to the init");
}

/* The system's text as other runtimes write it, who have it from Go. */
static char *
small_strerror (int error_number)
{
  char *text = g_strdup (g_strerror (error_number));

  *text = g_ascii_tolower (*text);
  return text;
}

/* Whether the report is about the program itself; the row of its lookup is about the working
 * directory too. */
static gboolean
is_program (const struct report *report)
{
  static const char *const steps[] = { "", "stat", "executable file not found in $PATH", NULL };

  return report->code == OP_EXEC
         || (report->code == OP_PROGRAM && g_strv_contains (steps, report->step));
}

static gboolean
throw_program (const struct report *report, GError **error)
{
  g_autofree char *system = small_strerror (report->error);

  if (report->code == OP_EXEC)
    return throw (error, "exec %s: %s", report->detail, system);
  if (report->error == 0)
    return throw (error, "exec: \"%s\": %s", report->detail, report->step);
  if (strcmp (report->step, "stat") == 0)
    return throw (error, "exec: \"%s\": stat %s: %s", report->detail, report->detail, system);
  return throw (error, "exec: \"%s\": %s", report->detail, system);
}

/* A startContainer hook, which says itself which one it is. */
static gboolean
throw_hook (const struct report *report, GError **error)
{
  if (report->error == 0)
    return throw (error, "%s %s", report->step, report->detail);
  errno = report->error;
  return throw_errno (error, "%s %s", report->step, report->detail);
}

gboolean
report_to_error (const struct report *report, const char *pointer, const char *what,
                 GError **error)
{
  const char *parts[] = { pointer, what, report->step, report->detail };
  gboolean in_config = pointer != NULL && *pointer != '\0';
  g_autoptr (GString) message = g_string_new (in_config ? "config.json" : NULL);

  if (is_program (report))
    return throw_program (report, error);
  if (report->code == OP_HOOK)
    return throw_hook (report, error);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i] != NULL && *parts[i] != '\0')
      g_string_append_printf (message, "%s%s", message->len > 0 ? ": " : "", parts[i]);
  errno = report->error;
  return errno != 0 ? throw_errno (error, "%s", message->str) : throw (error, "%s", message->str);
}
