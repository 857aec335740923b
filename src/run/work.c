/* What is known of a container before anything is done; see work.h. */
#include "config.h"

#include "run/work.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/self.h"
#include "host/bundle.h"
#include "host/cgroups.h"
#include "host/machine.h"
#include "host/overlay.h"
#include "host/paths.h"
#include "host/security.h"
#include "host/systemd.h"
#include "json/parse.h"
#include "plan/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
work_clear (Work *work)
{
  g_clear_pointer (&work->plan, plan_free);
  g_clear_pointer (&work->facts, host_facts_free);
  g_clear_pointer (&work->spec, oci_spec_free);
  g_clear_pointer (&work->init_path, g_free);
  g_clear_pointer (&work->layer_path, g_free);
  layer_request_clear (&work->layer);
  g_clear_pointer (&work->config, g_free);
}

/* Adds what the configuration does not name and its program needs. */
static gboolean
complete_spec (OciSpec *spec, const CreateRequest *request, GError **error)
{
  g_auto (SystemdFacts) facts = { 0 };

  if (!systemd_is_possible (spec))
    return TRUE;
  host_systemd_probe (spec, request->bundle, &facts);
  return systemd_complete (spec, &facts, request->bundle, request->id, error);
}

/* Who knows other commands may have named the bundle where the container's name stands. */
static gboolean
fail_without_config (int bundle, const CreateRequest *request, GError **error)
{
  g_autofree char *named = NULL;

  if (request->id != NULL)
    named = g_build_filename (request->id, request->config, NULL);
  if (named != NULL && faccessat (bundle, named, F_OK, 0) == 0)
    return throw (error, "JSON specification file %s not found (%s is a bundle: --bundle %s)",
                  request->config, request->id, request->id);
  return throw (error, "JSON specification file %s not found", request->config);
}

gboolean
work_read_spec (Work *work, const CreateRequest *request, GError **error)
{
  LayerOptions layer = { request->overlay, request->overlay_lower, request->bundle };
  autofd bundle = open (request->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (bundle < 0)
    return throw_errno (error, "chdir %s", request->bundle);
  if (faccessat (bundle, request->config, F_OK, 0) < 0 && errno == ENOENT)
    return fail_without_config (bundle, request, error);
  work->config = fd_read_file_at (bundle, request->config, JSON_TEXT_MAX_LENGTH,
                                  &work->config_length, error);
  if (work->config == NULL)
    return FALSE;
  work->spec = oci_spec_parse (work->config, work->config_length, "config.json", error);
  return work->spec != NULL && complete_spec (work->spec, request, error)
         && layer_request_read (work->spec, &layer, &work->layer, error);
}

static gboolean
has_cgroup_mount (const OciSpec *spec)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);

      if (g_strcmp0 (mount->type, "cgroup") == 0 && !mount_is_bind (mount))
        return TRUE;
    }
  return FALSE;
}

static gboolean
probe_cgroups (MachineFacts *machine, const OciSpec *spec, const CreateRequest *request,
               GError **error)
{
  if (has_cgroup_mount (spec) && !host_cgroup_probe (machine, error))
    return FALSE;
  switch (plan_needs_cgroups (spec, machine, request->cgroup_manager))
    {
    case CGROUP_NEEDS_PLACES:
      return host_cgroup_places (machine, 0, spec->linux_->cgroups_path, request->id, error);
    case CGROUP_NEEDS_HIERARCHIES:
      return host_cgroup_hierarchies (machine, error);
    case CGROUP_NEEDS_NOTHING:
    default:
      return TRUE;
    }
}

static gboolean
wants_overlay (const Work *work)
{
  for (guint i = 0; i < field_count (work->spec->mounts); i++)
    if (mount_is_overlay (g_ptr_array_index (work->spec->mounts, i)))
      return TRUE;
  return work->layer.kind != LAYER_NONE;
}

gboolean
work_probe (Work *work, const Store *store, const CreateRequest *request, GError **error)
{
  HostProbeOptions options = { .bwrap = request->bwrap, .root_fd = store->fd };
  HostFacts *facts = work->facts = g_new0 (HostFacts, 1);
  const OciSpec *spec = work->spec;

  if (!host_machine_probe (&facts->machine, &options, error)
      || !probe_cgroups (&facts->machine, spec, request, error)
      || !host_bundle_probe (spec, request->bundle, &facts->bundle, error))
    return FALSE;
  if (request->plain && work->layer.kind != LAYER_NONE)
    return throw (error, "%s: not in the plain mode", work->layer.at);
  if (request->plain)
    host_paths_probe (spec, &facts->bundle);
  if (spec->process != NULL && field_count (spec->process->rlimits) > 0)
    host_limits_probe (&facts->machine);
  if (plan_needs_modules (spec, spec->process))
    host_security_probe (&facts->machine.modules);
  host_layers_probe (spec, &work->layer, &facts->bundle);
  if (wants_overlay (work))
    host_fuse_probe (&facts->machine.fuse, request->mount_program);
  if (wants_overlay (work) && request->look)
    host_overlays_try (spec, &work->layer, &facts->bundle);
  work->layer_path = g_build_filename (store->path, request->id, CONTAINER_LAYER_FOLDER, NULL);
  return TRUE;
}

gboolean
work_set_options (Work *work, const CreateRequest *request, gboolean gate, GError **error)
{
  work->init_path = self_find_program ("bwrap-oci-init", error);
  work->options = (PlanOptions) {
    .id = request->id,
    .bundle = request->bundle,
    .preserve_fds = request->preserve_fds,
    .absent_fds = request->absent_fds,
    .listen_fds = request->listen_fds,
    .notify = request->notify_socket != NULL,
    .gate = gate,
    .plain = request->plain,
    .new_keyring = request->new_keyring,
    .console_socket = request->console_socket != NULL,
    .detach = request->detach,
    .cgroup_manager = request->cgroup_manager,
    .init_path = work->init_path,
    .layer = &work->layer,
    .layer_path = work->layer_path,
    .mount_program = request->mount_program != NULL,
  };
  return work->init_path != NULL;
}

gboolean
work_prepare (Work *work, const Store *store, const CreateRequest *request, gboolean gate,
              GError **error)
{
  if (!work_read_spec (work, request, error) || !work_probe (work, store, request, error))
    return FALSE;
  if (work->facts->machine.bwrap.problem != NULL)
    return throw (error, "%s", work->facts->machine.bwrap.problem);
  if (!work_set_options (work, request, gate, error))
    return FALSE;
  work->plan = plan_new (work->spec, work->facts, &work->options, error);
  if (work->plan == NULL)
    return FALSE;
  for (guint i = 0; i < work->plan->notes->len; i++)
    {
      const PlanNote *note = g_ptr_array_index (work->plan->notes, i);

      log_debug ("config.json: %s: %s", note->pointer, note->message);
    }
  return TRUE;
}
