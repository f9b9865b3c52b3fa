/*
 * What the verbs of client, subscription and key have in common: one record,
 * named by its id.
 */
#include "cli/cli.h"
#include "cli/print.h"

int
cli_one(struct cli *c, int argc, char **argv, const struct cli_option *opt,
    size_t n, enum store_kind kind, uint32_t *number)
{
	int status, left;

	left = cli_options(c, argc, argv, opt, n, &status);
	if (left == -1)
		return status == CLI_OK ? CLI_HELPED : status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, kind, argv[1], number);
	return status;
}

int
cli_list(struct cli *c, int argc, char **argv, cli_list_fn *rows,
    cli_list_fn *lines)
{
	const struct roster *r;
	int status;

	status = cli_begin(c, argc, argv, 0, "list takes no arguments");
	if (status == CLI_OK)
		status = cli_roster(c, &r);
	if (status != CLI_OK)
		return status;
	store_idle(c->service.store);
	(c->json ? lines : rows)(c, r);
	roster_release(r);
	return status;
}

int
cli_change(struct cli *c, int argc, char **argv, enum store_kind kind,
    cli_change_fn *fn)
{
	struct buf why = BUF_INIT(1024);
	struct config cf;
	uint32_t number;
	int status;

	status = cli_one(c, argc, argv, NULL, 0, kind, &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (fn(&cf, number, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else
		service_nudge_all(&c->service);
	buf_free(&why);
	return status;
}

int
cli_export(struct cli *c, int argc, char **argv, enum store_kind kind,
    cli_export_fn *fn, size_t max)
{
	bool secrets = false;
	const struct cli_option opt[] = {
		{ .name = "with-secrets", .flag = &secrets },
	};
	struct buf out = BUF_INIT(max), why = BUF_INIT(4096);
	struct config cf;
	uint32_t number;
	int status;

	status = cli_one(c, argc, argv, opt, NELEM(opt), kind, &number);
	if (status != CLI_OK)
		return status;
	(void)buf_room(&out, out.max);		/* at once: leaves no copies */
	cf = service_config(&c->service);
	if (fn(&cf, number, secrets ? PORTABLE_PLAIN : PORTABLE_MASKED, &out,
	    &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	store_idle(c->service.store);
	if (status == CLI_OK)
		print_export(&out, c->json, max);
	buf_wipe(&out);
	buf_free(&why);
	return status;
}
