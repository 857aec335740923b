/* Network devices that go into the container; see plan/netdevices.c. */
#pragma once

#include "plan/plan.h"

/* Devices that have been moved, and can still go back. */
typedef struct NetDevices NetDevices;

/* Moves the devices of @plan from the caller's network namespace to that of process @pid: with
 * their permanent addresses of global scope, up, and under the names they are to have. What has
 * been moved is in *@ret_devices also on failure; NULL: there is nothing. Transfer: full. */
gboolean net_devices_move (const Plan *plan, pid_t pid, NetDevices **ret_devices, GError **error);

/* Moves them back, to their names, their addresses and the state they were in, and frees
 * @devices (NULL allowed). The namespace they are in need have no process any more. */
void net_devices_return (NetDevices *devices);

/* Frees @devices (NULL allowed): they stay where they are. */
void net_devices_free (NetDevices *devices);
