/* Network devices (runtime-spec config-linux.md, "Network Devices"). The runtime moves them when
 * the container's network namespace is there; the init waits for that before it sets anything in
 * it, since kernel parameters have devices in their names. */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <linux/sched.h>

/* Whether the container shares the caller's network namespace. */
static gboolean
stays (const PlanContext *context)
{
  const GPtrArray *wanted = context->spec->linux_->namespaces;

  for (guint i = 0; i < field_count (wanted); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (wanted, i);
      const NamespaceFacts *facts = g_ptr_array_index (context->facts->bundle.namespaces, i);

      if (ns->type == CLONE_NEWNET)
        return facts != NULL && facts->own;
    }
  return TRUE;
}

/* Checks the devices one by one; adds their names to @words. */
static gboolean
check_devices (PlanContext *context, GString *words, GError **error)
{
  const GPtrArray *devices = context->spec->linux_->net_devices;

  for (guint i = 0; i < field_count (devices); i++)
    {
      const OciNetDevice *device = g_ptr_array_index (devices, i);
      const char *name = oci_net_device_name (device);
      g_autofree char *at = g_strconcat ("/linux/netDevices/", device->key, NULL);
      gboolean there = g_array_index (context->facts->bundle.net_devices, guint, i) != 0;

      if (!plan_go_on (context, there || plan_refuse (error, at, "link not found for interface %s"
                                                      " on runtime namespace", device->key),
                       error))
        return FALSE;
      g_string_append_printf (words, "%s%s", i > 0 ? ", " : "", device->key);
      if (name != device->key)
        g_string_append_printf (words, " as %s", name);
    }
  return TRUE;
}

gboolean
plan_net_devices (PlanContext *context, GError **error)
{
  const BundleFacts *facts = &context->facts->bundle;
  g_autoptr (GString) words = g_string_new (NULL);
  guint32 row;

  if (field_count (context->spec->linux_->net_devices) == 0)
    return TRUE;
  if (stays (context))
    return plan_refuse (error, "/linux/netDevices", "unable to move network devices without a NET"
                        " namespace");
  if (!facts->net_admin)
    return plan_refuse (error, "/linux/netDevices", "network devices are not supported for rootless"
                        " containers: the caller has no CAP_NET_ADMIN over the network namespace"
                        " that they are in");
  if (!check_devices (context, words, error))
    return FALSE;
  row = plan_row (context->plan, "/linux/netDevices", "wait for network devices: %s", words->str);
  (void) plan_op (context->plan, OP_NET_DEVICES, row, 0);
  return TRUE;
}
