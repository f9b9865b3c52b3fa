#include "base/json_bytes.h"
#include "shape/piece.h"

bool
piece_next(struct slice *text, char tmp[4], struct slice *run)
{
	struct json_pieces u;

	if (text->len == 0)
		return false;
	u = (struct json_pieces){ .p = text->s, .end = text->s + text->len };
	(void)json_piece(&u, run);	/* there is one */
	if (run->s == u.utf8) {		/* u ends here */
		memcpy(tmp, u.utf8, run->len);
		run->s = tmp;
	}
	*text = (struct slice){ u.p, (size_t)(u.end - u.p) };
	return true;
}

/* Compare run by run; whole: nothing of the text may be left over. */
static bool
matches(struct slice text, struct slice s, bool whole)
{
	struct slice run;
	char tmp[4];

	while ((whole || s.len > 0) && piece_next(&text, tmp, &run)) {
		size_t n = run.len;

		if (n > s.len) {
			if (whole)
				return false;
			n = s.len;
		}
		if (n > 0 && memcmp(run.s, s.s, n) != 0)
			return false;
		s.s += n;
		s.len -= n;
	}
	return s.len == 0;
}

bool
piece_is(struct slice text, struct slice s)
{
	return matches(text, s, true);
}

bool
piece_begins(struct slice text, struct slice s)
{
	return matches(text, s, false);
}

void
piece_put(struct slice text, struct buf *out)
{
	struct slice run;
	char tmp[4];

	while (piece_next(&text, tmp, &run))
		buf_slice(out, run);
}

void
piece_compact(const struct json_doc *d, uint32_t i, struct buf *out)
{
	const struct json_tok *tok = d->tok;
	const char *comma = "";
	uint32_t at = i + 1;

	if (tok[i].type != JSON_OBJECT && tok[i].type != JSON_ARRAY) {
		buf_slice(out, json_text(d, i));
		return;
	}
	buf_putc(out, tok[i].type == JSON_OBJECT ? '{' : '[');
	while (at < tok[i].next) {
		buf_puts(out, comma);
		comma = ",";
		if (tok[i].type == JSON_OBJECT) {
			buf_slice(out, json_text(d, at++));
			buf_putc(out, ':');
		}
		piece_compact(d, at, out);	/* as deep as the scan let in */
		at = tok[at].next;
	}
	buf_putc(out, tok[i].type == JSON_OBJECT ? '}' : ']');
}
