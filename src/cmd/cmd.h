/* The commands: one file each, which ends with its row of the command table.
 *
 * main() reads the options of all of them by their tables and counts the arguments, so that a
 * command sees nothing but a filled struct. It makes one call into run/, prints, and returns the
 * exit status, or -1 with an error that main() prints once. */
#pragma once

#include "base/env.h"
#include "base/log.h"
#include "cmd/options.h"
#include "run/record.h"
#include "run/store.h"

#include <signal.h>

/* Options before the command. */
typedef struct {
  const char *root;
  const char *log;
  const char *log_format;
  const char *log_level;
  gboolean debug;
  const char *bwrap;           /* as given; NULL: the built-in path */
  gboolean systemd_cgroup;
  const char *cgroup_manager;
  gboolean version;
  gboolean help;
} GlobalOptions;

/* What every command gets. */
typedef struct {
  GlobalOptions options;
  Environment environment;
  guint given_fds;               /* from 3 to the last one, by our caller */
  guint64 absent_fds;            /* those among them that are not open: 1 << (number - 3) */
  sigset_t ignored;              /* signals that our caller ignored */
  LogFormat log_format;
  CgroupManager cgroup_manager;  /* of --cgroup-manager and --systemd-cgroup */
} CmdContext;

typedef struct {
  const char *name;
  const char *arguments;  /* for the usage: "ID [SIGNAL]" */
  const char *summary;    /* one line, for both help texts */
  const Option *options;
  gsize options_size;     /* of the struct they go into */
  int min_args;
  int max_args;           /* -1: any number */
  const char *refusal;    /* there is no such thing here: why, whatever follows the name */
  gboolean takes_id;      /* the first argument, if there is one, is a container's id */
  gboolean early_options;  /* behind the first argument stands none: words of others follow */

  /* @options is that struct, @args ends with NULL. Strings live as long as the process. */
  int (*run) (const CmdContext *context, gconstpointer options, char **args, GError **error);
} Command;

extern const Command cmd_check;
extern const Command cmd_checkpoint;
extern const Command cmd_create;
extern const Command cmd_delete;
extern const Command cmd_events;
extern const Command cmd_exec;
extern const Command cmd_features;
extern const Command cmd_kill;
extern const Command cmd_list;
extern const Command cmd_pause;
extern const Command cmd_ps;
extern const Command cmd_restore;
extern const Command cmd_resume;
extern const Command cmd_run;
extern const Command cmd_spec;
extern const Command cmd_start;
extern const Command cmd_state;
extern const Command cmd_unit;
extern const Command cmd_unshare;
extern const Command cmd_update;

/* Returns the path of the state root that the options and the environment name. Transfer: full. */
char *cmd_locate_store (const CmdContext *context, GError **error);

/* Opens the state root that the options and the environment name; @create makes it if it is
 * missing. Transfer: full. */
Store *cmd_open_store (const CmdContext *context, gboolean create, GError **error);

/* Fails unless the caller has given us @count descriptors, from 3 upwards, to hand on. */
gboolean cmd_check_preserved (const CmdContext *context, guint count, GError **error);

/* Becomes bwrap-oci-gio, which prints the document of @command for @args (NULL-terminated).
 * Returns only on failure, with -1. */
int cmd_exec_companion (const CmdContext *context, const char *command, const char *const *args,
                        GError **error);
