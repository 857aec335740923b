/* The system call filter; see seccomp.h. */
#include "config.h"

#include "run/seccomp.h"

#include "host/cache.h"
#include "run/seccomp-emit.h"
#include "run/seccomp-table.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#define CACHE_DIRECTORY ".cache"
#define CACHE_ENTRIES_MAX 32
#define PROGRAM_SIZE_MAX (BPF_MAXINSNS * sizeof (struct sock_filter))

/* Changes with what programs are made like, so that those of other builds are not taken. */
#define CACHE_FORMAT "bwrap-oci seccomp " PACKAGE_VERSION " 1"

/* linux/seccomp.h of older kernels does not have it (seccomp(2), Linux 5.19). */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif

gboolean
seccomp_notifies (const OciSeccomp *seccomp)
{
  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    if (((const OciSyscall *) g_ptr_array_index (seccomp->syscalls, i))->action
        == OCI_SECCOMP_NOTIFY)
      return TRUE;
  return FALSE;
}

/* The flags of seccomp(2). None given is SPEC_ALLOW for the peers. TSYNC is left out: the init has
 * one thread, and the kernel refuses it together with a listener. Without a listener there is
 * nothing that WAIT_KILLABLE_RECV could be about, and the kernel refuses it. */
static guint32
filter_flags (const OciSeccomp *seccomp)
{
  guint32 flags = 0;

  if (seccomp->flags == NULL)
    return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  for (guint i = 0; i < seccomp->flags->len; i++)
    flags |= g_array_index (seccomp->flags, guint32, i);
  flags &= ~(guint32) SECCOMP_FILTER_FLAG_TSYNC;
  if (!seccomp_notifies (seccomp))
    flags &= ~(guint32) SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return flags;
}

/* --- the key of the cache ------------------------------------------------------------------ */

static void
put_number (GByteArray *out, guint64 value)
{
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

/* With its NUL, so that the next string cannot be taken for its end. */
static void
put_string (GByteArray *out, const char *text)
{
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text) + 1);
}

static void
put_optional (GByteArray *out, const OptUint32 *number)
{
  put_number (out, number->set ? number->value : G_MAXUINT64);
}

static void
put_rule (GByteArray *out, const OciSyscall *rule)
{
  put_number (out, (guint64) rule->action);
  put_optional (out, &rule->errno_ret);
  for (char **name = rule->names; *name != NULL; name++)
    put_string (out, *name);
  put_string (out, "");
  put_number (out, field_count (rule->args));
  for (guint i = 0; i < field_count (rule->args); i++)
    {
      const OciSyscallArg *arg = g_ptr_array_index (rule->args, i);

      put_number (out, arg->index.value);
      put_number (out, (guint64) arg->op);
      put_number (out, arg->value.value);
      put_number (out, arg->value_two.value);
    }
}

/* What the program depends on besides the rules: the numbers that libseccomp knows. */
static void
put_environment (GByteArray *out)
{
  const struct scmp_version *version = seccomp_version ();

  put_string (out, CACHE_FORMAT);
  put_number (out, version->major);
  put_number (out, version->minor);
  put_number (out, version->micro);
  put_number (out, seccomp_arch_native ());
}

/* Returns the name of the file for the program of @seccomp. Transfer: full. */
static char *
cache_name (const OciSeccomp *seccomp)
{
  g_autoptr (GByteArray) content = g_byte_array_sized_new (16 * 1024);
  const GArray *architectures = seccomp->architectures;
  g_autofree char *sum = NULL;

  put_environment (content);
  put_number (content, (guint64) seccomp->default_action);
  put_optional (content, &seccomp->default_errno_ret);
  put_number (content, architectures != NULL ? architectures->len : 0);
  for (guint i = 0; architectures != NULL && i < architectures->len; i++)
    put_number (content, g_array_index (architectures, guint32, i));
  for (guint i = 0; i < field_count (seccomp->syscalls); i++)
    put_rule (content, g_ptr_array_index (seccomp->syscalls, i));
  sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, content->data, content->len);
  return g_strconcat (CACHE_DIRECTORY "/seccomp-", sum, NULL);
}

/* --- the program ---------------------------------------------------------------------------- */

static GBytes *
load_program (int root_fd, const char *name)
{
  g_autofree char *data = NULL;
  gsize length;

  if (!cache_load (root_fd, name, PROGRAM_SIZE_MAX, &data, &length) || length == 0
      || length % sizeof (struct sock_filter) != 0)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), length);
}

static GBytes *
make_program (const OciSeccomp *seccomp, gboolean *ret_complete, GError **error)
{
  g_autoptr (GPtrArray) tables = seccomp_tables_new (seccomp, ret_complete);
  GArray *program = seccomp_emit (tables, error);
  gsize size;

  if (program == NULL)
    {
      g_prefix_error (error, "config.json: /linux/seccomp: ");
      return NULL;
    }
  size = program->len * sizeof (struct sock_filter);
  return g_bytes_new_take (g_array_free (program, FALSE), size);
}

/* Looks for the program, else makes and keeps it. */
static GBytes *
find_program (const OciSeccomp *seccomp, int root_fd, GError **error)
{
  g_autofree char *name = root_fd >= 0 ? cache_name (seccomp) : NULL;
  GBytes *program = NULL;
  gboolean complete;

  if (name != NULL)
    program = load_program (root_fd, name);
  if (program != NULL)
    return program;
  program = make_program (seccomp, &complete, error);
  /* an incomplete one is made each time, so that each time says so */
  if (program != NULL && name != NULL && complete)
    {
      cache_store (root_fd, name, g_bytes_get_data (program, NULL), g_bytes_get_size (program));
      cache_trim (root_fd, CACHE_DIRECTORY, CACHE_ENTRIES_MAX);
    }
  return program;
}

gboolean
seccomp_program (const OciSeccomp *seccomp, int root_fd, GBytes **ret_program, guint32 *ret_flags,
                 GError **error)
{
  GBytes *program = NULL;

  if (seccomp->default_action >= 0)
    {
      program = find_program (seccomp, root_fd, error);
      if (program == NULL)
        return FALSE;
    }
  *ret_program = program;
  *ret_flags = filter_flags (seccomp);
  return TRUE;
}
