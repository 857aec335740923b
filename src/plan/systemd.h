/* A container whose program is systemd as pid 1 needs more than most configurations name
 * (https://systemd.io/CONTAINER_INTERFACE). The configuration is completed before anything else is
 * made of it, so that all the rest, --dry-run included, sees one with these mounts in it. */
#pragma once

#include "spec/spec.h"

/* "true" or "false": whether it is one, whatever its program is called. */
#define SYSTEMD_ANNOTATION "org.bwrap-oci.systemd"

/* Hexadecimal digits of a machine id (machine-id(5)). */
#define SYSTEMD_ID_DIGITS 32

/* What must be known of the world; host/systemd.h finds it out. */
typedef struct {
  char *program;     /* what process.args[0] is in the root file system, without links; NULL: it
                      * is not there */
  char *machine_id;  /* of the host; NULL: has none */
} SystemdFacts;

void systemd_facts_clear (SystemdFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SystemdFacts, systemd_facts_clear)

/* Whether the facts are worth finding out. */
gboolean systemd_is_possible (const OciSpec *spec);

/* Decides spec->systemd, and adds to @spec what it needs and does not name: mounts, a cgroup
 * namespace, variables. @bundle and @id are those of the container. */
gboolean systemd_complete (OciSpec *spec, const SystemdFacts *facts, const char *bundle,
                           const char *id, GError **error);
