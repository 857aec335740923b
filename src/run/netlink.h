/* Requests to the kernel about network devices and addresses (rtnetlink(7)), one at a time. */
#pragma once

#include <glib.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define NETLINK_REQUEST_MAX 512

typedef union {
  struct nlmsghdr header;
  guint8 bytes[NETLINK_REQUEST_MAX];
} NetlinkRequest;

/* Opens a socket of the network namespace that the caller is in, where it stays; -1 on error. */
int netlink_open (GError **error);

/* Begins a request of @type (RTM_...), whose fixed part is the @size bytes at @body. */
void netlink_begin (NetlinkRequest *request, guint16 type, const void *body, gsize size);

/* Adds an attribute; all of a request must fit into NETLINK_REQUEST_MAX. */
void netlink_add (NetlinkRequest *request, guint16 type, const void *data, gsize size);

/* Returns the data of attribute @type behind the fixed part, of @body bytes, of @message; NULL: it
 * has none. Transfer: none. */
const void *netlink_attribute (const struct nlmsghdr *message, gsize body, guint16 type,
                               gsize *ret_size);

/* Called for each message of an answer, also the end of a list. */
typedef void (*NetlinkTake) (const struct nlmsghdr *message, gpointer data);

/* Sends @request, with further @flags (NLM_F_DUMP ..., 0), and waits for its whole answer; @take
 * (NULL: nobody) gets the messages of it. FALSE with errno where the kernel refuses it (EBADMSG:
 * the answer is none); the error begins with @what. */
typedef struct {
  int socket;
  guint16 flags;
  NetlinkTake take;
  gpointer data;
  const char *what;
} NetlinkCall;

gboolean netlink_call (const NetlinkCall *call, NetlinkRequest *request, GError **error);
