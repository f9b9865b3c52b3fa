#include "work/config.h"
#include "work/record_json.h"

static void
put_id(const struct store *st, const char *key, enum store_kind kind,
    uint32_t number, struct buf *out)
{
	char id[ID_MAX];

	store_record_id(st, kind, number, id);
	record_put_string(out, key, slice_of(id));
}

void
client_print(const struct store *st, const struct client *c, struct buf *out)
{
	buf_putc(out, '{');
	put_id(st, "id", STORE_CLIENT, c->number, out);
	record_put_string(out, "name", slice_of(c->name));
	if (c->mail[0] != '\0')
		record_put_string(out, "mail", slice_of(c->mail));
	record_put_bool(out, "all", c->all);
	record_put_key(out, "scope");
	buf_putc(out, '[');
	for (size_t i = 0; i < c->nscope; i++) {
		buf_puts(out, i > 0 ? ",{" : "{");
		record_put_string(out, "field", c->scope[i].name);
		record_put_string(out, "value", c->scope[i].value);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	record_put_int(out, "version", (int64_t)c->version);
	record_put_time(out, "createdAt", c->created_ms);
	record_put_time(out, "updatedAt", c->updated_ms);
	buf_putc(out, '}');
}

void
subscription_print(const struct store *st, const struct subscription *s,
    bool mask, struct buf *out)
{
	struct task *t = subscription_compile(s);
	size_t at;

	buf_putc(out, '{');
	put_id(st, "id", STORE_SUBSCRIPTION, s->number, out);
	put_id(st, "client", STORE_CLIENT, s->client->number, out);
	record_put_string(out, "state",
	    slice_of(subscription_state_name(subscription_state(s))));
	record_put_string(out, "reason", slice_of(subscription_reason(s)));
	record_put_int(out, "version", (int64_t)s->version);
	record_put_time(out, "createdAt", s->created_ms);
	record_put_time(out, "updatedAt", s->updated_ms);
	record_put_time(out, "since", subscription_since_ms(s));
	at = out->len;
	if (t != NULL)			/* its members go on in this object */
		task_print(t, mask, out);
	if (out->len > at + 2)
		out->s[at] = ',';
	else {
		out->len = at;
		buf_putc(out, '}');
	}
	task_free(t);
}

/* The members of a secret, the braces apart. */
static void
put_secret(struct sign_key key, int64_t since_ms, int64_t until_ms,
    struct buf *out)
{
	record_put_string(out, "kind", slice_of(sign_kind_name(key.kind)));
	record_put_key(out, key.kind == SIGN_V1A ? "publicKey" : "secret");
	buf_putc(out, '"');
	sign_key_put_receiver(key, out);	/* base64 needs no escapes */
	buf_putc(out, '"');
	record_put_time(out, "since", since_ms);
	record_put_time(out, "until", until_ms);
}

void
secret_print(const struct keyring *k, size_t i, struct buf *out)
{
	buf_putc(out, '{');
	put_secret(k->key[i], k->since_ms[i], k->until_ms[i], out);
	buf_putc(out, '}');
}

void
rotation_print(const struct subscription_rotation *r, struct buf *out)
{
	buf_putc(out, '{');
	put_secret(r->key, r->now_ms, 0, out);
	record_put_int(out, "older", (int64_t)r->older);
	record_put_time(out, "olderUntil", r->until_ms);
	buf_putc(out, '}');
}

void
apikey_print(const struct store *st, const struct apikey *k, struct buf *out)
{
	buf_putc(out, '{');
	put_id(st, "id", STORE_KEY, k->number, out);
	record_put_string(out, "kind", slice_of(key_kind_name(k->kind)));
	record_put_string(out, "name", slice_of(k->name));
	if (k->client != NULL)
		put_id(st, "client", STORE_CLIENT, k->client->number, out);
	record_put_time(out, "createdAt", k->created_ms);
	buf_putc(out, '}');
}
