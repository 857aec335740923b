/* The options before the command: their table, what they mean. */
#include "config.h"

#include "cmd/globals.h"

#include "base/error.h"

#include <string.h>

const Option cmd_global_options[] = {
  OPTION_STRING (GlobalOptions, root, 0, "root", "DIR", "where containers are recorded"),
  OPTION_WORD (GlobalOptions, log, 0, "log", "FILE", "append messages to FILE as well"),
  OPTION_WORD (GlobalOptions, log_format, 0, "log-format", "FORMAT", "\"text\" or \"json\""),
  OPTION_STRING (GlobalOptions, log_level, 0, "log-level", "LEVEL",
                 "\"debug\" (--debug), \"warning\" or \"error\""),
  OPTION_FLAG (GlobalOptions, debug, 0, "debug", "say more"),
  OPTION_STRING (GlobalOptions, bwrap, 0, "bwrap", "PATH", "the bubblewrap to use"),
  OPTION_FLAG (GlobalOptions, systemd_cgroup, 0, "systemd-cgroup",
               "cgroupsPath is slice:prefix:name"),
  OPTION_STRING (GlobalOptions, cgroup_manager, 0, "cgroup-manager", "MANAGER",
                 "\"cgroupfs\", \"systemd\" or \"disabled\""),
  OPTION_IGNORED ("rootless", "WHEN", "accepted, without effect"),
  OPTION_IGNORED ("criu", "PATH", "accepted, without effect"),
  OPTION_FLAG (GlobalOptions, help, 'h', "help", "this text; behind a command, about it"),
  OPTION_FLAG (GlobalOptions, version, 'v', "version", "versions and what was built in"),
  OPTION_END,
};

static const Name log_formats[] = {
  { "text", LOG_TEXT },
  { "json", LOG_JSON },
  { NULL, 0 },
};

static const Name log_levels[] = {
  { "error", LOG_ERROR },
  { "warning", LOG_WARNING },
  { "debug", LOG_DEBUG },
  { NULL, 0 },
};

/* Looks @value up for option @name; an option that was not given leaves *@ret_number. */
static gboolean
look_up (const Name *names, const char *name, const char *value, int *ret_number, GError **error)
{
  const Name *found;

  if (value == NULL)
    return TRUE;
  found = name_find (names, value);
  if (found == NULL)
    return throw (error, "invalid %s: %s", name, value);
  *ret_number = (int) found->value;
  return TRUE;
}

gboolean
cmd_globals_apply (CmdContext *context, GError **error)
{
  GlobalOptions *options = &context->options;
  int format = LOG_TEXT, level = LOG_WARNING, manager = CGROUP_MANAGER_CGROUPFS;

  if (options->systemd_cgroup)
    manager = CGROUP_MANAGER_SYSTEMD;
  if (!look_up (log_formats, "log-format", options->log_format, &format, error)
      || !look_up (log_levels, "log-level", options->log_level, &level, error)
      || !look_up (record_cgroup_managers, "cgroup-manager", options->cgroup_manager, &manager,
                   error))
    return FALSE;
  /* crun's way to name a driver; the others of it are not here */
  if (options->log != NULL && g_str_has_prefix (options->log, "file:"))
    options->log += strlen ("file:");
  if (level == LOG_DEBUG)
    options->debug = TRUE;
  context->log_format = (LogFormat) format;
  context->cgroup_manager = (CgroupManager) manager;
  return TRUE;
}
