/* What happens to a container that runs: its statistics, and that it is out of memory. */
#pragma once

#include "cgroup/stats.h"
#include "run/container.h"

/* Returns what a live container with a cgroup of its own has used. Transfer: full. */
CgroupStats *events_stats (Container *container, GError **error);

/* Returns the event "stats" as one line of JSON with its newline. Transfer: full. */
GString *events_format_stats (const Container *container, const CgroupStats *stats);

/* Returns the event "oom" in the same form. Transfer: full. */
GString *events_format_oom (const Container *container);

/* A container that is watched. Start it with EVENTS_WATCH_INIT. */
typedef struct {
  int pidfd;        /* of its init */
  int memory;       /* file that counts what was killed for want of memory; -1: none */
  int wake;         /* eventfd by which cgroup v1 says that it has; -1: the file itself does (v2) */
  guint64 killed;   /* how often so far */
} EventsWatch;

#define EVENTS_WATCH_INIT { .pidfd = -1, .memory = -1, .wake = -1 }

typedef enum {
  EVENT_TIMEOUT,
  EVENT_OOM,
  EVENT_END,
} Event;

/* Begins to watch a live container with a cgroup of its own. */
gboolean events_watch (Container *container, EventsWatch *ret_watch, GError **error);

/* Waits for what comes next, at most until the monotonic time @until. */
Event events_next (EventsWatch *watch, gint64 until);

void events_watch_clear (EventsWatch *watch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EventsWatch, events_watch_clear)
