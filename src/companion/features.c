/* The features document (runtime-spec features.md, features-linux.md). */
#include "config.h"

#include "companion/companion.h"
#include "companion/document.h"

#include "commit.h"
#include "run/features.h"
#include "spec/spec.h"

#include <stdio.h>

static void
begin (JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name (builder, key);
  json_builder_begin_object (builder);
}

static void
add_words (JsonBuilder *builder, const char *key, const GPtrArray *words)
{
  document_strings (builder, key, (const char *const *) words->pdata);
}

/* An object with nothing but "enabled". */
static void
add_switch (JsonBuilder *builder, const char *key, gboolean enabled)
{
  begin (builder, key);
  document_bool (builder, "enabled", enabled);
  json_builder_end_object (builder);
}

static void
add_cgroup (JsonBuilder *builder, const Features *features)
{
  begin (builder, "cgroup");
  document_bool (builder, "v1", TRUE);
  document_bool (builder, "v2", TRUE);
  document_bool (builder, "systemd", features->systemd);
  document_bool (builder, "systemdUser", features->systemd);
  document_bool (builder, "rdma", features->rdma);
  json_builder_end_object (builder);
}

static void
add_seccomp (JsonBuilder *builder, const Features *features)
{
  begin (builder, "seccomp");
  document_bool (builder, "enabled", features->seccomp);
  add_words (builder, "actions", features->seccomp_actions);
  add_words (builder, "operators", features->seccomp_operators);
  add_words (builder, "archs", features->seccomp_architectures);
  add_words (builder, "knownFlags", features->seccomp_flags);
  add_words (builder, "supportedFlags", features->seccomp_kernel_flags);
  json_builder_end_object (builder);
}

static void
add_intel_rdt (JsonBuilder *builder, const Features *features)
{
  begin (builder, "intelRdt");
  document_bool (builder, "enabled", features->intel_rdt);
  document_bool (builder, "schemata", features->intel_rdt_schemata);
  document_bool (builder, "monitoring", features->intel_rdt_monitoring);
  json_builder_end_object (builder);
}

static void
add_linux (JsonBuilder *builder, const Features *features)
{
  begin (builder, "linux");
  add_words (builder, "namespaces", features->namespaces);
  add_words (builder, "capabilities", features->capabilities);
  add_cgroup (builder, features);
  add_seccomp (builder, features);
  add_switch (builder, "apparmor", features->apparmor);
  add_switch (builder, "selinux", features->selinux);
  add_intel_rdt (builder, features);
  begin (builder, "memoryPolicy");
  add_words (builder, "modes", features->memory_policy_modes);
  add_words (builder, "flags", features->memory_policy_flags);
  json_builder_end_object (builder);
  begin (builder, "mountExtensions");
  add_switch (builder, "idmap", features->idmap);
  json_builder_end_object (builder);
  add_switch (builder, "netDevices", features->net_devices);
  json_builder_end_object (builder);
}

static void
add_annotations (JsonBuilder *builder, const Features *features)
{
  begin (builder, "annotations");
  document_string (builder, "io.github.seccomp.libseccomp.version", features->libseccomp);
  if (features->bwrap != NULL)
    document_string (builder, "org.bwrap-oci.bubblewrap.version", features->bwrap);
  if (*GIT_COMMIT != '\0')
    document_string (builder, "org.bwrap-oci.commit", GIT_COMMIT);
  /* of --mode; the second one does less, so it is never chosen by itself */
  document_string (builder, "org.bwrap-oci.modes", "normal plain");
  document_string (builder, "org.bwrap-oci.version", PACKAGE_VERSION);
  json_builder_end_object (builder);
}

gboolean
companion_features (char **args, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GString) text = NULL;
  g_auto (Features) features = { 0 };

  features_read (*args[0] != '\0' ? args[0] : NULL, &features);
  json_builder_begin_object (builder);
  document_string (builder, "ociVersionMin", OCI_VERSION_MIN);
  document_string (builder, "ociVersionMax", OCI_VERSION_MAX);
  add_words (builder, "hooks", features.hooks);
  add_words (builder, "mountOptions", features.mount_options);
  add_linux (builder, &features);
  add_annotations (builder, &features);
  document_strings (builder, "potentiallyUnsafeConfigAnnotations", oci_annotation_prefixes);
  json_builder_end_object (builder);
  text = document_format (builder, 4, ' ');
  (void) puts (text->str);
  return TRUE;
}
