/* The init's instructions as bytes; see initops.h. */
#include "config.h"

#include "plan/initops.h"

#include "init/ops.h"

#include <string.h>

static const char *const op_names[OP_CODE_N] = {
#define OPERATION(code, function, name, n_numbers, n_strings) [OP_##code] = (name),
  OPERATIONS (OPERATION)
#undef OPERATION
};

const char *
plan_op_name (guint32 code)
{
  return code < OP_CODE_N ? op_names[code] : NULL;
}

static void
pad (GByteArray *block)
{
  static const guint8 zeros[8];

  g_byte_array_append (block, zeros, (8 - block->len % 8) % 8);
}

static void
encode_op (GByteArray *block, const PlanOp *op, GBytes *program, guint32 program_flags)
{
  guint start = block->len;
  struct op_header header = {
    .code = op->code,
    .n_numbers = op->numbers->len,
    .n_strings = op->strings->len,
    .flags = op->flags,
    .row = op->row,
  };
  guint64 flags = program_flags;
  gsize data_size = 0;
  const guint8 *data = NULL;

  if (op->seccomp != NULL && program != NULL)
    {
      data = g_bytes_get_data (program, &data_size);
      header.data_size = (guint32) data_size;
      header.n_numbers = 1;
    }
  g_byte_array_append (block, (const guint8 *) &header, sizeof header);
  if (data != NULL)
    g_byte_array_append (block, (const guint8 *) &flags, sizeof flags);
  else
    g_byte_array_append (block, (const guint8 *) op->numbers->data,
                         op->numbers->len * (guint) sizeof (guint64));
  if (data != NULL)
    g_byte_array_append (block, data, (guint) data_size);
  pad (block);
  for (guint i = 0; i < op->strings->len; i++)
    {
      const char *string = g_ptr_array_index (op->strings, i);

      g_byte_array_append (block, (const guint8 *) string, (guint) strlen (string) + 1);
    }
  pad (block);
  ((struct op_header *) (void *) (block->data + start))->size = block->len - start;
}

GByteArray *
plan_encode (const Plan *plan, GBytes *program, guint32 program_flags)
{
  GByteArray *block = g_byte_array_sized_new (8192);
  struct ops_header header = { .magic = OPS_MAGIC, .count = plan->ops->len };

  g_byte_array_append (block, (const guint8 *) &header, sizeof header);
  for (guint i = 0; i < plan->ops->len; i++)
    encode_op (block, g_ptr_array_index (plan->ops, i), program, program_flags);
  ((struct ops_header *) (void *) block->data)->size = block->len;
  return block;
}
