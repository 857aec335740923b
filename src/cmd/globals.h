/* The options before the command. */
#pragma once

#include "cmd/cmd.h"

/* For GlobalOptions. */
extern const Option cmd_global_options[];

/* Checks the options that were read into @context and works out what they mean. */
gboolean cmd_globals_apply (CmdContext *context, GError **error);
