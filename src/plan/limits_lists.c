/* Cgroup limits that come in lists; see limits.h. */
#include "config.h"

#include "plan/limits.h"

#include "base/error.h"

#include <string.h>

#define LIST_MAX 8192

/* --- CPUs and memory nodes --- */

/* "3" or "0-3": digits alone, of numbers that are not too large. */
static gboolean
parse_range (const char *range, guint64 *ret_first, guint64 *ret_last)
{
  g_auto (GStrv) ends = g_strsplit (range, "-", 2);
  guint n = g_strv_length (ends);

  return n > 0 && g_ascii_string_to_unsigned (ends[0], 10, 0, LIST_MAX - 1, ret_first, NULL)
         && g_ascii_string_to_unsigned (ends[n - 1], 10, *ret_first, LIST_MAX - 1, ret_last, NULL);
}

GArray *
cgroup_list_mask (const char *list)
{
  g_auto (GStrv) ranges = g_strsplit (list, ",", -1);
  g_autoptr (GArray) mask = g_array_new (FALSE, TRUE, 1);

  for (char **range = ranges; *range != NULL; range++)
    {
      guint64 first, last;

      if (!parse_range (*range, &first, &last))
        return NULL;
      g_array_set_size (mask, MAX (mask->len, (guint) last / 8 + 1));
      for (guint64 i = first; i <= last; i++)
        g_array_index (mask, guint8, i / 8) |= (guint8) (1 << i % 8);
    }
  return mask->len > 0 ? g_steal_pointer (&mask) : NULL;
}

gboolean
cgroup_list_is_within (const char *inner, const char *outer)
{
  g_autoptr (GArray) a = cgroup_list_mask (inner), b = cgroup_list_mask (outer);

  for (guint i = 0; a != NULL && b != NULL && i < a->len; i++)
    if ((g_array_index (a, guint8, i) & ~(i < b->len ? g_array_index (b, guint8, i) : 0)) != 0)
      return FALSE;
  return a != NULL && b != NULL;
}

/* --- block devices --- */

static gboolean
add_weight (CgroupLimits *limits, const CgroupLimit *limit, const char *device, guint32 weight,
            GError **error)
{
  g_autofree char *bfq = g_strdup_printf ("%s%u", device, weight);
  g_autofree char *io = g_strdup_printf ("%s%" G_GUINT64_FORMAT, device,
                                         cgroup_io_weight (weight));
  const CgroupValue value = { .asked = TRUE, .v1 = bfq, .v2_other = io };

  return weight == 0 || cgroup_limits_add (limits, limit, &value, error);
}

static gboolean
add_weight_device (CgroupLimits *limits, const OciWeightDevice *device, guint index,
                   GError **error)
{
  g_autofree char *weight = g_strdup_printf ("/blockIO/weightDevice/%u/weight", index);
  g_autofree char *leaf_weight = g_strdup_printf ("/blockIO/weightDevice/%u/leafWeight", index);
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " ",
                                             device->major.value, device->minor.value);
  const CgroupLimit limit = {
    .controller = "io", .pointer = weight,
    .v1_file = "blkio.bfq.weight_device", .v1_other = "blkio.weight_device",
    .v2_file = "io.bfq.weight", .v2_other = "io.weight",
  };
  const CgroupLimit leaf = {
    .controller = "io", .pointer = leaf_weight, .v1_file = "blkio.leaf_weight_device",
  };

  return add_weight (limits, &limit, number, device->weight.value, error)
         && add_weight (limits, &leaf, number, device->leaf_weight.value, error);
}

static const struct {
  const char *name;
  gsize member;         /* of OciBlockIo */
  const char *v1_file;
  const char *v2_key;   /* in io.max */
} throttles[] = {
  { "throttleReadBpsDevice", offsetof (OciBlockIo, throttle_read_bps_device),
    "blkio.throttle.read_bps_device", "rbps" },
  { "throttleWriteBpsDevice", offsetof (OciBlockIo, throttle_write_bps_device),
    "blkio.throttle.write_bps_device", "wbps" },
  { "throttleReadIOPSDevice", offsetof (OciBlockIo, throttle_read_iops_device),
    "blkio.throttle.read_iops_device", "riops" },
  { "throttleWriteIOPSDevice", offsetof (OciBlockIo, throttle_write_iops_device),
    "blkio.throttle.write_iops_device", "wiops" },
};

static gboolean
add_throttle (CgroupLimits *limits, gsize row, const OciThrottleDevice *device, guint index,
              GError **error)
{
  g_autofree char *pointer = g_strdup_printf ("/blockIO/%s/%u", throttles[row].name, index);
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
                                             device->major.value, device->minor.value);
  g_autofree char *rate = g_strdup_printf ("%" G_GUINT64_FORMAT, device->rate.value);
  g_autofree char *v1 = g_strdup_printf ("%s %s", number, rate);
  /* 0 lifts a limit of v1 */
  g_autofree char *v2 = g_strdup_printf ("%s %s=%s", number, throttles[row].v2_key,
                                         device->rate.value != 0 ? rate : "max");
  const CgroupLimit limit = { .controller = "io", .pointer = pointer,
                              .v1_file = throttles[row].v1_file, .v2_file = "io.max" };
  const CgroupValue value = { .asked = device->rate.value != 0, .v1 = v1, .v2 = v2 };

  return cgroup_limits_add (limits, &limit, &value, error);
}

static gboolean
add_throttles (CgroupLimits *limits, const OciBlockIo *block_io, GError **error)
{
  for (gsize row = 0; row < G_N_ELEMENTS (throttles); row++)
    {
      const GPtrArray *devices = *(GPtrArray *const *) (const void *) ((const char *) block_io
                                                                       + throttles[row].member);

      for (guint i = 0; i < field_count (devices); i++)
        if (!add_throttle (limits, row, g_ptr_array_index (devices, i), i, error))
          return FALSE;
    }
  return TRUE;
}

static gboolean
add_block_io (CgroupLimits *limits, GError **error)
{
  const OciBlockIo *block_io = limits->resources->block_io;
  const CgroupLimit weight = {
    .controller = "io", .pointer = "/blockIO/weight",
    .v1_file = "blkio.bfq.weight", .v1_other = "blkio.weight",
    .v2_file = "io.bfq.weight", .v2_other = "io.weight",
  };
  const CgroupLimit leaf_weight = {
    .controller = "io", .pointer = "/blockIO/leafWeight", .v1_file = "blkio.leaf_weight",
  };

  if (block_io == NULL)
    return TRUE;
  if (!add_weight (limits, &weight, "", block_io->weight.value, error)
      || !add_weight (limits, &leaf_weight, "", block_io->leaf_weight.value, error))
    return FALSE;
  for (guint i = 0; i < field_count (block_io->weight_device); i++)
    if (!add_weight_device (limits, g_ptr_array_index (block_io->weight_device, i), i, error))
      return FALSE;
  return add_throttles (limits, block_io, error);
}

/* --- huge pages, RDMA, network --- */

/* Pages that are reserved but not yet used count too, where the kernel knows how. */
static gboolean
add_hugepages (CgroupLimits *limits, const OciHugepageLimit *wanted, guint index, GError **error)
{
  g_autofree char *pointer = g_strdup_printf ("/hugepageLimits/%u", index);
  g_autofree char *v1 = g_strdup_printf ("hugetlb.%s.limit_in_bytes", wanted->page_size);
  g_autofree char *v2 = g_strdup_printf ("hugetlb.%s.max", wanted->page_size);
  g_autofree char *v1_reserved = g_strdup_printf ("hugetlb.%s.rsvd.limit_in_bytes",
                                                  wanted->page_size);
  g_autofree char *v2_reserved = g_strdup_printf ("hugetlb.%s.rsvd.max", wanted->page_size);
  g_autofree char *bytes = g_strdup_printf ("%" G_GUINT64_FORMAT, wanted->limit.value);
  const CgroupValue value = { .asked = TRUE, .v1 = bytes };
  const CgroupLimit used = { "hugetlb", pointer, v1, v2, NULL };
  const CgroupLimit reserved = { "hugetlb", pointer, v1_reserved, v2_reserved,
                                 .flags = CGROUP_MAY_MISS };

  return cgroup_limits_add (limits, &reserved, &value, error)
         && cgroup_limits_add (limits, &used, &value, error);
}

static gboolean
add_rdma (CgroupLimits *limits, const OciRdma *rdma, GError **error)
{
  g_autofree char *pointer = g_strconcat ("/rdma/", rdma->key, NULL);
  g_autoptr (GString) text = g_string_new (rdma->key);
  const CgroupLimit limit = { "rdma", pointer, "rdma.max", "rdma.max", NULL };
  CgroupValue value = { .asked = TRUE };

  if (rdma->hca_handles.set)
    g_string_append_printf (text, " hca_handle=%u", rdma->hca_handles.value);
  if (rdma->hca_objects.set)
    g_string_append_printf (text, " hca_object=%u", rdma->hca_objects.value);
  value.v1 = text->str;
  return text->len == strlen (rdma->key) || cgroup_limits_add (limits, &limit, &value, error);
}

static gboolean
add_network (CgroupLimits *limits, GError **error)
{
  static const CgroupLimit class_id = { "net_cls", "/network/classID", "net_cls.classid" };
  const OciNetwork *network = limits->resources->network;
  g_autofree char *number = NULL;
  CgroupValue value = { 0 };

  if (network == NULL)
    return TRUE;
  number = g_strdup_printf ("%u", network->class_id.value);
  value.asked = network->class_id.value != 0;
  value.v1 = number;
  if (network->class_id.set && !cgroup_limits_add (limits, &class_id, &value, error))
    return FALSE;
  for (guint i = 0; i < field_count (network->priorities); i++)
    {
      const OciInterfacePriority *wanted = g_ptr_array_index (network->priorities, i);
      g_autofree char *pointer = g_strdup_printf ("/network/priorities/%u", i);
      g_autofree char *text = g_strdup_printf ("%s %u", wanted->name, wanted->priority.value);
      const CgroupLimit priority = { "net_prio", pointer, "net_prio.ifpriomap" };
      const CgroupValue map = { .asked = TRUE, .v1 = text };

      if (!cgroup_limits_add (limits, &priority, &map, error))
        return FALSE;
    }
  return TRUE;
}

/* --- cgroup v2 by the names of its files: they win over what has names of its own --- */

static gboolean
add_unified (CgroupLimits *limits, const OciPair *pair, GError **error)
{
  g_autofree char *controller = g_strndup (pair->key, strcspn (pair->key, "."));
  g_autofree char *pointer = g_strconcat ("/unified/", pair->key, NULL);
  const CgroupLimit limit = {
    .controller = strcmp (controller, "cgroup") == 0 ? "" : g_intern_string (controller),
    .pointer = pointer, .v2_file = pair->key,
    .flags = strcmp (pair->key, "pids.max") == 0 ? CGROUP_LATE : 0,
  };
  g_auto (GStrv) lines = g_strsplit (pair->value, "\n", -1);

  /* one line at a time is what the kernel takes (cgroup-v2.rst, "Format": of nested keys) */
  for (char **line = lines; *line != NULL; line++)
    {
      const CgroupValue value = { .asked = TRUE, .v1 = *line };

      if ((line == lines || **line != '\0')
          && !cgroup_limits_add (limits, &limit, &value, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
cgroup_limits_add_lists (CgroupLimits *limits, GError **error)
{
  const OciResources *resources = limits->resources;

  if (!add_block_io (limits, error) || !add_network (limits, error))
    return FALSE;
  for (guint i = 0; i < field_count (resources->hugepage_limits); i++)
    if (!add_hugepages (limits, g_ptr_array_index (resources->hugepage_limits, i), i, error))
      return FALSE;
  for (guint i = 0; i < field_count (resources->rdma); i++)
    if (!add_rdma (limits, g_ptr_array_index (resources->rdma, i), error))
      return FALSE;
  for (guint i = 0; i < field_count (resources->unified); i++)
    if (!add_unified (limits, g_ptr_array_index (resources->unified, i), error))
      return FALSE;
  return TRUE;
}
