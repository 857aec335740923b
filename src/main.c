/* bwrap-oci: runs OCI containers with bubblewrap.
 *
 * The command table, the options before the command, the exit status. */
#include "config.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/self.h"
#include "cmd/globals.h"
#include "cmd/help.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Command *const commands[] = {
  &cmd_run,  &cmd_create, &cmd_start, &cmd_state, &cmd_list,
  &cmd_exec, &cmd_kill, &cmd_delete, &cmd_ps,    &cmd_pause,
  &cmd_resume, &cmd_update, &cmd_events, &cmd_spec,  &cmd_unit,  &cmd_check,
  &cmd_unshare, &cmd_features,
  &cmd_checkpoint, &cmd_restore, NULL,
};

/* What the command line says: a command, its options, its arguments. */
typedef struct {
  const Command *command;
  gpointer values;
  char **args;
  gboolean help;
} Call;

typedef struct {
  gboolean help;
} CommonOptions;

static const Option common_options[] = {
  OPTION_FLAG (CommonOptions, help, 'h', "help", NULL),
  OPTION_END,
};

static void
ignore_signal (int signal)
{
}

/* Whatever the caller ignored would stay ignored in every program that we start; @ret_ignored gets
 * what that was. A hangup alone we go on ignoring, as nohup(1) wants it: base/spawn takes that from
 * what we start. SIGPIPE and SIGXFSZ get a handler, so that a write is an error here and a
 * death there: handlers end with execve(2). */
static void
reset_signals (sigset_t *ret_ignored)
{
  const struct sigaction write_action = { .sa_handler = ignore_signal, .sa_flags = SA_RESTART };
  const struct sigaction default_action = { .sa_handler = SIG_DFL };

  sigemptyset (ret_ignored);
  for (int signal = 1; signal <= SIGRTMAX; signal++)
    if (proc_ignores (signal))
      {
        (void) sigaddset (ret_ignored, signal);
        if (signal != SIGHUP)
          (void) sigaction (signal, &default_action, NULL);
      }
  (void) sigaction (SIGPIPE, &write_action, NULL);
  (void) sigaction (SIGXFSZ, &write_action, NULL);
}

/* What our caller gave us. Who gives only the fifth descriptor says so as "three", and the others
 * are not open; further up they are in a row. */
static void
count_descriptors (CmdContext *context)
{
  guint count = fd_count_from (STDERR_FILENO + 1);
  guint64 absent = 0;

  context->given_fds = count;
  for (; count < 64; count++)
    if (fcntl (STDERR_FILENO + 1 + (int) count, F_GETFD) < 0)
      absent |= (guint64) 1 << count;
    else
      {
        context->given_fds = count + 1;
        context->absent_fds = absent;
      }
}

/* Puts this process into a state that does not depend on its caller. */
static gboolean
set_up (CmdContext *context, GError **error)
{
  if (!self_unprivileged (error) || !fd_ensure_standard (error)
      || !fd_cloexec_from (STDERR_FILENO + 1, error))
    return FALSE;
  /* before there is one of our own */
  count_descriptors (context);
  reset_signals (&context->ignored);
  environment_read (&context->environment);
  return TRUE;
}

static const Command *
find_command (const char *name)
{
  for (const Command *const *c = commands; *c != NULL; c++)
    if (strcmp ((*c)->name, name) == 0)
      return *c;
  return NULL;
}

static gboolean
unknown_command (const char *name, GError **error)
{
  const char *names[G_N_ELEMENTS (commands)];
  const char *near;
  gsize count = 0;

  for (const Command *const *c = commands; *c != NULL; c++)
    names[count++] = (*c)->name;
  near = options_near (name, names, count);
  if (near != NULL)
    return throw (error, "unknown command %s (did you mean %s?)", name, near);
  return throw (error, "unknown command %s (bwrap-oci --help lists them)", name);
}

/* Finds the command at the start of call->args. No word for one means run; so does a word that
 * can be a bundle's name: a single one, where there is a configuration or one was named. */
static gboolean
find_call (Call *call, const Option *seen_of_run, GError **error)
{
  const char *word = call->args[0];

  call->command = word != NULL ? find_command (word) : &cmd_run;
  if (call->command != NULL)
    {
      call->args += word != NULL;
      if (seen_of_run != NULL && call->command != &cmd_run)
        return throw (error, "--%s is an option of run, not of %s", seen_of_run->name, word);
      return call->command->refusal == NULL
             || throw (error, "%s: %s", word, call->command->refusal);
    }
  call->command = &cmd_run;
  if (call->args[1] != NULL
      || (seen_of_run == NULL && faccessat (AT_FDCWD, "config.json", F_OK, 0) < 0))
    return unknown_command (word, error);
  return TRUE;
}

static gboolean
check_args (const Command *command, char **args, GError **error)
{
  int count = (int) g_strv_length (args);

  if (count < command->min_args)
    return throw (error, "%s: an argument is missing: bwrap-oci %s %s", command->name,
                  command->name, command->arguments);
  if (command->max_args >= 0 && count > command->max_args)
    return throw (error, "%s: unexpected argument \"%s\"%s", command->name,
                  args[command->max_args],
                  *args[command->max_args] == '-' ? " (options stand before the others)" : "");
  return !command->takes_id || count == 0 || store_check_id (args[0], error);
}

/* Reads the part of the command line behind the command. */
static gboolean
read_call (Call *call, GError **error)
{
  CommonOptions common = { 0 };
  OptionSet sets[] = { { call->command->options, call->values }, { common_options, &common } };
  char **args = options_parse (sets, G_N_ELEMENTS (sets), call->args, error);

  if (args != NULL && !call->command->early_options && *args != NULL)
    {
      char *first = *args;

      args = options_parse (sets, G_N_ELEMENTS (sets), args + 1, error);
      if (args != NULL)
        *--args = first;
    }
  if (args == NULL)
    {
      g_prefix_error (error, "%s: ", call->command->name);
      return FALSE;
    }
  call->args = args;
  call->help = common.help;
  return call->help || check_args (call->command, args, error);
}

/* Reads all of the command line. The options of run may stand before the command, as older
 * versions have it. */
static gboolean
read_command_line (CmdContext *context, char **args, Call *call, GError **error)
{
  gpointer run_values = g_malloc0 (cmd_run.options_size);
  OptionSet sets[] = { { cmd_global_options, &context->options }, { cmd_run.options, run_values } };

  call->values = run_values;
  call->args = options_parse (sets, G_N_ELEMENTS (sets), args, error);
  if (call->args == NULL || !cmd_globals_apply (context, error)
      || !log_open (context->options.log, context->log_format, context->options.debug, error))
    return FALSE;
  if (context->options.help || context->options.version)
    return TRUE;
  if (!find_call (call, sets[1].seen, error))
    return FALSE;
  if (call->command != &cmd_run)
    {
      g_free (run_values);
      call->values = g_malloc0 (call->command->options_size);
    }
  return read_call (call, error);
}

static int
run_call (const CmdContext *context, const Call *call, GError **error)
{
  if (context->options.help)
    cmd_print_help (commands);
  else if (call->command == NULL)
    cmd_print_version (context);
  else if (call->help)
    cmd_print_command_help (call->command);
  else
    return call->command->run (context, call->values, call->args, error);
  return 0;
}

/* The exit status of @error: that of a RUNTIME_ERROR is its code. */
static int
failure_status (const GError *error)
{
  log_failure (error != NULL ? error->message : "failed");
  return error != NULL && error->domain == RUNTIME_ERROR ? error->code : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  CmdContext context = { 0 };
  Call call = { 0 };
  int status = -1;

  if (set_up (&context, &error)
      && read_command_line (&context, argv + (argc > 0), &call, &error))
    status = run_call (&context, &call, &error);
  if (call.command != NULL)
    options_clear (call.command->options, call.values);
  g_free (call.values);
  if (status >= 0 && fflush (stdout) != 0)
    {
      throw_errno (&error, "write to standard output");
      status = -1;
    }
  return status >= 0 ? status : failure_status (error);
}
