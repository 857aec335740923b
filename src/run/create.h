/* The way of create and run: configuration, facts, plan, container, start. */
#pragma once

#include "run/container.h"

typedef struct {
  char *id;                    /* owned, as every char * */
  char *bundle;                /* absolute */
  const char *config;          /* file name, relative to the bundle if not absolute */
  const char *bwrap;           /* NULL: the built-in path */
  char *pid_file;              /* absolute; NULL: none */
  char *console_socket;        /* absolute; NULL: none */
  char *pidfd_socket;          /* absolute; NULL: none */
  CgroupManager cgroup_manager;
  char *session_bus;           /* address, or absolute path of the socket; NULL: unknown */
  guint preserve_fds;          /* descriptors 3 ..., those of listen_fds among them */
  guint64 absent_fds;          /* but for these: 1 << (number - 3) */
  guint listen_fds;            /* that somebody has given us by the protocol of sd_listen_fds(3) */
  const char *notify_socket;   /* who wants to know when the program is ready; NULL: nobody */
  char *overlay;               /* "state", "volatile" or an absolute path; NULL: not given */
  GPtrArray *overlay_lower;    /* of char *, absolute; NULL: none */
  char *mount_program;         /* absolute, instead of the kernel's overlay; NULL: not given */
  gboolean look;               /* nothing is carried out: also try what that would find out */
  gboolean plain;              /* --mode=plain */
  gboolean new_keyring;
  gboolean detach;
  gboolean keep;               /* leave the stopped container of a foreground run */
} CreateRequest;

void create_request_clear (CreateRequest *request);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CreateRequest, create_request_clear)

/* Makes the container and leaves it waiting for its start. */
gboolean create_container (const Store *store, const CreateRequest *request, GError **error);

/* Makes the container and runs its program: in the background with detach, else to its
 * end, after which the container is removed. *@ret_status is the exit status. */
gboolean run_container (const Store *store, const CreateRequest *request, int *ret_status,
                        GError **error);

/* Prints what would be done, as text for people or as JSON. */
gboolean print_plan (const Store *store, const CreateRequest *request, gboolean json,
                     GError **error);

/* Prints the command with which bwrap alone makes the same, as far as it can. */
gboolean print_plain (const Store *store, const CreateRequest *request, GError **error);
