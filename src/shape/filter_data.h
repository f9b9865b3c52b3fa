/*
 * filter_data - a compiled filter in memory, for filter.c and filter_match.c.
 *
 * Nodes lie in preorder: a group's children follow it up to its `next`.
 */
#ifndef SHAPE_FILTER_DATA_H
#define SHAPE_FILTER_DATA_H

#include "shape/filter.h"

enum filter_kind { FILTER_ALL, FILTER_ANY, FILTER_TEST };

enum filter_op {
	FILTER_EQ, FILTER_NE, FILTER_IN, FILTER_NOT_IN, FILTER_PREFIX,
	FILTER_EXISTS, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE,
};

struct filter_value {
	enum { AS_TEXT, AS_NUMBER, AS_TIME } as;
	uint32_t off, len;	/* in pool */
	int64_t	 ms;		/* AS_TIME */
};

struct filter_node {
	uint8_t	 kind, op;
	bool	 exists;	/* FILTER_EXISTS: should it? */
	uint32_t next;
	const struct catalog_field *field;	/* NULL: path */
	uint32_t path, path_len;		/* in pool */
	uint32_t value, nvalue;
};

struct filter {
	struct filter_node *node;
	size_t	nnode, node_cap;
	struct filter_value *value;
	size_t	nvalue, value_cap;
	struct buf pool;
};

#endif
