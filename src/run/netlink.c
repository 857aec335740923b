/* Talking to rtnetlink(7); see netlink.h.
 *
 * A message is a header, a fixed part and attributes, each padded to four bytes; attributes are a
 * length, a type and data. An answer ends with an acknowledgement, which is an error of number 0,
 * or with "done", and an error as well, where it is a list.
 *
 * Who rules over a network may write to every socket in it, also the other containers of one that
 * is joined: only what the kernel sends is an answer. */
#include "config.h"

#include "run/netlink.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* as much as the kernel puts into one datagram of a list */
#define ANSWER_MAX 32768

int
netlink_open (GError **error)
{
  autofd fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const int on = 1;

  if (fd < 0)
    return throw_fd_errno (error, "socket NETLINK_ROUTE");
  /* words for errors, without our request in front of them */
  (void) setsockopt (fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  (void) setsockopt (fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return fd_steal (&fd);
}

/* Puts @size bytes at the padded end of @request. */
static void
append (NetlinkRequest *request, const void *data, gsize size)
{
  gsize end = NLMSG_ALIGN (request->header.nlmsg_len);

  g_assert (end + NLMSG_ALIGN (size) <= sizeof request->bytes);
  memcpy (request->bytes + end, data, size);
  request->header.nlmsg_len = (guint32) (end + size);
}

void
netlink_begin (NetlinkRequest *request, guint16 type, const void *body, gsize size)
{
  memset (request, 0, sizeof *request);
  request->header.nlmsg_len = NLMSG_HDRLEN;
  request->header.nlmsg_type = type;
  append (request, body, size);
}

void
netlink_add (NetlinkRequest *request, guint16 type, const void *data, gsize size)
{
  const struct nlattr attribute = { .nla_len = (guint16) (NLA_HDRLEN + size), .nla_type = type };

  append (request, &attribute, sizeof attribute);
  append (request, data, size);
}

/* Looks for an attribute between @offset and the end of @message. */
static const void *
find_attribute (const struct nlmsghdr *message, gsize offset, guint16 type, gsize *ret_size)
{
  const guint8 *bytes = (const guint8 *) message;
  struct nlattr attribute;

  while (offset + sizeof attribute <= message->nlmsg_len)
    {
      memcpy (&attribute, bytes + offset, sizeof attribute);
      if (attribute.nla_len < sizeof attribute || attribute.nla_len > message->nlmsg_len - offset)
        break;
      if ((attribute.nla_type & NLA_TYPE_MASK) == type)
        {
          *ret_size = attribute.nla_len - sizeof attribute;
          return bytes + offset + sizeof attribute;
        }
      offset += NLA_ALIGN (attribute.nla_len);
    }
  return NULL;
}

const void *
netlink_attribute (const struct nlmsghdr *message, gsize body, guint16 type, gsize *ret_size)
{
  return find_attribute (message, NLMSG_HDRLEN + NLMSG_ALIGN (body), type, ret_size);
}

static gboolean
throw_cut (const char *what, GError **error)
{
  errno = EBADMSG;
  return throw (error, "%s: the kernel's answer is cut off", what);
}

/* How it went, of an acknowledgement or the end of a list; also why, if the kernel has words for
 * that. */
static gboolean
take_result (const struct nlmsghdr *message, const char *what, GError **error)
{
  const gsize body = message->nlmsg_type == NLMSG_ERROR ? sizeof (struct nlmsgerr) : sizeof (int);
  const char *words = NULL;
  gsize size = 0;
  int number;

  if (message->nlmsg_len < NLMSG_LENGTH (body))
    return throw_cut (what, error);
  memcpy (&number, NLMSG_DATA (message), sizeof number);
  if (number == 0)
    return TRUE;
  if (message->nlmsg_flags & NLM_F_ACK_TLVS)
    words = netlink_attribute (message, body, NLMSGERR_ATTR_MSG, &size);
  errno = -number;
  if (words == NULL || memchr (words, '\0', size) == NULL)
    return throw_errno (error, "%s", what);
  return throw_errno (error, "%s: %s", what, words);
}

/* Takes the messages of one datagram; *@ret_end tells whether the answer is over. */
static gboolean
take_datagram (const NetlinkCall *call, const guint8 *bytes, gsize length, gboolean *ret_end,
               GError **error)
{
  while (length >= sizeof (struct nlmsghdr))
    {
      const struct nlmsghdr *message = (const void *) bytes;
      gsize size = message->nlmsg_len;

      if (size < sizeof *message || size > length)
        return throw_cut (call->what, error);
      if (call->take != NULL && message->nlmsg_type != NLMSG_ERROR)
        call->take (message, call->data);
      if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE)
        {
          *ret_end = TRUE;
          return take_result (message, call->what, error);
        }
      size = MIN (NLMSG_ALIGN (size), length);
      bytes += size;
      length -= size;
    }
  return TRUE;
}

/* Receives the kernel's next datagram, or the beginning of one that is too long; returns the length
 * of all of it, -1 on error. */
static ssize_t
receive (int socket, guint8 *bytes)
{
  struct sockaddr_nl from = { .nl_pid = 0 };
  ssize_t n;

  do
    {
      socklen_t size = sizeof from;

      n = recvfrom (socket, bytes, ANSWER_MAX, MSG_TRUNC, (struct sockaddr *) &from, &size);
    }
  while (n < 0 ? errno == EINTR : from.nl_pid != 0);
  return n;
}

gboolean
netlink_call (const NetlinkCall *call, NetlinkRequest *request, GError **error)
{
  g_autofree guint8 *answer = g_malloc (ANSWER_MAX);
  gboolean end = FALSE;

  request->header.nlmsg_flags = (guint16) (NLM_F_REQUEST | NLM_F_ACK | call->flags);
  if (send (call->socket, request, request->header.nlmsg_len, 0) < 0)
    return throw_errno (error, "%s", call->what);
  while (!end)
    {
      ssize_t n = receive (call->socket, answer);

      if (n < 0)
        return throw_errno (error, "%s", call->what);
      if (n > ANSWER_MAX)
        return throw_cut (call->what, error);
      if (!take_datagram (call, answer, (gsize) n, &end, error))
        return FALSE;
    }
  return TRUE;
}
