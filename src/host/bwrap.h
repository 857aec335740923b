/* Which options bwrap has: asked of "bwrap --help", never concluded from its version, since
 * distributions backport them. */
#pragma once

#include "plan/facts.h"

/* Fills @facts for the bwrap at @path. The answer is kept in the file ".probe" of the state root
 * @root_fd (-1: not kept), known by the file's device, inode, size and modification time and the
 * boot. What makes bwrap unusable is in problem: one line that names the path, what was found,
 * what is needed and the command that mends it. */
void host_bwrap_probe (BwrapFacts *facts, const char *path, int root_fd);

/* Finds the options in the text that "bwrap --help" prints. */
BwrapOptions bwrap_parse_help (const char *text);
