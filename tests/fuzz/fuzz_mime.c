/*
 * fuzz_mime - a sender, NUL, a recipient, NUL, a subject, NUL, a text.
 *
 * Whatever they are, the message is ASCII in lines that end in CR LF and are
 * never too long, and its header has the lines that it is to have, in order.
 * That they say what was given is python's to judge (mime_oracle.py).
 */
#include "fuzz.h"
#include "mime_file.h"

static const char *const names[] = { "From", "To", "Subject", "Date",
    "Message-ID", "Auto-Submitted", "List-Unsubscribe", "Skycap-Event",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding" };

static struct slice
take_line(struct slice *s)
{
	const char *end = s->len == 0 ? NULL : memmem(s->s, s->len, "\r\n", 2);
	struct slice line;

	CHECK(end != NULL);
	line = slice_take(s, (size_t)(end - s->s));
	slice_take(s, 2);
	return line;
}

static void
check_line(struct slice line)
{
	CHECK(line.len <= 998);
	for (size_t i = 0; i < line.len; i++)
		CHECK(line.s[i] == '\t' ||
		    (line.s[i] >= ' ' && line.s[i] <= '~'));
}

static bool
is_blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] != ' ' && s.s[i] != '\t')
			return false;
	return true;
}

/* Lines that begin with a blank go on with the one before. */
static void
check_header(struct slice *message)
{
	size_t n = 0, len;

	for (;;) {
		struct slice line = take_line(message);

		check_line(line);
		if (line.len == 0)
			break;
		if (line.s[0] == ' ') {
			CHECK(n > 0 && !is_blank(line));
			/* an address is never folded */
			CHECK(line.len <= 78 || n == 1);
			continue;
		}
		CHECK(n < NELEM(names));
		len = strlen(names[n]);
		CHECK(line.len > len && line.s[len] == ':');
		CHECK(memcmp(line.s, names[n], len) == 0);
		CHECK(n != 2 || line.len <= 78);
		n++;
	}
	CHECK(n == NELEM(names));
}

/* As people read it: the same lines, none of them folded. */
static void
check_printed(struct slice head)
{
	for (size_t n = 0; n < NELEM(names); n++) {
		struct slice line = take_line(&head);
		size_t len = strlen(names[n]);

		CHECK(line.len > len && line.s[len] == ':');
		CHECK(memcmp(line.s, names[n], len) == 0);
		CHECK(memchr(line.s, '\r', line.len) == NULL);
		CHECK(memchr(line.s, '\n', line.len) == NULL);
	}
	CHECK(head.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(FUZZ_MAX), head = BUF_INIT(FUZZ_MAX);
	struct slice message, address;
	struct mime m;
	enum rc rc;

	if (!mime_file((struct slice){ (const char *)data, size }, &m))
		return 0;
	rc = mime_make(&m, &out);
	CHECK(mime_print(&m, &head) == rc);
	CHECK(rc == RC_OK || rc == RC_INVALID);
	if (mime_address(m.from, &address) != RC_OK)
		CHECK(rc == RC_INVALID);
	if (rc == RC_OK) {
		message = buf_as_slice(&out);
		check_header(&message);
		while (message.len > 0)
			check_line(take_line(&message));
		check_printed(buf_as_slice(&head));
	} else
		CHECK(out.len == 0 && head.len == 0);
	buf_free(&out);
	buf_free(&head);
	return 0;
}
