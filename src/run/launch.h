/* Carrying out a Plan: from nothing to a container that waits for its start. */
#pragma once

#include "plan/plan.h"
#include "run/bwrap.h"
#include "run/container.h"
#include "run/netdevices.h"
#include "run/report.h"

typedef struct {
  const Plan *plan;
  const HostFacts *facts;
  const PlanOptions *options;
  Container *container;  /* NULL: a trial */
  const char *bus;       /* where systemd is asked for a scope; NULL: nowhere */
} LaunchRequest;

/* A container whose init waits. Start it with LAUNCH_INIT; bwrap.interrupt may be set. */
typedef struct {
  Bwrap bwrap;
  int console;  /* master of its terminal; -1: it has none */
  int notify;   /* once it has started: where the program's notifications arrive; -1: nowhere */
  const HostFacts *facts;  /* for fuse-overlayfs; NULL: there is none, as in exec */
  Container *container;
  int tree;     /* what the init has sent for fuse-overlayfs; -1 */
  guint n_fuse; /* how many of those have been started */
  guint n_busy; /* how often it has said that something takes long */
  const ContainerRecord *record;  /* what hooks are told; NULL: there are none to run */
  NetDevices *devices;  /* moved into it, and to go back unless it starts; NULL: none */
  guint32 heard;    /* kinds of reports that have come */
  gboolean hooked;  /* it got as far as hooks, so that those of poststop are due */
} Launch;

#define LAUNCH_INIT { .bwrap = BWRAP_INIT, .console = -1, .notify = -1, .tree = -1 }

/* Does everything up to "ready": namespaces, maps, mounts, the lookup of the program.
 * Then bwrap's outer process is gone and the init waits. On failure nothing is left. */
gboolean launch (Launch *launch, const LaunchRequest *request, GError **error);

/* The same for a plan of plan_trial_new(), without a container: nothing is left in any case. */
gboolean launch_try (const LaunchRequest *request, GError **error);

/* Returns the init's instructions for @plan as a sealed memfd, so that what it reads is what was
 * planned; -1 on error. With @stored the filter is the one kept with @container, else it is made
 * and kept there; without a container (NULL) there is none. */
int launch_instructions (const Plan *plan, Container *container, gboolean stored, GError **error);

/* Turns the init's report of failure into an error with the words of its row in @plan; always
 * returns FALSE. */
gboolean launch_fail (const Plan *plan, const struct report *report, GError **error);

/* Waits until the init is ready; the terminal may come before. */
gboolean launch_wait_ready (Launch *launch, const Plan *plan, GError **error);

/* Tells the init that "created" is on record: it waits at the gate from now on. */
gboolean launch_commit (Launch *launch, GError **error);

/* Starts the program and waits until it runs. @container is where its filter's listener belongs. */
gboolean launch_start (Launch *launch, const Plan *plan, const Container *container,
                       GError **error);

/* Lets go of the container, which lives on. */
void launch_release (Launch *launch);

/* Ends the init, if it is still ours, and closes everything. */
void launch_clear (Launch *launch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Launch, launch_clear)
