/* The instructions on both sides: every golden plan is encoded and read back with the init's own
 * reader; then blocks that no plan makes, which the reader has to refuse without a look beyond
 * their end. */
#include "config.h"

#include "../plan/world.h"
#include "init/stream.h"
#include "plan/initops.h"

#include <string.h>

#define FILTER_SIZE 40  /* bytes: five instructions of a filter */
#define MUTATIONS 100000

/* Memory of exactly the block's size, so that AddressSanitizer sees a step too far. */
typedef struct {
  guint8 *bytes;
  gsize size;
} Block;

static void
block_clear (Block *block)
{
  g_clear_pointer (&block->bytes, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Block, block_clear)

static void
block_set (Block *block, const void *bytes, gsize size)
{
  g_autofree guint8 *old G_GNUC_UNUSED = block->bytes;  /* @bytes may be part of it */

  block->bytes = g_memdup2 (bytes, size);
  block->size = size;
}

static struct ops_header *
block_header (const Block *block)
{
  return (void *) block->bytes;
}

/* The record at @offset. */
static struct op_header *
block_record (const Block *block, gsize offset)
{
  return (void *) (block->bytes + offset);
}

/* Uses all that @op promises. */
static guint64
touch (const struct op *op)
{
  guint64 sum = 0;

  for (guint32 i = 0; i < op->header->n_numbers; i++)
    sum += op->numbers[i];
  for (guint32 i = 0; i < op->header->data_size; i++)
    sum += ((const guint8 *) op->data)[i];
  if (op->header->n_strings > 0)
    sum += strlen (op_string (op, op->header->n_strings - 1));
  return sum;
}

/* Reads all of @block. Returns what the last stream_next() did, or -2 if it is no block. */
static int
read_all (const Block *block, guint *ret_records)
{
  struct stream stream;
  struct op op;
  guint records = 0;
  int more;

  if (!stream_open (&stream, block->bytes, block->size))
    return -2;
  while ((more = stream_next (&stream, &op)) > 0)
    {
      (void) touch (&op);
      records++;
    }
  if (ret_records != NULL)
    *ret_records = records;
  return more;
}

/* --- there and back -------------------------------------------------------- */

static void
check_op (const PlanOp *planned, const struct op *op, GBytes *filter)
{
  gboolean has_filter = planned->seccomp != NULL;

  g_assert_cmpuint (op->header->code, ==, planned->code);
  g_assert_cmpuint (op->header->flags, ==, planned->flags);
  g_assert_cmpuint (op->header->row, ==, planned->row);
  if (has_filter)
    {
      g_assert_cmpuint (op->header->n_numbers, ==, 1);
      g_assert_cmpuint (op->numbers[0], ==, 5);
      g_assert_cmpmem (op->data, op->header->data_size, g_bytes_get_data (filter, NULL),
                       (int) g_bytes_get_size (filter));
    }
  else
    {
      g_assert_cmpuint (op->header->data_size, ==, 0);
      g_assert_cmpmem (op->numbers, (int) (op->header->n_numbers * sizeof (uint64_t)),
                       planned->numbers->data,
                       (int) (planned->numbers->len * sizeof (guint64)));
    }
  g_assert_cmpuint (op->header->n_strings, ==, planned->strings->len);
  for (guint i = 0; i < planned->strings->len; i++)
    g_assert_cmpstr (op_string (op, i), ==, g_ptr_array_index (planned->strings, i));
  g_assert_nonnull (plan_op_name (planned->code));
}

static GBytes *
filter_new (void)
{
  guint8 bytes[FILTER_SIZE];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + 1);
  return g_bytes_new (bytes, sizeof bytes);
}

static void
check_plan (const Plan *plan, Block *block)
{
  g_autoptr (GBytes) filter = filter_new ();
  g_autoptr (GByteArray) encoded = plan_encode (plan, filter, 5);
  struct stream stream;
  struct op op;

  block_set (block, encoded->data, encoded->len);
  g_assert_true (stream_open (&stream, block->bytes, block->size));
  for (guint i = 0; i < plan->ops->len; i++)
    {
      g_assert_cmpint (stream_next (&stream, &op), ==, 1);
      check_op (g_ptr_array_index (plan->ops, i), &op, filter);
    }
  g_assert_cmpint (stream_next (&stream, &op), ==, 0);
}

/* The plan of golden case @name, in @block; FALSE if the case is one of a refusal. */
static gboolean
encode_case (const char *name, Block *block)
{
  g_autoptr (Case) golden = case_read (name, NULL);
  g_autoptr (Plan) plan = NULL;

  if (golden != NULL)
    plan = plan_new (golden->spec, golden->facts, &golden->options, NULL);
  if (plan != NULL)
    check_plan (plan, block);
  return plan != NULL;
}

static void
test_round_trip (void)
{
  g_autoptr (GPtrArray) names = case_names ();
  guint plans = 0;

  for (guint i = 0; i < names->len; i++)
    {
      g_auto (Block) block = { 0 };

      plans += encode_case (g_ptr_array_index (names, i), &block) ? 1 : 0;
    }
  g_assert_cmpuint (plans, >, 50);
}

static void
test_names (void)
{
  for (guint32 code = 1; code < OP_CODE_N; code++)
    {
      g_assert_nonnull (plan_op_name (code));
      for (guint32 other = 1; other < code; other++)
        g_assert_cmpstr (plan_op_name (code), !=, plan_op_name (other));
    }
  g_assert_null (plan_op_name (0));
  g_assert_null (plan_op_name (OP_CODE_N));
  g_assert_null (plan_op_name (G_MAXUINT32));
}

/* --- what no plan makes ---------------------------------------------------- */

static void
test_truncated (void)
{
  g_auto (Block) whole = { 0 };

  g_assert_true (encode_case ("seccomp", &whole));
  for (gsize size = 0; size < whole.size; size++)
    {
      g_auto (Block) part = { 0 };

      block_set (&part, whole.bytes, size);
      g_assert_cmpint (read_all (&part, NULL), ==, -2);
      if (size < sizeof (struct ops_header))
        continue;
      /* even if the header knows of it */
      block_header (&part)->size = (uint32_t) size;
      g_assert_cmpint (read_all (&part, NULL), ==, -1);
    }
}

static void
test_header (void)
{
  g_auto (Block) block = { 0 };
  uint32_t count, size, magic;

  g_assert_true (encode_case ("seccomp", &block));
  count = block_header (&block)->count;
  size = block_header (&block)->size;
  magic = block_header (&block)->magic;
  g_assert_cmpint (read_all (&block, NULL), ==, 0);

  block_header (&block)->count = count + 1;
  g_assert_cmpint (read_all (&block, NULL), ==, -1);
  block_header (&block)->count = count - 1;
  g_assert_cmpint (read_all (&block, NULL), ==, -1);
  block_header (&block)->count = 0;
  g_assert_cmpint (read_all (&block, NULL), ==, -1);
  block_header (&block)->count = G_MAXUINT32;
  g_assert_cmpint (read_all (&block, NULL), ==, -1);
  block_header (&block)->count = count;

  block_header (&block)->size = size + 8;
  g_assert_cmpint (read_all (&block, NULL), ==, -2);
  block_header (&block)->size = size;
  block_header (&block)->magic = magic ^ 1;
  g_assert_cmpint (read_all (&block, NULL), ==, -2);
}

/* Where the first record of @code begins. */
static gsize
find_record (const Block *block, uint32_t code)
{
  gsize offset = sizeof (struct ops_header);

  while (offset < block->size && block_record (block, offset)->code != code)
    offset += block_record (block, offset)->size;
  g_assert_cmpuint (offset, <, block->size);
  return offset;
}

/* One member of a record set to what it cannot be. */
static const struct {
  const char *name;
  uint32_t code;   /* of the record */
  gsize member;    /* its offset in struct op_header */
  uint32_t value;
} broken[] = {
#define M(member) offsetof (struct op_header, member)
  { "size 0", OP_ROOT, M (size), 0 },
  { "size below the fixed part", OP_ROOT, M (size), 24 },
  { "size odd", OP_ROOT, M (size), 121 },
  { "size beyond the end", OP_ROOT, M (size), 0xfffffff8 },
  { "code 0", OP_ROOT, M (code), 0 },
  { "code behind the last", OP_ROOT, M (code), OP_CODE_N },
  { "code huge", OP_ROOT, M (code), G_MAXUINT32 },
  { "a label without its strings", OP_ROOT, M (code), OP_LABEL },
  { "too few numbers", OP_ROOT, M (n_numbers), BIND_NUMBERS - 1 },
  { "numbers beyond the record", OP_ROOT, M (n_numbers), BIND_NUMBERS + 100 },
  { "numbers huge", OP_ROOT, M (n_numbers), G_MAXUINT32 },
  { "numbers that wrap 32 bits", OP_ROOT, M (n_numbers), 0x20000000 },
  { "data beyond the record", OP_SECCOMP, M (data_size), 4096 },
  { "data huge", OP_SECCOMP, M (data_size), G_MAXUINT32 },
  { "data that wraps when padded", OP_SECCOMP, M (data_size), 0xfffffff9 },
  { "too few strings", OP_PROGRAM, M (n_strings), 1 },
  { "more strings than there are", OP_PROGRAM, M (n_strings), 100 },
  { "strings huge", OP_PROGRAM, M (n_strings), G_MAXUINT32 },
#undef M
};

static void
test_records (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_auto (Block) block = { 0 };
      gsize offset;

      g_test_message ("%s", broken[i].name);
      g_assert_true (encode_case ("seccomp", &block));
      offset = find_record (&block, broken[i].code) + broken[i].member;
      memcpy (block.bytes + offset, &broken[i].value, sizeof broken[i].value);
      g_assert_cmpint (read_all (&block, NULL), ==, -1);
    }
}

/* The strings of the last record run on to the end of the block. */
static void
test_unterminated (void)
{
  g_auto (Block) block = { 0 };
  gsize offset, strings;

  g_assert_true (encode_case ("usual", &block));
  offset = find_record (&block, OP_ENVIRONMENT);
  strings = offset + sizeof (struct op_header);
  /* it becomes the last one */
  block_header (&block)->size = (uint32_t) (offset + block_record (&block, offset)->size);
  block_header (&block)->count -= 1;
  block_set (&block, block.bytes, block_header (&block)->size);
  g_assert_cmpint (read_all (&block, NULL), ==, 0);
  memset (block.bytes + strings, 'x', block.size - strings);
  g_assert_cmpint (read_all (&block, NULL), ==, -1);
}

/* Whatever is changed, the reader ends, and stays inside the block. */
static void
test_mutated (void)
{
  g_auto (Block) whole = { 0 };
  g_autoptr (GRand) random = g_rand_new_with_seed (20);
  guint accepted = 0;

  g_assert_true (encode_case ("seccomp", &whole));
  for (guint i = 0; i < MUTATIONS; i++)
    {
      g_auto (Block) block = { 0 };
      guint changes = (guint) g_rand_int_range (random, 1, 5);

      block_set (&block, whole.bytes, whole.size);
      for (guint k = 0; k < changes; k++)
        {
          gsize word = (gsize) g_rand_int_range (random, 3, (gint32) (whole.size / 4));
          uint32_t value = g_rand_boolean (random) ? g_rand_int (random)
                                                   : (uint32_t) g_rand_int_range (random, -16, 64);

          memcpy (block.bytes + 4 * word, &value, sizeof value);
        }
      if (read_all (&block, NULL) == 0)
        accepted++;
    }
  /* what changes only a number or a letter is still a block */
  g_assert_cmpuint (accepted, >, 0);
  g_assert_cmpuint (accepted, <, MUTATIONS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/initops/round-trip", test_round_trip);
  g_test_add_func ("/initops/names", test_names);
  g_test_add_func ("/initops/truncated", test_truncated);
  g_test_add_func ("/initops/header", test_header);
  g_test_add_func ("/initops/records", test_records);
  g_test_add_func ("/initops/unterminated", test_unterminated);
  g_test_add_func ("/initops/mutated", test_mutated);
  return g_test_run ();
}
