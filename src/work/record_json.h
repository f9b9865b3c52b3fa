/*
 * record_json - the JSON inside configuration records, member by member.
 *
 * Small readers over base/json for the flat objects that config.c writes and
 * roster.c reads.  What a record holds is said in config.c.
 */
#ifndef WORK_RECORD_JSON_H
#define WORK_RECORD_JSON_H

#include "base/json.h"

/* Append member key of the root, a string, to text; false: there is none. */
bool record_string(const struct json_doc *d, const char *key,
    struct buf *text);

/* A member that is an integer or true/false; fallback if it is not there. */
int64_t record_int(const struct json_doc *d, const char *key,
    int64_t fallback);
bool record_bool(const struct json_doc *d, const char *key);

/* Append ,"key":"value" (without the comma after "{"). */
void record_put_string(struct buf *out, const char *key, struct slice value);
void record_put_int(struct buf *out, const char *key, int64_t value);
void record_put_bool(struct buf *out, const char *key, bool value);
void record_put_time(struct buf *out, const char *key, int64_t ms);

/* Append ,"key": alone; a value follows. */
void record_put_key(struct buf *out, const char *key);

#endif
