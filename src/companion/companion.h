/* bwrap-oci-gio: what needs json-glib or GIO, apart from the runtime because loading them takes
 * longer than most commands do; and what loads plugins.
 *
 * Its arguments come from bwrap-oci, which has checked them: LOG FORMAT DEBUG COMMAND ARGUMENT...;
 * it is not for people. */
#pragma once

#include <glib.h>

/* Prints the state of container ID: ROOT ID. */
gboolean companion_state (char **args, GError **error);

/* Prints all containers as JSON: ROOT. */
gboolean companion_list (char **args, GError **error);

/* Prints what the runtime can do: BWRAP, "" for the built-in path. */
gboolean companion_features (char **args, GError **error);

/* Prints what would become of a bundle: ROOT RUNTIME_DIR BWRAP BUNDLE CONFIG MANAGER MODE, "" for
 * what was not given. Returns FALSE without an error where it would not run. */
gboolean companion_check (char **args, GError **error);

/* Writes a configuration: DIR FILE, and "rootless" or "". */
gboolean companion_spec (char **args, GError **error);

/* Makes a scope with one process in it and prints the id of its invocation: BUS UNIT PID, and NAME
 * VALUE for each property, its value as text of GVariant. */
gboolean companion_scope_start (char **args, GError **error);

/* Sets properties of a scope: BUS UNIT, and NAME VALUE for each. */
gboolean companion_scope_set (char **args, GError **error);

/* Moves a process into a cgroup below that of a scope: BUS UNIT PATH PID. */
gboolean companion_scope_attach (char **args, GError **error);

/* Stops a scope, if it is still the same: BUS UNIT INVOCATION. */
gboolean companion_scope_stop (char **args, GError **error);

/* Prints the login name of a uid, if it has one: UID. */
gboolean companion_user (char **args, GError **error);

/* Prints what libsubid says of a user, in lines of subuid(5) that belong to "uid" and "gid":
 * NAME. */
gboolean companion_sub_ids (char **args, GError **error);
