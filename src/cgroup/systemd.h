/* Scopes of systemd, which bwrap-oci-gio asks for over D-Bus: one process for each call. */
#pragma once

#include "plan/cgroup.h"

#include <sys/types.h>

typedef struct {
  char *bus;         /* address, or absolute path of the socket */
  char *unit;
  char *invocation;  /* tells it from a later unit of the same name; NULL: not made yet */
} SystemdScope;

/* Returns a copy. Transfer: full. */
SystemdScope *systemd_scope_copy (const SystemdScope *scope);

void systemd_scope_free (SystemdScope *scope);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SystemdScope, systemd_scope_free)

/* Makes the scope with @properties (of ScopeProperty) and process @pid in it; returns when it is
 * there. Fills the invocation. */
gboolean systemd_scope_start (SystemdScope *scope, const GPtrArray *properties, pid_t pid,
                              GError **error);

/* Sets properties of the scope, until the next boot. */
gboolean systemd_scope_set (const SystemdScope *scope, const GPtrArray *properties,
                            GError **error);

/* Moves process @pid into the cgroup @below that of the scope: "/container"; "" is that itself. */
gboolean systemd_scope_attach (const SystemdScope *scope, const char *below, pid_t pid,
                               GError **error);

/* Stops the scope; returns when it is gone. One that is not there is no error. */
gboolean systemd_scope_stop (const SystemdScope *scope, GError **error);
