#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/print.h"
#include "cli/show.h"

static void
put_duration(uint32_t us, struct buf *out)
{
	if (us < 100000)
		buf_printf(out, "%.1f ms", us / 1e3);
	else
		buf_printf(out, "%.2f s", us / 1e6);
}

static void
put_phase(const char *name, uint32_t us, struct buf *out)
{
	buf_puts(out, out->len == 0 ? "  " : ", ");
	buf_puts(out, name);
	buf_putc(out, ' ');
	put_duration(us, out);
}

/* The heading has how long it took in all. */
static void
print_phases(const struct store_attempt *a)
{
	struct buf line = BUF_INIT(512);
	bool kept = a->first_us > 0 && a->dns_us == 0 && a->connect_us == 0;

	if (kept)
		buf_puts(&line, "  on a connection that was open");
	if (a->dns_us > 0)
		put_phase("dns", a->dns_us, &line);
	if (a->connect_us > 0)
		put_phase("connect", a->connect_us, &line);
	if (a->tls_us > 0)
		put_phase("tls", a->tls_us, &line);
	if (a->first_us > 0)
		put_phase("first byte after", a->first_us, &line);
	if (line.len > 0)
		puts(buf_str(&line));
	buf_free(&line);
}

static void
print_request(const struct store_attempt *a, const struct attempt_body *b)
{
	bool sent = attempt_went_out(a);
	bool mail = attempt_is_mail(a);

	if (a->request.len > 0) {
		printf("  The %s%s:\n", mail ? "mail" : "request",
		    sent ? "" : ", of which nothing was sent");
		print_quoted("  > ", a->request);
	}
	if (b->body.s == NULL) {
		print_quoted(a->request.len == 0 ? "  No body: " : mail ?
		    "  Its text can't be shown: " :
		    "  Its body can't be shown: ", b->why);
		return;
	}
	/* how a text was encoded its header says */
	printf("  Its %s, %zu byte%s:\n", mail ? "text" : sent ?
	    "body as sent" : "body", b->body.len,
	    b->body.len == 1 ? "" : "s");
	print_quoted("  | ", b->body);
}

/* Less the empty line that ends it. */
static void
print_part(const char *title, const char *margin, struct slice s)
{
	while (s.len > 0 && strchr("\r\n", s.s[s.len - 1]) != NULL)
		s.len--;
	if (s.len == 0)
		return;
	puts(title);
	print_quoted(margin, s);
}

static void
print_body(const struct store_attempt *a)
{
	if (a->response_body.len == 0)
		return;
	printf("  Its body, %s%" PRIu64 " byte%s:\n",
	    a->response_len > a->response_body.len ? "of " : "",
	    a->response_len, a->response_len == 1 ? "" : "s");
	print_quoted("  | ", a->response_body);
}

/* Of SMTP's replies the last says how it ended. */
static void
print_response(const struct store_attempt *a)
{
	if (attempt_is_mail(a)) {
		print_part("  The mail server's answer:", "  < ",
		    a->response_body);
		print_part("  The dialogue:", "  | ", a->response_head);
	} else {
		print_part("  The answer:", "  < ", a->response_head);
		print_body(a);
	}
	if (a->response_len > a->response_body.len)
		printf("  truncated at %zu of %" PRIu64 " bytes\n",
		    a->response_body.len, a->response_len);
}

void
show_attempt(const struct store_attempt *a, const struct attempt_body *b)
{
	struct buf line = BUF_INIT(4096);
	char when[CLOCK_TEXT_MAX];

	clock_format(a->at_ms, when);
	buf_printf(&line, "Attempt %u  %s  %s", a->number, when, a->word);
	if (a->status > 0)
		buf_printf(&line, " %d", a->status);
	if (a->total_us > 0) {
		buf_puts(&line, "  ");
		put_duration(a->total_us, &line);
	}
	putchar('\n');
	print_quoted("", buf_as_slice(&line));
	print_quoted("  ", a->sentence);
	if (a->address.len > 0)
		print_quoted("  to ", a->address);
	print_phases(a);
	if (a->attempt != a->number)	/* retries that used no attempt */
		printf("  sent as attempt %u\n", a->attempt);
	printf("  with version %" PRIu64 " of the subscription\n",
	    a->version);
	print_request(a, b);
	print_response(a);
	buf_free(&line);
}
