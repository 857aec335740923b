/* A bundle as a service; see unit.h.
 *
 * The container stays in the unit's cgroup, or in a child of it, so that the manager sees what it
 * has started, ends it, and limits it. Only the main process gets the stop signal (KillMode=mixed):
 * the first process of a container knows how to end the others. */
#include "config.h"

#include "plan/unit.h"

#include "base/error.h"
#include "plan/builder.h"

#include <signal.h>
#include <string.h>

/* What systemd ends by when it has CAP_SYS_BOOT (reboot(2)); run returns 128 and the number. */
#define SIGNAL_REBOOT SIGHUP
#define SIGNAL_HALT SIGINT

const Name unit_types[] = {
  { "simple", UNIT_SIMPLE },
  { "notify", UNIT_NOTIFY },
  { "forking", UNIT_FORKING },
  { NULL, 0 },
};

/* --- words of a command line (systemd.service(5), "Command lines") --- */

/* Appends @word in quotes, if it needs any, as one that comes out as it is: "%" begins a specifier,
 * "$" a variable, "\" an escape. */
static void
append_word (GString *line, const char *word)
{
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "_-+./=:,@%$";
  gboolean quoted = *word == '\0' || word[strspn (word, plain)] != '\0';

  g_string_append (line, quoted ? " \"" : " ");
  for (; *word != '\0'; word++)
    switch (*word)
      {
      case '%':
      case '$':
        g_string_append_c (line, *word);
        g_string_append_c (line, *word);
        break;
      case '"':
      case '\\':
        g_string_append_c (line, '\\');
        g_string_append_c (line, *word);
        break;
      default:
        if (g_ascii_iscntrl (*word))
          g_string_append_printf (line, "\\x%02x", (guchar) *word);
        else
          g_string_append_c (line, *word);
      }
  if (quoted)
    g_string_append_c (line, '"');
}

/* Appends "KEY=PROGRAM GLOBALS...". The program's own path knows no variables, and systemd takes
 * none with quotes, escapes or control characters. */
static gboolean
append_program (GString *unit, const char *key, const UnitOptions *options, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (options->program, "%", -1);
  g_autofree char *escaped = g_strjoinv ("%%", parts);
  gboolean spaces = strchr (options->program, ' ') != NULL;

  for (const char *p = options->program; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p) || strchr ("\"'\\", *p) != NULL)
      return throw (error, "%s: systemd takes no program with quotes, backslashes or control"
                    " characters in its path", options->program);
  g_string_append_printf (unit, "%s=%s%s%s", key, spaces ? "\"" : "", escaped,
                          spaces ? "\"" : "");
  for (const char *const *word = options->globals; *word != NULL; word++)
    append_word (unit, *word);
  return TRUE;
}

/* --- what a service can be --- */

/* Whether the container leaves the cgroup that it is started in. */
static gboolean
leaves_cgroup (const OciSpec *spec)
{
  const char *path = spec->linux_->cgroups_path;

  return path != NULL && (*path == '/' || strchr (path, ':') != NULL);
}

static gboolean
check (const OciSpec *spec, UnitType type, GError **error)
{
  const FieldNote *refused = oci_notes_refused (spec->notes);

  if (refused != NULL)
    return plan_refuse (error, refused->pointer, "%s", refused->reason);
  if (spec->process == NULL)
    return plan_refuse (error, "/process", "there is no program to run");
  if (spec->process->terminal.value)
    return plan_refuse (error, "/process/terminal", "a service has no terminal (make it"
                        " false)");
  /* systemd takes no main process that is not in the unit's cgroup */
  if (type == UNIT_FORKING && leaves_cgroup (spec))
    return plan_refuse (error, "/linux/cgroupsPath", "%s: the container's first process would not"
                        " be in the unit's cgroup (--type simple)", spec->linux_->cgroups_path);
  return TRUE;
}

/* The signal that asks the program to end; -1 with an error. */
static int
stop_signal (const OciSpec *spec, gboolean runs_systemd, GError **error)
{
  const char *name = oci_spec_annotation (spec, "org.opencontainers.image.stopSignal");
  int number;

  if (name == NULL)
    return runs_systemd ? SIGRTMIN + 3 : SIGTERM;
  number = name_to_signal (name);
  if (number > 0)
    return number;
  plan_refuse (error, "/annotations/org.opencontainers.image.stopSignal", "unknown signal \"%s\"",
               name);
  return -1;
}

/* --- the sections --- */

static gboolean
append_commands (GString *unit, const UnitOptions *options, UnitType type, GError **error)
{
  if (!append_program (unit, "ExecStart", options, error))
    return FALSE;
  g_string_append (unit, " run");
  /* %t: the folder for what lives as long as the boot, or the user's session */
  if (type == UNIT_FORKING)
    g_string_append_printf (unit, " --detach --pid-file %%t/bwrap-oci-%s.pid", options->name);
  g_string_append (unit, " --bundle");
  append_word (unit, options->bundle);
  if (options->config != NULL)
    {
      g_string_append (unit, " --config");
      append_word (unit, options->config);
    }
  g_string_append_printf (unit, " %s\n", options->name);
  if (!append_program (unit, "ExecStopPost", options, error))
    return FALSE;
  g_string_append_printf (unit, " delete --force %s\n", options->name);
  if (type == UNIT_FORKING)
    g_string_append_printf (unit, "PIDFile=%%t/bwrap-oci-%s.pid\n", options->name);
  return TRUE;
}

/* Appends an end by @signal to a list, as the manager sees it: the runtime, where that is the main
 * process, returns 128 and its number; but SIGKILL cannot be handed on. */
static void
append_end (GString *unit, UnitType type, int signal)
{
  g_autofree char *name = name_of_signal (signal);

  if (unit->str[unit->len - 1] != '=')
    g_string_append_c (unit, ' ');
  if (type == UNIT_FORKING || signal == SIGKILL)
    g_string_append_printf (unit, "SIG%s", name);
  else
    g_string_append_printf (unit, "%d", 128 + signal);
}

/* An end by the stop signal is one as asked for; so are those by which systemd halts and boots
 * again, which is what the latter does. */
static void
append_ends (GString *unit, UnitType type, gboolean runs_systemd, int signal)
{
  g_autofree char *name = name_of_signal (signal);

  g_string_append_printf (unit, "Restart=on-failure\nKillMode=mixed\nKillSignal=SIG%s\n", name);
  g_string_append (unit, "SuccessExitStatus=");
  if (runs_systemd)
    {
      append_end (unit, type, SIGNAL_REBOOT);
      append_end (unit, type, SIGNAL_HALT);
    }
  append_end (unit, type, signal);
  if (runs_systemd)
    {
      g_string_append (unit, "\nRestartForceExitStatus=");
      append_end (unit, type, SIGNAL_REBOOT);
    }
  g_string_append_c (unit, '\n');
}

char *
unit_format (const OciSpec *spec, const UnitOptions *options, GError **error)
{
  g_autoptr (GString) unit = g_string_new (NULL);
  gboolean runs_systemd = spec->systemd != SYSTEMD_NONE;
  UnitType type = options->type >= 0 ? (UnitType) options->type
                  : spec->systemd == SYSTEMD_CERTAIN ? UNIT_NOTIFY : UNIT_SIMPLE;
  int signal;

  if (!check (spec, type, error))
    return NULL;
  signal = stop_signal (spec, runs_systemd, error);
  if (signal < 0)
    return NULL;
  g_string_append_printf (unit, "[Unit]\nDescription=OCI container %s\n"
                          "Documentation=man:bwrap-oci(1)\n\n[Service]\nType=%s\n",
                          options->name, name_of (unit_types, type));
  if (!append_commands (unit, options, type, error))
    return NULL;
  append_ends (unit, type, runs_systemd, signal);
  g_string_append_printf (unit, "SyslogIdentifier=%s\nDelegate=yes\n", options->name);
  if (!unit_append_limits (unit, spec, error))
    return NULL;
  g_string_append (unit, "\n[Install]\nWantedBy=default.target\n");
  if (!g_utf8_validate (unit->str, (gssize) unit->len, NULL))
    return throw_null (error, "a path is not UTF-8, as a unit has to be");
  return g_string_free (g_steal_pointer (&unit), FALSE);
}
