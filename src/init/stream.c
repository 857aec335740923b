/* The instruction block as records, checked once so that nobody else needs to. */
#include "stream.h"

#include <string.h>

/* What a record must at least hold. */
struct shape {
  uint32_t n_numbers;
  uint32_t n_strings;
};

static const struct shape shapes[OP_CODE_N] = {
#define OPERATION(code, function, name, n_numbers, n_strings) \
  [OP_##code] = { n_numbers, n_strings },
  OPERATIONS (OPERATION)
#undef OPERATION
};

static bool
strings_fit (const char *strings, size_t room, unsigned int count)
{
  while (count-- > 0)
    {
      const char *end = memchr (strings, '\0', room);

      if (end == NULL)
        return false;
      room -= (size_t) (end + 1 - strings);
      strings = end + 1;
    }
  return true;
}

bool
stream_open (struct stream *stream, const void *block, size_t size)
{
  const struct ops_header *header = block;

  if (size < sizeof *header || header->magic != OPS_MAGIC || header->size != size)
    return false;
  *stream = (struct stream) {
    .next = (const char *) block + sizeof *header,
    .left = size - sizeof *header,
    .count = header->count,
  };
  return true;
}

int
stream_next (struct stream *stream, struct op *ret_op)
{
  const struct op_header *header = (const void *) stream->next;
  uint64_t fixed;

  if (stream->count == 0)
    return stream->left == 0 ? 0 : -1;
  if (stream->left < sizeof *header || header->size > stream->left || header->size % 8 != 0
      || header->size < sizeof *header)
    return -1;
  if (header->code == 0 || header->code >= OP_CODE_N)
    return -1;
  if (header->n_numbers < shapes[header->code].n_numbers
      || header->n_strings < shapes[header->code].n_strings)
    return -1;
  fixed = sizeof *header + (uint64_t) header->n_numbers * sizeof (uint64_t);
  if (fixed > header->size || header->data_size > header->size - fixed
      || (header->data_size + 7ul) / 8 * 8 > header->size - fixed)
    return -1;

  *ret_op = (struct op) {
    .header = header,
    .numbers = (const void *) (header + 1),
    .data = stream->next + fixed,
    .strings = stream->next + fixed + (header->data_size + 7ul) / 8 * 8,
  };
  if (!strings_fit (ret_op->strings, (size_t) (stream->next + header->size - ret_op->strings),
                    header->n_strings))
    return -1;
  stream->next += header->size;
  stream->left -= header->size;
  stream->count--;
  return 1;
}

const char *
op_string (const struct op *op, unsigned int k)
{
  const char *string = op->strings;

  while (k-- > 0)
    string += strlen (string) + 1;
  return string;
}
