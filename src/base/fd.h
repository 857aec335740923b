/* File descriptors: owned by a variable, close-on-exec from birth. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* A descriptor that is closed when the variable goes out of scope; start it
 * with -1. */
#define autofd __attribute__ ((cleanup (fd_clear))) int

/* Closes *@fd unless it is -1, and sets it to -1; keeps errno. */
void fd_clear (int *fd);

/* Takes the descriptor out of *@fd, leaving -1. */
int fd_steal (int *fd);

/* Puts /dev/null where descriptor 0, 1 or 2 is missing, so that nothing opened
 * later can land there. */
gboolean fd_ensure_standard (GError **error);

/* The number of descriptors from @first upwards that are open, up to the first that is not. */
unsigned int fd_count_from (unsigned int first);

/* Lists the descriptors from @first upwards that are open (of int). Transfer: full. */
GArray *fd_list_from (int first, GError **error);

/* Marks every descriptor from @first upwards close-on-exec. */
gboolean fd_cloexec_from (unsigned int first, GError **error);

/* Waits up to @timeout_ms (-1: for ever) until there is something to read from @fd, or its end.
 * Returns TRUE when there is. */
gboolean fd_wait (int fd, int timeout_ms);

/* Writes all @length bytes, through EINTR and short writes. */
gboolean fd_write_all (int fd, const void *data, gsize length, GError **error);

/* Reads to the end of @fd, at most @limit bytes: more is an error. The bytes are
 * followed by a NUL that is not counted. Transfer: full. */
gboolean fd_read_all (int fd, gsize limit, char **ret_data, gsize *ret_length, GError **error);

/* Opens @path below @dir_fd (AT_FDCWD allowed) and reads it as fd_read_all() does; @ret_length
 * may be NULL. Only a regular file is read: a FIFO or device is an error, never a hang. errno tells
 * why it failed: EBADMSG if it is no regular file or too large.
 * Transfer: full. */
char *fd_read_file_at (int dir_fd, const char *path, gsize limit, gsize *ret_length,
                       GError **error);

/* As fd_read_file_at() for a file that the user names on the command line, relative to the working
 * directory: that may be a pipe, as a shell's <(COMMAND), and is then read to its end. */
char *fd_read_argument (const char *path, gsize limit, gsize *ret_length, GError **error);

/* Reads a file of /proc that the kernel gives whole to who has room for it: no look at its size,
 * which is unknown, and no second read for its end. @ret_text gets at most @size - 1 bytes and a
 * NUL byte. */
gboolean fd_read_record (const char *path, char *ret_text, gsize size, GError **error);

/* As fd_read_file_at(), where a file that is not there is no error: *@ret_data is then NULL.
 * Transfer: full. */
gboolean fd_read_present_at (int dir_fd, const char *path, gsize limit, GBytes **ret_data,
                             GError **error);

/* Returns a memfd with @data, its offset at 0; -1 on error. With @sealed it can
 * never change again (memfd_create(2), F_ADD_SEALS). */
int fd_memfd (const char *name, const void *data, gsize length, gboolean sealed, GError **error);

/* Reopens @fd read-only with an offset of its own, through /proc/self/fd. */
int fd_reopen_readonly (int fd, GError **error);
