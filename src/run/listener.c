/* The listener of a seccomp filter; see listener.h (runtime-spec config-linux.md, "Seccomp": the
 * container process state). Needed once in the life of few containers, so what it says is read
 * from the copy of the configuration. */
#include "config.h"

#include "run/listener.h"

#include "base/error.h"
#include "json/emit.h"
#include "run/passfd.h"
#include "spec/state.h"

static void
emit_state (JsonEmit *emit, const Container *container, const OciSpec *spec)
{
  const OciState state = { .oci_version = spec->oci_version, .id = container->id,
                           .status = "creating", .bundle = container->record->bundle,
                           .annotations = spec->annotations, .pid = container->init.pid };

  oci_state_emit (emit, "state", &state);
}

gboolean
listener_send (const Container *container, pid_t pid, int fd, GError **error)
{
  static const char *const fds[] = { "seccompFd", NULL };
  g_autoptr (OciSpec) spec = container_spec (container, error);
  g_autoptr (GString) text = g_string_new (NULL);
  const OciSeccomp *seccomp;
  JsonEmit emit;

  if (spec == NULL)
    return FALSE;
  seccomp = spec->linux_->seccomp;
  if (fd < 0 || seccomp == NULL || seccomp->listener_path == NULL)
    return throw (error, "the init sends a listener that nobody asked for");
  json_emit_init (&emit, text);
  json_emit_object (&emit, NULL);
  json_emit_string (&emit, "ociVersion", spec->oci_version);
  json_emit_strings (&emit, "fds", fds);
  json_emit_int (&emit, "pid", pid > 0 ? pid : container->init.pid);
  if (seccomp->listener_metadata != NULL)
    json_emit_string (&emit, "metadata", seccomp->listener_metadata);
  emit_state (&emit, container, spec);
  json_emit_object_end (&emit);
  if (!pass_fd_to_path (seccomp->listener_path, text->str, fd, error))
    {
      g_prefix_error (error, "config.json: /linux/seccomp/listenerPath: ");
      return FALSE;
    }
  return TRUE;
}
