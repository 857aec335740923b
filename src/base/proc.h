/* Processes: known by pid, start time and boot, reached by pidfd. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* What is known of a live process from /proc/PID/stat (proc(5)). */
typedef struct {
  char name[16];       /* field 2, without the parentheses */
  char state;          /* field 3, as 'S' or 'Z' */
  pid_t parent;        /* field 4 */
  gboolean exiting;    /* PF_EXITING of field 9: it may still hold this and that */
  guint64 start_time;  /* field 22, clock ticks since boot */
} ProcStat;

/* Reads what /proc says of @pid. */
gboolean proc_stat (pid_t pid, ProcStat *ret_stat, GError **error);

/* Whether @stat is of the process that started at @start_time, and that is no zombie. */
gboolean proc_stat_is (const ProcStat *stat, guint64 start_time);

/* Looks up the number that @pid has in the pid namespace that it is in itself. */
gboolean proc_inner_pid (pid_t pid, pid_t *ret_inner, GError **error);

/* Whether @pid is ending: it has no namespaces any more, though it may still be there. */
gboolean proc_is_ending (pid_t pid);

/* Looks up which namespaces of @pid (CLONE_NEW...) are not ours: to join one's own is an error. */
gboolean proc_other_namespaces (pid_t pid, int *ret_types, GError **error);

/* Opens a descriptor for @pid (pidfd_open(2)); -1 with errno where that fails. */
int proc_pidfd (pid_t pid);

/* Opens a pidfd for @pid and makes sure that it is the process that started at
 * @start_time and that it is not a zombie. Returns -1 without error in *@ret_gone
 * TRUE when it is not. */
int proc_open_same (pid_t pid, guint64 start_time, gboolean *ret_gone, GError **error);

/* Sends @signal through a pidfd (pidfd_send_signal(2)); -1 with errno. */
int proc_pidfd_signal (int pidfd, int signal);

/* Waits up to @timeout_ms (-1: for ever) until the process behind @pidfd has ended.
 * Returns TRUE when it has. */
gboolean proc_pidfd_wait (int pidfd, int timeout_ms);

/* Reaps child @pid through EINTR; returns its wait status, or -1 with errno. */
int proc_reap (pid_t pid);

/* The kernel's boot id (random(4)), read once. NULL with error. */
const char *proc_boot_id (GError **error);

/* Whether this process ignores @signal. */
gboolean proc_ignores (int signal);

/* Whether this process has capability @capability in its effective set, in the
 * user namespace it is in. */
gboolean proc_has_capability (unsigned int capability);
