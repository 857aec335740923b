/* linux.seccomp to a program, which is compared with what the rules say. */
#include "config.h"

#include "../unit/filter.h"
#include "fuzz.h"
#include "run/seccomp.h"

#include <linux/filter.h>

#define CALLS 2000

static void
free_seccomp (OciSeccomp *seccomp)
{
  field_free (&oci_seccomp_type, seccomp);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OciSeccomp, free_seccomp)

static OciSeccomp *
read_filter (const char *data, gsize size, GError **error)
{
  g_autoptr (JsonText) json = json_text_parse (data, size, error);
  g_autoptr (OciSeccomp) seccomp = NULL;

  if (json != NULL)
    seccomp = field_read (&oci_seccomp_type, json_text_root (json), "", NULL, error);
  if (seccomp == NULL || !oci_seccomp_check (seccomp, error))
    return NULL;
  return g_steal_pointer (&seccomp);
}

void
fuzz_filter (const char *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSeccomp) seccomp = read_filter (data, size, &error);
  g_autoptr (GBytes) program = NULL;
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) size);
  guint32 flags;

  if (seccomp == NULL || !seccomp_program (seccomp, -1, &program, &flags, &error))
    {
      fuzz_check_error (error);
      return;
    }
  if (program == NULL)
    return;
  g_assert_cmpuint (g_bytes_get_size (program), <=, BPF_MAXINSNS * sizeof (struct sock_filter));
  filter_check (seccomp, program, random, CALLS);
}
