/* The configuration; see spec.h. The rows of the chapters are in their own files. */
#include "config.h"

#include "spec/spec.h"

#include "base/error.h"
#include "spec/document.h"
#include "spec/sysctl.h"

#include <linux/sched.h>
#include <string.h>

/* sethostname(2) and setdomainname(2) take that much. */
#define UTS_NAME_MAX 64

#define OTHER_PLATFORM(name) \
  FIELD_NOTHING (name, "for another platform", .support = FIELD_IGNORED, \
                 .reason = "for another platform")

static const Field spec_fields[] = {
  FIELD_STRING (OciSpec, oci_version, "ociVersion", "version of the specification",
                .flags = FIELD_REQUIRED),
  FIELD_OBJECT (OciSpec, root, OciRoot, oci_root_type, "root", "the root file system",
                .flags = FIELD_REQUIRED),
  FIELD_OBJECTS (OciSpec, mounts, oci_mount_type, "mounts", "further mounts, in order"),
  FIELD_OBJECT (OciSpec, process, OciProcess, oci_process_type, "process",
                "the container's process"),
  FIELD_STRING (OciSpec, hostname, "hostname", "host name", .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciSpec, domainname, "domainname", "NIS domain name",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECT (OciSpec, hooks, OciHooks, oci_hooks_type, "hooks", "programs run on the way"),
  FIELD_PAIRS (OciSpec, annotations, "annotations", "whatever callers want to keep"),
  FIELD_OBJECT (OciSpec, linux_, OciLinux, oci_linux_type, "linux", "what is special to Linux",
                .flags = FIELD_ALWAYS),
  OTHER_PLATFORM ("solaris"),
  OTHER_PLATFORM ("windows"),
  OTHER_PLATFORM ("vm"),
  OTHER_PLATFORM ("zos"),
  OTHER_PLATFORM ("freebsd"),
  FIELD_END,
};

const FieldType oci_spec_type = { "spec", sizeof (OciSpec), spec_fields };

/* Goes past a number without leading zeros (semver.org, item 2). */
static gboolean
take_number (const char **text, guint64 *ret_number)
{
  const char *start = *text;
  gsize digits = strspn (start, "0123456789");

  if (digits == 0 || digits > 9 || (start[0] == '0' && digits > 1))
    return FALSE;
  *ret_number = g_ascii_strtoull (start, NULL, 10);
  *text = start + digits;
  return TRUE;
}

/* Whether @text is the rest of a version: nothing, "-PRERELEASE", "+BUILD" or both. */
static gboolean
is_version_suffix (const char *text)
{
  static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";

  for (const char *mark = "-+"; *mark != '\0'; mark++)
    if (*text == *mark)
      {
        gsize length = strspn (text + 1, letters);

        if (length == 0)
          return FALSE;
        text += 1 + length;
      }
  return *text == '\0';
}

/* Any 1.x is fine, since minor versions only add; of the drafts those from 0.3.0, which atomic's
 * templates say. */
static gboolean
check_version (const char *version, GError **error)
{
  const char *p = version;
  guint64 major = 0;
  guint64 minor = 0;
  guint64 patch = 0;

  if (!take_number (&p, &major) || *p++ != '.'
      || !take_number (&p, &minor) || *p++ != '.'
      || !take_number (&p, &patch) || !is_version_suffix (p))
    return throw (error, "/ociVersion: expected a version as 1.0.2, got \"%.100s\"", version);
  if (major > 1 || (major == 0 && minor < 3))
    return throw (error, "/ociVersion: unsupported version \"%.100s\"", version);
  return TRUE;
}

static gboolean
check_uts_name (const OciSpec *spec, const char *value, const char *name, GError **error)
{
  if (value == NULL)
    return TRUE;
  if (strlen (value) > UTS_NAME_MAX)
    return throw (error, "/%s: too long: %zu bytes, at most %d", name, strlen (value),
                  UTS_NAME_MAX);
  if (oci_linux_namespace (spec->linux_, CLONE_NEWUTS) == NULL)
    return throw (error, "/%s: unable to set %s without a private UTS namespace", name, name);
  return TRUE;
}

static gboolean
not_mapped (guint32 id, const char *at, GError **error)
{
  return throw (error, "/process/user/%s: %u is not mapped into the user namespace", at, id);
}

/* Where the maps are not in the file, they are made or looked up later. */
static gboolean
check_ids (const OciUser *user, const OciLinux *linux_, GError **error)
{
  const GArray *gids = user->additional_gids;

  if (field_count (linux_->uid_mappings) == 0)
    return TRUE;
  if (!oci_id_mappings_have (linux_->uid_mappings, user->uid.value))
    return not_mapped (user->uid.value, "uid", error);
  if (!oci_id_mappings_have (linux_->gid_mappings, user->gid.value))
    return not_mapped (user->gid.value, "gid", error);
  for (guint i = 0; gids != NULL && i < gids->len; i++)
    if (!oci_id_mappings_have (linux_->gid_mappings, g_array_index (gids, guint32, i)))
      {
        g_autofree char *at = g_strdup_printf ("additionalGids/%u", i);

        return not_mapped (g_array_index (gids, guint32, i), at, error);
      }
  return TRUE;
}

static gboolean
check (const OciSpec *spec, GError **error)
{
  const OciProcess *process = spec->process;

  return check_version (spec->oci_version, error)
         && oci_root_check (spec->root, error)
         && oci_mounts_check (spec->mounts, error)
         && (process == NULL || oci_process_check (process, "/process", error))
         && (spec->hooks == NULL || oci_hooks_check (spec->hooks, error))
         && oci_linux_check (spec->linux_, error)
         && oci_sysctl_check (spec->linux_, spec->domainname, error)
         && check_uts_name (spec, spec->hostname, "hostname", error)
         && check_uts_name (spec, spec->domainname, "domainname", error)
         && (process == NULL || check_ids (process->user, spec->linux_, error));
}

OciSpec *
oci_spec_parse (const char *text, gsize length, const char *name, GError **error)
{
  OciDocument document = { text, length, name };
  g_autoptr (GPtrArray) notes = oci_notes_new ();
  g_autoptr (OciSpec) spec = NULL;

  spec = oci_document_read (&oci_spec_type, &document, notes, error);
  if (spec == NULL)
    return NULL;
  spec->notes = g_steal_pointer (&notes);
  if (!check (spec, error))
    {
      oci_document_invalid (&document, error);
      return NULL;
    }
  return g_steal_pointer (&spec);
}

void
oci_spec_free (OciSpec *spec)
{
  if (spec == NULL)
    return;
  g_clear_pointer (&spec->notes, g_ptr_array_unref);
  field_free (&oci_spec_type, spec);
}

const FieldNote *
oci_notes_refused (const GPtrArray *notes)
{
  for (guint i = 0; i < field_count (notes); i++)
    {
      const FieldNote *note = g_ptr_array_index (notes, i);

      if (note->support == FIELD_REFUSED)
        return note;
    }
  return NULL;
}

const char *const oci_annotation_prefixes[] = {
  "org.bwrap-oci.", "run.oci.", "org.systemd.property.", NULL,
};

const char *
oci_spec_annotation (const OciSpec *spec, const char *key)
{
  for (guint i = 0; i < field_count (spec->annotations); i++)
    {
      const OciPair *pair = g_ptr_array_index (spec->annotations, i);

      if (strcmp (pair->key, key) == 0)
        return pair->value;
    }
  return NULL;
}
