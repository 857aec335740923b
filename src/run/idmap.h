/* Writing id maps (user_namespaces(7)): directly, or by newuidmap and newgidmap. */
#pragma once

#include "plan/plan.h"
#include "run/interrupt.h"

/* Maps that are being written. Start it with IDMAP_WRITER_INIT. */
typedef struct {
  const Interrupt *interrupt;  /* ends the wait for the tools; NULL: nothing does */
  pid_t pids[2];    /* of newuidmap and newgidmap; 0: none */
  int messages[2];  /* what they say on stderr; -1 */
} IdMapWriter;

#define IDMAP_WRITER_INIT { .pids = { 0, 0 }, .messages = { -1, -1 } }

/* Begins to write the maps of @plan for the user namespace of @pid. The two tools run side
 * by side; what the caller does before idmap_finish() is for free. */
gboolean idmap_begin (IdMapWriter *writer, const Plan *plan, const MachineFacts *machine,
                      pid_t pid, GError **error);

/* Waits until both maps are written. */
gboolean idmap_finish (IdMapWriter *writer, GError **error);

/* Ends the tools, if they still run, and closes everything. */
void idmap_clear (IdMapWriter *writer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (IdMapWriter, idmap_clear)

/* Makes a user namespace with the maps of @plan, for the case where bwrap cannot: returns
 * a descriptor of it, -1 on error. @interrupt may be NULL. */
int idmap_new_namespace (const Plan *plan, const MachineFacts *machine, const Interrupt *interrupt,
                         GError **error);
