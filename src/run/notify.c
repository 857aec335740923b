/* Notifications; see notify.h.
 *
 * A datagram is a list of lines. Those that mean the same outside are passed on; numbers of
 * processes do not, and neither do descriptors and barriers: the kernel closes the descriptors that
 * nobody takes out of a datagram, which is what a barrier waits for. */
#include "config.h"

#include "run/notify.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DATAGRAM_MAX 8192
#define DATAGRAMS_MAX 64
#define BARRIER_WAIT_MS 30000

static const char *const passed_on[] = {
  "READY=", "RELOADING=", "MONOTONIC_USEC=", "STOPPING=", "STATUS=", "ERRNO=", "BUSERROR=",
  "EXIT_STATUS=", "WATCHDOG=", "WATCHDOG_USEC=", "EXTEND_TIMEOUT_USEC=",
};

gboolean
notify_is_address (const char *address)
{
  return (*address == '/' || *address == '@') && address[1] != '\0'
         && strlen (address) < sizeof ((struct sockaddr_un *) NULL)->sun_path
         && g_utf8_validate (address, -1, NULL);
}

/* Sends @text with descriptor @fd unless that is -1. */
static gboolean
send_text (const char *outer, const char *text, int fd, GError **error)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct iovec vector = { .iov_base = (void *) text, .iov_len = strlen (text) };
  struct msghdr message = {
    .msg_name = &address,
    .msg_namelen = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + strlen (outer)),
    .msg_iov = &vector,
    .msg_iovlen = 1,
  };
  autofd sender = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ssize_t n;

  if (sender < 0)
    return throw_errno (error, "socket");
  memcpy (address.sun_path, outer, strlen (outer));
  if (*outer == '@')
    address.sun_path[0] = '\0';
  if (fd >= 0)
    {
      message.msg_control = &control;
      message.msg_controllen = sizeof control.space;
      control.header.cmsg_level = SOL_SOCKET;
      control.header.cmsg_type = SCM_RIGHTS;
      control.header.cmsg_len = CMSG_LEN (sizeof (int));
      memcpy (CMSG_DATA (&control.header), &fd, sizeof fd);
    }
  do
    n = sendmsg (sender, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0 || throw_errno (error, "notify %s", outer);
}

/* Returns what is to be passed on of @text, line by line. Transfer: full. */
static GString *
filter (const char *text, gboolean *ready)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *kept = g_string_new (NULL);

  for (char **line = lines; *line != NULL; line++)
    for (gsize i = 0; i < G_N_ELEMENTS (passed_on); i++)
      if (g_str_has_prefix (*line, passed_on[i]))
        g_string_append_printf (kept, "%s\n", *line);
  *ready = strstr (kept->str, "READY=1\n") == kept->str
           || strstr (kept->str, "\nREADY=1\n") != NULL;
  return kept;
}

/* Passes on one datagram. Returns whether it said that the program is ready. */
static gboolean
pass_on (const Notify *notify, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) kept = NULL;
  gboolean ready;

  kept = filter (text, &ready);
  if (ready && notify->main_pid > 0)
    g_string_append_printf (kept, "MAINPID=%d\n", (int) notify->main_pid);
  if (kept->len > 0 && notify->outer != NULL
      && !send_text (notify->outer, kept->str, -1, &error))
    log_warning ("%s", error->message);
  return ready;
}

gboolean
notify_relay (const Notify *notify)
{
  gboolean ready = FALSE;

  for (guint i = 0; i < DATAGRAMS_MAX; i++)
    {
      char text[DATAGRAM_MAX + 1];
      ssize_t n = recv (notify->socket, text, DATAGRAM_MAX, MSG_DONTWAIT);

      if (n < 0)
        break;
      text[n] = '\0';
      ready = pass_on (notify, text) || ready;
    }
  return ready;
}

/* Waits until the manager has taken all that we have sent: it closes the descriptor then, which it
 * is given last. Who we are must be known that long. */
static void
barrier (const char *outer)
{
  g_autoptr (GError) error = NULL;
  autofd ours = -1, theirs = -1;
  int ends[2];

  if (outer == NULL)
    return;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    throw_errno (&error, "pipe");
  else
    {
      ours = ends[0];
      theirs = ends[1];
      if (send_text (outer, "BARRIER=1", theirs, &error))
        {
          struct pollfd closed = { .fd = ours };

          fd_clear (&theirs);
          (void) poll (&closed, 1, BARRIER_WAIT_MS);
        }
    }
  if (error != NULL)
    log_warning ("%s", error->message);
}

gboolean
notify_wait_ready (const Notify *notify, int pidfd, const Interrupt *interrupt, GError **error)
{
  for (;;)
    {
      struct pollfd fds[] = { { .fd = notify->socket, .events = POLLIN },
                              { .fd = pidfd, .events = POLLIN },
                              { .fd = interrupt->fd, .events = POLLIN } };

      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        {
          if (errno != EINTR)
            return throw_errno (error, "poll");
          continue;
        }
      if (!interrupt_check (interrupt, error))
        return FALSE;
      /* the last words of one that has ended come before its end */
      if (notify_relay (notify))
        {
          barrier (notify->outer);
          return TRUE;
        }
      if (fds[1].revents != 0)
        return TRUE;
    }
}
