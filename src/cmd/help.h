/* --help and --version. */
#pragma once

#include "cmd/cmd.h"

/* Prints the help of the program, whose commands are @commands (ends with NULL). */
void cmd_print_help (const Command *const *commands);

/* Prints the help of one command. */
void cmd_print_command_help (const Command *command);

/* Prints what --version says: callers read it by the start of each line. */
void cmd_print_version (const CmdContext *context);
