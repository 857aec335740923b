/* The listener of a seccomp filter; see listener.h (runtime-spec config-linux.md, "Seccomp": the
 * container process state). Needed once in the life of few containers, so what it says is read
 * from the copy of the configuration. */
#include "config.h"

#include "run/listener.h"

#include "base/error.h"
#include "base/fd.h"
#include "json/emit.h"
#include "run/passfd.h"
#include "spec/spec.h"

static OciSpec *
read_spec (const Container *container, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  text = fd_read_file_at (container->fd, CONTAINER_CONFIG_FILE, JSON_TEXT_MAX_LENGTH, &length,
                          error);
  return text != NULL ? oci_spec_parse (text, length, "config.json", error) : NULL;
}

static void
emit_state (JsonEmit *emit, const Container *container, const OciSpec *spec)
{
  json_emit_object (emit, "state");
  json_emit_string (emit, "ociVersion", spec->oci_version);
  json_emit_string (emit, "id", container->id);
  json_emit_string (emit, "status", "creating");
  json_emit_int (emit, "pid", container->init.pid);
  json_emit_string (emit, "bundle", container->record->bundle);
  json_emit_object (emit, "annotations");
  for (guint i = 0; i < field_count (spec->annotations); i++)
    {
      const OciPair *pair = g_ptr_array_index (spec->annotations, i);

      json_emit_string (emit, pair->key, pair->value);
    }
  json_emit_object_end (emit);
  json_emit_object_end (emit);
}

gboolean
listener_send (const Container *container, pid_t pid, int fd, GError **error)
{
  static const char *const fds[] = { "seccompFd", NULL };
  g_autoptr (OciSpec) spec = read_spec (container, error);
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
  json_emit_string (&emit, "metadata",
                    seccomp->listener_metadata != NULL ? seccomp->listener_metadata : "");
  emit_state (&emit, container, spec);
  json_emit_object_end (&emit);
  if (!pass_fd_to_path (seccomp->listener_path, text->str, fd, error))
    {
      g_prefix_error (error, "config.json: /linux/seccomp/listenerPath: ");
      return FALSE;
    }
  return TRUE;
}
