/* The state document; see state.h. The pid comes last, so that it can be left to somebody else. */
#include "config.h"

#include "spec/state.h"

static void
emit_members (JsonEmit *emit, const OciState *state)
{
  json_emit_string (emit, "ociVersion", state->oci_version);
  json_emit_string (emit, "id", state->id);
  json_emit_string (emit, "status", state->status);
  json_emit_string (emit, "bundle", state->bundle);
  if (field_count (state->annotations) > 0)
    {
      json_emit_object (emit, "annotations");
      for (guint i = 0; i < state->annotations->len; i++)
        {
          const OciPair *pair = g_ptr_array_index (state->annotations, i);

          json_emit_string (emit, pair->key, pair->value);
        }
      json_emit_object_end (emit);
    }
}

void
oci_state_emit (JsonEmit *emit, const char *key, const OciState *state)
{
  json_emit_object (emit, key);
  emit_members (emit, state);
  if (state->pid != 0)
    json_emit_int (emit, "pid", state->pid);
  json_emit_object_end (emit);
}

GString *
oci_state_format (const OciState *state)
{
  GString *line = g_string_sized_new (512);
  JsonEmit emit;

  json_emit_init (&emit, line);
  oci_state_emit (&emit, NULL, state);
  g_string_append_c (line, '\n');
  return line;
}

GString *
oci_state_format_head (const OciState *state)
{
  GString *line = g_string_sized_new (512);
  JsonEmit emit;

  json_emit_init (&emit, line);
  json_emit_object (&emit, NULL);
  emit_members (&emit, state);
  g_string_append (line, ",\"pid\":");
  return line;
}
