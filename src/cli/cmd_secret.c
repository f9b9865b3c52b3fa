#include <stdio.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/print.h"

#define OVERLAP_MS	((int64_t)24 * 3600 * 1000)	/* unless said */
#define TEXT_MAX	(SIGN_KEYS_MAX * 256)	/* of what is printed */

static void
print_rows(const struct keyring *k, size_t n)
{
	static const struct table_column column[] = {
		{ .name = "KIND" }, { .name = "SINCE", .drop = 1 },
		{ .name = "UNTIL" }, { .name = "SECRET" },
	};
	struct table t = TABLE_INIT(column);
	struct buf text = BUF_INIT(SIGN_TEXT_MAX);

	(void)buf_room(&text, text.max);	/* at once: leaves no copies */
	(void)buf_room(&t.text, TEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		sign_key_put_receiver(k->key[i], &text);
		table_cell(&t, sign_kind_name(k->key[i].kind));
		table_cell_time(&t, k->since_ms[i]);
		table_cell_time(&t, k->until_ms[i]);
		table_cell_slice(&t, buf_as_slice(&text));
	}
	table_print(&t);
	buf_wipe(&t.text);
	table_free(&t);
	buf_wipe(&text);
}

static void
print_lines(const struct keyring *k, size_t n)
{
	struct buf out = BUF_INIT(TEXT_MAX);

	(void)buf_room(&out, out.max);		/* at once: leaves no copies */
	for (size_t i = 0; i < n; i++) {
		secret_print(k, i, &out);
		buf_putc(&out, '\n');
	}
	fputs(buf_str(&out), stdout);
	buf_wipe(&out);
}

/* The one that a receiver is to be given, alone on a line. */
static void
print_alone(struct sign_key key)
{
	struct buf out = BUF_INIT(SIGN_TEXT_MAX);

	(void)buf_room(&out, out.max);		/* at once: leaves no copies */
	sign_key_put_receiver(key, &out);
	puts(buf_str(&out));
	buf_wipe(&out);
}

static int
show(struct cli *c, int argc, char **argv)
{
	bool all = false;
	const struct cli_option opt[] = {
		{ .name = "all", .flag = &all },
	};
	struct buf why = BUF_INIT(1024), raw = BUF_INIT(KEYRING_RAW_MAX);
	struct config cf;
	struct keyring k;
	uint32_t number;
	int status;
	size_t n;

	status = cli_one(c, argc, argv, opt, NELEM(opt), STORE_SUBSCRIPTION,
	    &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (subscription_secrets(&cf, number, &raw, &k, &why) != RC_OK) {
		status = cli_fail("%s", buf_str(&why));
		goto done;
	}
	store_idle(c->service.store);
	n = all ? keyring_living(&k, clock_now_ms()) : 1;
	if (c->json)
		print_lines(&k, n);
	else if (all)
		print_rows(&k, n);
	else
		print_alone(k.key[0]);
done:
	buf_wipe(&raw);
	buf_free(&why);
	return status;
}

/* What `rotate` was told. */
struct options {
	const char	*overlap, *from;
	bool		 ed25519;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A client's own secret, from a file that may have blanks around it. */
static int
read_secret(const struct options *o, struct buf *bytes, struct sign_key *key)
{
	struct buf file = BUF_INIT(1024);
	struct slice text;
	int status;
	enum rc rc;

	(void)buf_room(&file, file.max);	/* at once: leaves no copies */
	status = cli_read(o->from, &file);
	if (status != CLI_OK)
		goto done;
	text = buf_as_slice(&file);
	while (text.len > 0 && is_blank(text.s[0])) {
		text.s++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.s[text.len - 1]))
		text.len--;
	rc = sign_key_read(text, bytes, key);
	if (rc == RC_DENIED)
		status = cli_fail("%s: that is a public key; signing needs "
		    "the private one, whsk_...", o->from);
	else if (rc != RC_OK)
		status = cli_fail("%s: a secret is whsec_ and %d to %d bytes "
		    "in base64, or whsk_ and an ed25519 key pair", o->from,
		    SIGN_KEY_MIN, SIGN_KEY_MAX);
	else if (o->ed25519 && key->kind != SIGN_V1A)
		status = cli_fail("%s: for ed25519 a secret is whsk_ and a "
		    "key pair", o->from);
done:
	buf_wipe(&file);
	return status;
}

static int
get_key(const struct options *o, struct buf *bytes, struct sign_key *key)
{
	if (o->from != NULL)
		return read_secret(o, bytes, key);
	if (sign_key_new(o->ed25519 ? SIGN_V1A : SIGN_V1, bytes, key) != RC_OK)
		return cli_fail("a secret can't be made");
	return CLI_OK;
}

static void
print_rotated(const struct cli *c, const struct subscription_rotation *r)
{
	char when[CLOCK_TEXT_MAX];

	if (c->json) {
		struct buf out = BUF_INIT(TEXT_MAX);

		(void)buf_room(&out, out.max);	/* at once: leaves no copies */
		rotation_print(r, &out);
		puts(buf_str(&out));
		buf_wipe(&out);
		return;
	}
	print_alone(r->key);
	clock_format(r->until_ms, when);
	if (r->older == 0)
		fputs("skycap: it alone signs from now on\n", stderr);
	else if (r->older == 1)
		fprintf(stderr, "skycap: the older one signs, too, until "
		    "%s\n", when);
	else
		fprintf(stderr, "skycap: %zu older ones sign, too, the last "
		    "of them until %s\n", r->older, when);
}

static int
rotate_to(struct cli *c, uint32_t number, struct sign_key key,
    int64_t overlap_ms)
{
	struct subscription_rotation r = { .key = key,
	    .now_ms = clock_now_ms(), .overlap_ms = overlap_ms };
	struct config cf = service_config(&c->service);
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;

	if (subscription_rotate(&cf, number, &r, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		service_nudge_all(&c->service);
		store_idle(c->service.store);
		print_rotated(c, &r);
	}
	buf_free(&why);
	return status;
}

static int
rotate(struct cli *c, int argc, char **argv)
{
	struct options o = { .ed25519 = false };
	const struct cli_option opt[] = {
		{ .name = "overlap", .value = &o.overlap },
		{ .name = "ed25519", .flag = &o.ed25519 },
		{ .name = "from", .value = &o.from },
	};
	struct buf bytes = BUF_INIT(SIGN_KEY_MAX);
	int64_t overlap_ms = OVERLAP_MS;
	struct sign_key key;
	uint32_t number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one subscription's id is needed");
	if (o.overlap != NULL && !cli_duration(o.overlap,
	    KEYRING_OVERLAP_MAX_MS, &overlap_ms))
		return cli_usage(c, "--overlap must be a time from 0 to 7d, "
		    "such as 90m, 24h or 2d");
	(void)buf_room(&bytes, bytes.max);	/* at once: leaves no copies */
	status = get_key(&o, &bytes, &key);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, argv[1], &number);
	if (status == CLI_OK)
		status = rotate_to(c, number, key, overlap_ms);
	buf_wipe(&bytes);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "show", show }, { "rotate", rotate },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_secret = {
	.name = "secret",
	.usage = "show SUB [--all]\n"
	    "rotate SUB [--overlap TIME] [--ed25519] [--from FILE|-]",
	.summary = "what a subscription's messages are signed with",
	.help = "  --all           all that sign now, the newest first: kind "
	    "(v1: HMAC, v1a:\n"
	    "                  ed25519), since when and until when\n"
	    "  --overlap TIME  the older ones sign, too, for so long: 0 to 7d, "
	    "as 90m, 24h\n"
	    "                  (unless said) or 2d; 0 ends them now\n"
	    "  --ed25519       a key pair, in place of a secret that both sides "
	    "have\n"
	    "  --from FILE     not a fresh one but what the file has, whsec_... "
	    "or whsk_...:\n"
	    "                  a client may bring along its own\n\n"
	    "`show` prints the newest as its receiver needs it to check "
	    "webhook-signature\n(Standard Webhooks): whsec_..., or of an "
	    "ed25519 pair the public key, whpk_....\n`rotate` puts a new one "
	    "first and prints it in the same way.  While several\nsign, each "
	    "message carries a signature by each of them, so that no "
	    "receiver\nmisses any while it changes over.  At most 8 sign at "
	    "a time.  One from a file\nthat signs already becomes the newest.",
	.run = run,
};
