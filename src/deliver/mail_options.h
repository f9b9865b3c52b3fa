/*
 * mail_options - what skycap.conf says of mail, checked.
 *
 * From [mail] and [tls] to what channel_mail.h wants.  It connects to nothing.
 * Used by the sweep, and by `skycap config` to tell what is wrong before the
 * sweep does.
 */
#ifndef DELIVER_MAIL_OPTIONS_H
#define DELIVER_MAIL_OPTIONS_H

#include "base/conf.h"
#include "deliver/channel_mail.h"

#define MAIL_PASSWORD_MAX	512

/* Without a [mail] url there is no mail, whatever else stands in [mail]. */
bool mail_configured(const struct conf *c);

/*
 * Read and check them, of a configuration with mail; *o borrows from *c and
 * *password (a ceiling of MAIL_PASSWORD_MAX at least, wiped by the caller).
 * With a url there must be a from; user and password_file go together; the
 * file is its owner's alone, and holds one line.
 *   RC_INVALID   why says what is wrong
 *   RC_NOTFOUND  there is no password file; why says so
 *   RC_DENIED    others may read it, or we may not; why says which
 *   RC_IO        it can't be read
 */
MUST_USE enum rc mail_options_read(struct mail_options *o,
    const struct conf *c, struct buf *password, struct buf *why);

#endif
