/* fuse-overlayfs, which makes the overlays of a container that the kernel refuses (plan/fuse.c).
 *
 * It is the one thing of ours that stays beside a container, and it ends with it: the kernel ends
 * its service when nobody has the mount any more. Until then it is on record. */
#pragma once

#include "plan/plan.h"
#include "run/container.h"
#include "run/interrupt.h"

/* What the init has sent, and the process that it is. Nothing is taken. */
typedef struct {
  const Plan *plan;
  const HostFacts *facts;
  Container *container;
  pid_t child;
  int child_pidfd;
  int control;  /* socket to the init */
  const Interrupt *interrupt;  /* may be NULL */
  guint index;  /* of plan->fuse */
  int tree;     /* everything that is staged for the init, attached nowhere */
  int device;   /* /dev/fuse, whose mount waits for an answer */
} FuseRequest;

/* Starts it and waits until the mount answers. On failure it has ended. */
gboolean fuse_start (const FuseRequest *request, GError **error);

/* Waits for those of @container to end, whose processes have, and ends those that do not. */
gboolean fuse_end (const Container *container, GError **error);
