/* Answers of rtnetlink, also such as the kernel does not give. */
#include "config.h"

#include "base/fd.h"
#include "base/proc.h"
#include "run/netlink.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOO_LARGE 40000
#define NO_NAMESPACE 77

typedef struct {
  guint16 type;
  guint32 length;  /* as it says itself; 0: as it is */
  int number;      /* of the error */
  gsize size;      /* of the datagram; 0: that of the message */
} Message;

typedef struct {
  const char *name;
  Message messages[3];
  int taken;        /* how many there are of the answer */
  int error;        /* 0: success */
  const char *text;
} Case;

#define CUT EBADMSG, "what: the kernel's answer is cut off"

static const Case cases[] = {
  { "yes", { { NLMSG_ERROR, 0, 0, 0 } }, 0, 0, NULL },
  { "no", { { NLMSG_ERROR, 0, -ENODEV, 0 } }, 0, ENODEV, "what: No such device" },
  { "short", { { NLMSG_ERROR, NLMSG_HDRLEN + 4, 0, 0 } }, 0, CUT },
  { "list", { { RTM_NEWADDR, 0, 0, 0 }, { RTM_NEWADDR, 0, 0, 0 }, { NLMSG_DONE, 0, 0, 0 } }, 3, 0,
    NULL },
  { "broken list", { { RTM_NEWADDR, 0, 0, 0 }, { NLMSG_DONE, 0, -EMSGSIZE, 0 } }, 2, EMSGSIZE,
    "what: Message too long" },
  { "short end", { { NLMSG_DONE, NLMSG_HDRLEN, 0, 0 } }, 1, CUT },
  { "longer than it is", { { RTM_NEWADDR, 4000, 0, 0 } }, 0, CUT },
  { "shorter than its header", { { RTM_NEWADDR, 8, 0, 0 } }, 0, CUT },
  { "more than there is room for", { { NLMSG_ERROR, 0, 0, TOO_LARGE } }, 0, CUT },
};

static void
count (const struct nlmsghdr *message, gpointer data)
{
  int *n = data;

  g_assert_cmpint (message->nlmsg_type, !=, NLMSG_ERROR);
  (*n)++;
}

static void
ask_for_link (NetlinkRequest *request)
{
  const struct ifinfomsg info = { .ifi_index = 1 };

  netlink_begin (request, RTM_GETLINK, &info, sizeof info);
}

static void
answer (int fd, const Message *message)
{
  static guint8 bytes[TOO_LARGE];
  const gsize whole = NLMSG_LENGTH (sizeof (struct nlmsgerr));
  const struct nlmsghdr header = { .nlmsg_type = message->type,
                                   .nlmsg_len = message->length != 0 ? message->length
                                                                     : (guint32) whole };
  const gsize size = message->size != 0 ? message->size : whole;

  memcpy (bytes, &header, sizeof header);
  memcpy (bytes + NLMSG_HDRLEN, &message->number, sizeof message->number);
  g_assert_cmpint (send (fd, bytes, size, 0), ==, (gssize) size);
}

static void
test_answer (gconstpointer data)
{
  const Case *c = data;
  int ends[2], taken = 0, got;
  NetlinkCall call = { .take = count, .data = &taken, .what = "what" };
  g_autoptr (GError) error = NULL;
  NetlinkRequest request;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (c->messages) && c->messages[i].type != 0; i++)
    answer (ends[1], &c->messages[i]);
  call.socket = ends[0];
  ask_for_link (&request);
  errno = 0;
  got = netlink_call (&call, &request, &error) ? 0 : errno;
  g_assert_cmpint (got, ==, c->error);
  g_assert_cmpstr (error != NULL ? error->message : NULL, ==, c->text);
  g_assert_cmpint (taken, ==, c->taken);
  fd_clear (&ends[0]);
  fd_clear (&ends[1]);
}

/* Says for the kernel, from another socket of the network, that there is no such device. */
static gboolean
forge (int fd)
{
  autofd forger = netlink_open (NULL);
  struct sockaddr_nl to = { .nl_family = AF_NETLINK };
  socklen_t size = sizeof to;
  struct {
    struct nlmsghdr header;
    struct nlmsgerr body;
  } no = { .header = { .nlmsg_type = NLMSG_ERROR, .nlmsg_len = sizeof no },
           .body.error = -ENODEV };

  return bind (fd, (struct sockaddr *) &to, sizeof to) == 0
         && getsockname (fd, (struct sockaddr *) &to, &size) == 0
         && sendto (forger, &no, sizeof no, 0, (struct sockaddr *) &to, size) == sizeof no;
}

/* In a network of its own; what does not hold is its exit status. */
static int
ask_beside_forger (void)
{
  int taken = 0;
  NetlinkCall call = { .take = count, .data = &taken, .what = "what" };
  NetlinkRequest request;

  if (unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    return NO_NAMESPACE;
  call.socket = netlink_open (NULL);
  if (!forge (call.socket))
    return 1;
  ask_for_link (&request);
  if (!netlink_call (&call, &request, NULL))
    return 2;
  return taken == 1 ? 0 : 3;
}

static void
test_forged (void)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (ask_beside_forger ());
  status = proc_reap (child);
  if (WEXITSTATUS (status) == NO_NAMESPACE)
    g_test_skip ("machine: no new user and network namespace");
  else
    g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/netlink/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_answer);
    }
  g_test_add_func ("/netlink/forged", test_forged);
  return g_test_run ();
}
