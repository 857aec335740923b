/* Network devices that a configuration wants to have moved. */
#pragma once

#include "plan/facts.h"
#include "spec/spec.h"

/* Whether the caller has every right over the network namespace he is in: it must belong to his
 * user namespace or one below. */
gboolean host_rules_network (void);

/* Fills net_devices and net_admin of @facts, and own of its network namespace, where @spec wants
 * devices. */
void host_net_devices_probe (const OciSpec *spec, BundleFacts *facts);
