/* --help and --version; see help.h. */
#include "config.h"

#include "cmd/help.h"

#include "cmd/globals.h"
#include "commit.h"
#include "spec/spec.h"

#include <stdio.h>

static const Option help_option[] = {
  { OPTION_KIND_FLAG, 'h', "help", NULL, "this text", 0 },
  OPTION_END,
};

void
cmd_print_help (const Command *const *commands)
{
  (void) printf ("Usage: bwrap-oci [OPTION...] [COMMAND] [OPTION...] [ARGUMENT...]\n"
                 "Runs OCI containers with bubblewrap. Without a COMMAND it does what run does.\n"
                 "\nCommands:\n");
  for (; *commands != NULL; commands++)
    if ((*commands)->refusal == NULL)
      (void) printf ("  %-10s %s\n", (*commands)->name, (*commands)->summary);
  (void) printf ("\nOptions:\n");
  options_print (cmd_global_options);
  (void) printf ("\nOptions of run, as --pid-file FILE, may stand here as well: see run --help.\n");
}

void
cmd_print_command_help (const Command *command)
{
  (void) printf ("Usage: bwrap-oci %s [OPTION...]%s%s\n%c%s.\n\nOptions:\n", command->name,
                 *command->arguments != '\0' ? " " : "", command->arguments,
                 g_ascii_toupper (*command->summary), command->summary + 1);
  options_print (command->options);
  options_print (help_option);
}

void
cmd_print_version (const CmdContext *context)
{
  g_autofree char *root = cmd_locate_store (context, NULL);

  (void) printf ("bwrap-oci version " PACKAGE_VERSION "\n");
  if (*GIT_COMMIT != '\0')
    (void) printf ("commit: " GIT_COMMIT "\n");
  if (root != NULL)
    (void) printf ("rundir: %s\n", root);
  (void) printf ("spec: " OCI_VERSION_MAX "\n+SECCOMP\n");
}
