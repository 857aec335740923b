/* What this runtime can do, as its own tables say (runtime-spec features.md, features-linux.md). */
#pragma once

#include <glib.h>

typedef struct {
  /* words, NULL at the end of each; not owned */
  GPtrArray *hooks;
  GPtrArray *mount_options;
  GPtrArray *namespaces;
  GPtrArray *capabilities;
  GPtrArray *seccomp_actions;
  GPtrArray *seccomp_operators;
  GPtrArray *seccomp_architectures;
  GPtrArray *seccomp_flags;
  GPtrArray *seccomp_kernel_flags;  /* those of seccomp_flags that this kernel knows */
  GPtrArray *memory_policy_modes;
  GPtrArray *memory_policy_flags;

  gboolean systemd;  /* as the maker of cgroups */
  gboolean rdma;
  gboolean seccomp;
  gboolean apparmor;
  gboolean selinux;
  gboolean intel_rdt;
  gboolean intel_rdt_schemata;
  gboolean intel_rdt_monitoring;
  gboolean net_devices;
  gboolean idmap;    /* of mounts */

  char *bwrap;       /* its version; NULL: none that can be used */
  char *libseccomp;  /* its version */
} Features;

/* Fills @ret_features; @bwrap is the path of bubblewrap, NULL: the built-in one. */
void features_read (const char *bwrap, Features *ret_features);

void features_clear (Features *features);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Features, features_clear)
