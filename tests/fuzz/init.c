/* What goes to the init and comes from it, and the file of the image that it reads. */
#include "config.h"

#include "fuzz.h"
#include "init/passwd.c"
#include "init/stream.h"
#include "run/report.h"

#include <sys/mman.h>
#include <sys/socket.h>

/* Of the init, for passwd.c; no target reaches it. */
const char *
keep (struct init *init, const char *text)
{
  return g_strdup (text);
}

void
fuzz_ops (const char *data, gsize size)
{
  /* 8-aligned, and nothing behind it */
  g_autofree char *block = size > 0 ? g_memdup2 (data, size) : g_malloc (1);
  struct stream stream;
  struct op op;
  guint64 sum = 0;

  if (!stream_open (&stream, block, size))
    return;
  while (stream_next (&stream, &op) > 0)
    {
      g_assert_cmpuint (op.header->code, <, OP_CODE_N);
      for (guint32 i = 0; i < op.header->n_numbers; i++)
        sum += op.numbers[i];
      for (guint32 i = 0; i < op.header->data_size; i++)
        sum += ((const guint8 *) op.data)[i];
      for (guint32 i = 0; i < MIN (op.header->n_strings, 100); i++)
        sum += strlen (op_string (&op, i));
      if (op.header->n_strings > 0)
        sum += strlen (op_string (&op, op.header->n_strings - 1));
    }
  g_assert_cmpuint (sum, <=, G_MAXUINT64);
}

/* One message for each report's worth of bytes, the last one may be short. */
static void
send_messages (int socket, const char *data, gsize size)
{
  for (gsize at = 0; at < size && at < 4 * sizeof (struct report); at += sizeof (struct report))
    (void) send (socket, data + at, MIN (size - at, sizeof (struct report)), MSG_DONTWAIT);
}

void
fuzz_report (const char *data, gsize size)
{
  int ends[2], result;
  struct report report;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
  send_messages (ends[1], data, size);
  (void) close (ends[1]);
  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) failure = NULL;
      int fd = -1;

      result = report_receive (ends[0], &report, &fd, &error);
      g_assert_cmpint (fd, ==, -1);
      if (result < 0)
        fuzz_check_error (error);
      if (result <= 0)
        continue;
      g_assert_false (report_to_error (&report, "/process", "run the program", &failure));
      fuzz_check_error (failure);
    }
  while (result > 0);
  (void) close (ends[0]);
}

/* The first four bytes are the uid that is looked for. */
void
fuzz_passwd (const char *data, gsize size)
{
  int fd = memfd_create ("passwd", MFD_CLOEXEC);
  struct entry entry;
  guint32 uid = 0;

  g_assert_cmpint (fd, >=, 0);
  if (size >= sizeof uid)
    {
      memcpy (&uid, data, sizeof uid);
      g_assert_cmpint (write (fd, data + sizeof uid, size - sizeof uid), ==,
                       (ssize_t) (size - sizeof uid));
      g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
    }
  if (find_home (fd, uid, &entry))
    {
      g_assert_cmpint (entry.home[0], ==, '/');
      g_assert_cmpuint (strlen (entry.home), <, sizeof entry.home);
      g_assert_null (strchr (entry.home, '\n'));
      g_assert_null (strchr (entry.home, ':'));
      g_assert_cmpuint (entry.uid, ==, uid);
    }
  (void) close (fd);
}
