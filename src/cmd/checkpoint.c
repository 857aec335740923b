/* bwrap-oci checkpoint, bwrap-oci restore: not here, which callers find out by "--help". */
#include "config.h"

#include "cmd/cmd.h"

const Command cmd_checkpoint = {
  .name = "checkpoint",
  .refusal = "saving containers is not supported",
};

const Command cmd_restore = {
  .name = "restore",
  .refusal = "restoring containers is not supported",
};
