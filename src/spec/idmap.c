/* Id mappings; see idmap.h. */
#include "config.h"

#include "spec/idmap.h"

#include "base/error.h"

static const Field id_mapping_fields[] = {
  FIELD_UINT32 (OciIdMapping, container_id, "containerID", "first id inside the container",
                .flags = FIELD_REQUIRED, .max = OCI_ID_MAX),
  FIELD_UINT32 (OciIdMapping, host_id, "hostID", "first id in the caller's user namespace",
                .flags = FIELD_REQUIRED, .max = OCI_ID_MAX),
  FIELD_UINT32 (OciIdMapping, size, "size", "number of ids", .flags = FIELD_REQUIRED, .min = 1),
  FIELD_END,
};

const FieldType oci_id_mapping_type = { "id mapping", sizeof (OciIdMapping), id_mapping_fields };

/* Whether two ranges of ids have one in common; none of them wraps. */
static gboolean
overlap (const OptUint32 *a, guint32 a_size, const OptUint32 *b, guint32 b_size)
{
  return a->value < (guint64) b->value + b_size && b->value < (guint64) a->value + a_size;
}

/* The kernel wants the end of a range, not only its last id, to be a 32 bit number
 * (map_write() in user_namespace.c). */
static gboolean
wraps (const OptUint32 *first, guint32 size)
{
  return (guint64) first->value + size > G_MAXUINT32;
}

/* Checks mapping @i by itself and against those before it. */
static gboolean
check_one (const GPtrArray *mappings, guint i, const char *at, GError **error)
{
  const OciIdMapping *mapping = g_ptr_array_index (mappings, i);
  guint32 size = mapping->size.value;

  if (wraps (&mapping->container_id, size) || wraps (&mapping->host_id, size))
    return throw (error, "%s/%u: the mapping is out of range: it goes beyond id %u", at, i,
                  OCI_ID_MAX);
  for (guint j = 0; j < i; j++)
    {
      const OciIdMapping *other = g_ptr_array_index (mappings, j);
      guint32 other_size = other->size.value;

      if (overlap (&mapping->container_id, size, &other->container_id, other_size))
        return throw (error, "%s/%u/containerID: mapping overlaps with that of %s/%u", at, i, at,
                      j);
      if (overlap (&mapping->host_id, size, &other->host_id, other_size))
        return throw (error, "%s/%u/hostID: mapping overlaps with that of %s/%u", at, i, at, j);
    }
  return TRUE;
}

gboolean
oci_id_mappings_check (const GPtrArray *mappings, const char *at, GError **error)
{
  if (field_count (mappings) > OCI_ID_MAPPINGS_MAX)
    return throw (error, "%s: too many mappings: %u, the kernel takes %d", at, mappings->len,
                  OCI_ID_MAPPINGS_MAX);
  for (guint i = 0; i < field_count (mappings); i++)
    if (!check_one (mappings, i, at, error))
      return FALSE;
  return TRUE;
}

gboolean
oci_id_mappings_have (const GPtrArray *mappings, guint32 id)
{
  for (guint i = 0; i < field_count (mappings); i++)
    {
      const OciIdMapping *mapping = g_ptr_array_index (mappings, i);

      if (id >= mapping->container_id.value
          && id - mapping->container_id.value < mapping->size.value)
        return TRUE;
    }
  return FALSE;
}
