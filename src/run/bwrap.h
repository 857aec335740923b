/* Starting bubblewrap with what a Plan says. */
#pragma once

#include "plan/plan.h"
#include "run/cgroup.h"
#include "run/interrupt.h"

/* A bubblewrap that has been started. Start it with BWRAP_INIT. */
typedef struct {
  pid_t monitor;      /* bwrap's outer process; 0: none */
  int monitor_pidfd;
  pid_t child;        /* the init, as seen here; 0: not known yet */
  int child_pidfd;
  int info;           /* --info-fd */
  int release;        /* the other end of --userns-block-fd; -1: it does not wait */
  int messages;       /* bwrap's standard error */
  int control;        /* socket to the init */
  int holder_pidfd;   /* who holds the namespaces for the child to join; -1: nobody */
  int holder_control; /* it holds them as long as this is open */
  const Interrupt *interrupt;  /* ends each wait for it or the init; NULL: nothing does */
} Bwrap;

#define BWRAP_INIT                                                                             \
  { .monitor_pidfd = -1, .child_pidfd = -1, .info = -1, .release = -1, .messages = -1,         \
    .control = -1, .holder_pidfd = -1, .holder_control = -1 }

/* What goes in beside the Plan. */
typedef struct {
  const Plan *plan;
  const HostFacts *facts;
  const PlanOptions *options;
  int instructions;    /* memfd for the init */
  int layer;           /* the writable layer in the state directory; -1: it is not there */
  int gate;            /* -1: none */
  int opaque_init;     /* the file of an init that waits behind it; -1: the one that is bound */
  int user_namespace;  /* to be entered first; -1: none */
  const CgroupDoors *doors;  /* the cgroups it is started in */
} BwrapRequest;

/* What the child gets as the preserved descriptor @fd: that, or its end of the control socket, by
 * which the init sees that the caller has none, if it is @absent (PlanOptions). */
int bwrap_preserved (int fd, guint64 absent, int control);

/* Starts bwrap. Its environment is empty and it inherits exactly what the request names:
 * the preserved descriptors, the init's, and its own. */
gboolean bwrap_start (Bwrap *bwrap, const BwrapRequest *request, GError **error);

/* Waits until bwrap has told its child's pid, and opens a pidfd for it. */
gboolean bwrap_wait_child (Bwrap *bwrap, GError **error);

/* Lets the child go on: its ids are mapped. */
gboolean bwrap_release (Bwrap *bwrap, GError **error);

/* Where the plan says hold: starts the real first process, which joins what bwrap has
 * built; from then on it is the child. bwrap's own child must have said that it holds. */
gboolean bwrap_join (Bwrap *bwrap, const BwrapRequest *request, GError **error);

/* Kills bwrap's outer process and the holder, and only them: the init passes to the nearest
 * subreaper. They are reaped by bwrap_reap_monitor(), so that their end takes no time from what
 * is done in between. */
void bwrap_kill_monitor (Bwrap *bwrap);
void bwrap_reap_monitor (Bwrap *bwrap);

/* The same, and returns only when they have left their cgroups: nobody but the container may be in
 * the one that it is to manage. */
void bwrap_await_monitor (Bwrap *bwrap);

/* Sets @error from what bwrap said last, or from how it ended. Returns FALSE. */
gboolean bwrap_explain (Bwrap *bwrap, GError **error);

/* Ends and reaps whatever is left of it, the init too, and closes everything. */
void bwrap_clear (Bwrap *bwrap);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bwrap, bwrap_clear)
