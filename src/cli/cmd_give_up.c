#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/print.h"

/* Deliveries that were named, and what became of each. */
struct named {
	const char	*const *id;
	struct store_key *key;
	enum rc		*rc;
	struct store_delivery *now;	/* as they are then; RC_OK, RC_STALE */
	size_t		 n;
};

static int
parse(const struct cli *c, struct named *g)
{
	uint64_t position;

	for (size_t i = 0; i < g->n; i++) {
		struct slice id = slice_of(g->id[i]);

		if (store_delivery_parse(c->service.store, id, &g->key[i]) ==
		    RC_OK)
			continue;
		if (store_event_parse(c->service.store, id, &position) ==
		    RC_OK)
			return cli_fail("%s is an event; its deliveries are "
			    "given up by their own ids (skycap show %s)",
			    g->id[i], g->id[i]);
		return cli_fail("%s is not the id of a delivery here",
		    g->id[i]);
	}
	return CLI_OK;
}

static enum rc
read_back(const struct cli *c, struct named *g)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < g->n && rc == RC_OK; i++)
		if (g->rc[i] == RC_OK || g->rc[i] == RC_STALE)
			rc = store_delivery_get(c->service.store, g->key[i],
			    &g->now[i]);
	return rc;
}

static const char *
state_name(const struct store_delivery *d)
{
	return d->state == STORE_IS_DELIVERED ? "delivered" :
	    d->state == STORE_IS_DEAD ? "dead" : "pending";
}

static void
print_line(const char *id, enum rc rc, const struct store_delivery *d)
{
	printf("{\"id\":\"%s\",\"givenUp\":%s,\"state\":", id,
	    rc == RC_OK ? "true" : "false");
	if (rc == RC_OK || rc == RC_STALE)
		printf("\"%s\",\"reason\":\"%s\"}\n", state_name(d),
		    d->reason);
	else
		printf("%s,\"reason\":\"\"}\n",
		    rc == RC_RETRY ? "\"pending\"" : "null");
}

/* Dead is what was wanted, whoever was first. */
static int
tell(const struct cli *c, const char *id, enum rc rc,
    const struct store_delivery *d)
{
	if (c->json)
		print_line(id, rc, d);
	if (rc == RC_OK || (rc == RC_STALE && d->state == STORE_IS_DEAD)) {
		if (!c->json && rc == RC_OK)
			printf("%s given up\n", id);
		else if (!c->json)
			printf("%s was dead already: %s\n", id, d->reason);
		return CLI_OK;
	}
	if (rc == RC_STALE)
		return cli_fail("%s is delivered already", id);
	if (rc == RC_NOTFOUND)
		return cli_fail("there is no delivery %s", id);
	if (rc == RC_RETRY)
		return cli_fail("%s is still being made: its event has very "
		    "many subscribers; the next sweep ends that", id);
	return cli_unreadable();
}

static int
give_up(struct cli *c, struct named *g)
{
	int status, worst = CLI_OK;
	enum rc rc;

	rc = store_give_up(c->service.store, g->key, g->n, clock_now_ms(),
	    g->rc);
	if (rc == RC_OK)
		rc = read_back(c, g);
	store_idle(c->service.store);
	if (rc == RC_FULL)
		return cli_fail("the store is full: nothing was given up");
	if (rc != RC_OK)
		return cli_unreadable();
	service_nudge_all(&c->service);
	for (size_t i = 0; i < g->n; i++) {
		status = tell(c, g->id[i], g->rc[i], &g->now[i]);
		if (status != CLI_OK)
			worst = status;
	}
	return worst;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct named g = { 0 };
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left == 0)
		return cli_usage(c, "one delivery's id or more are needed");
	g.n = (size_t)left;
	g.id = (const char *const *)(argv + 1);
	g.key = calloc(g.n, sizeof *g.key);
	g.rc = calloc(g.n, sizeof *g.rc);
	g.now = calloc(g.n, sizeof *g.now);
	if (g.key == NULL || g.rc == NULL || g.now == NULL)
		log_fatal("out of memory: %zu deliveries", g.n);
	status = cli_open(c);
	if (status == CLI_OK)
		status = parse(c, &g);
	if (status == CLI_OK)
		status = give_up(c, &g);
	free(g.now);
	free(g.rc);
	free(g.key);
	return status;
}

const struct command cmd_give_up = {
	.name = "give-up",
	.usage = "DELIVERY...",
	.summary = "stop trying to deliver what is pending or held",
	.help = "A delivery (msg_...) that is given up is dead, reason "
	    "given-up; its record stays.\nOne that is in flight at that "
	    "moment may still arrive: then it is delivered.\nIf one of the "
	    "ids is none of a delivery, nothing is given up.  Exit status 1 "
	    "if\none was delivered already or does not exist.",
	.run = run,
};
